"""NumPy's functions keep a tensor on its tape, or say which op to call; nothing slips off."""

import numpy as np
import pytest

import ops
from tape import REGISTRY, Op, Tape, Tensor, op

A = np.random.default_rng(0).uniform(0.5, 2, (2, 3))
B = np.random.default_rng(1).uniform(0.5, 2, (2, 3))
CALLS = {
    "exp": lambda f, x: f(x),
    "abs": lambda f, x: f(x),
    "add": lambda f, x: f(B, x),
    "divide": lambda f, x: f(1.0, x),
    "matmul": lambda f, x: f(B.T, x),
    "maximum": lambda f, x: f(x, 1.0),
    "sum": lambda f, x: f(x, 1),
    "mean": lambda f, x: f(x, axis=0, keepdims=True),
    "var": lambda f, x: f(x, 0, ddof=1),
    "concatenate": lambda f, x: f([B, x], 1),
    "stack": lambda f, x: f([x, B], axis=-1),
    "where": lambda f, x: f(B > 1, x, 0.0),
    "clip": lambda f, x: f(x, a_min=0.7, a_max=1.5),
    "einsum": lambda f, x: f("ij,kj->ik", x, B),
    "pad": lambda f, x: f(x, 1),
    "take": lambda f, x: f(x, [0, 0], 1),
    "transpose": lambda f, x: f(x, (1, 0)),
}


@pytest.mark.parametrize("name", CALLS)
def test_function_of_numpy_is_the_op_of_its_name(name):
    with Tape() as tape:
        y = CALLS[name](getattr(np, name), Tensor(A, requires_grad=True))
    assert [record.op for record in tape.records] == [REGISTRY[name]]
    np.testing.assert_allclose(y.data, CALLS[name](getattr(np, name), A), rtol=1e-15, strict=True)


def test_several_results_stay_on_the_tape():
    with Tape() as tape:
        first, second = np.split(Tensor(A, requires_grad=True), 2)
    assert [first.tape, second.tape] == [tape, tape]


@pytest.mark.parametrize("function", [np.less, np.equal, np.isnan, np.isfinite])
def test_tests_give_arrays_of_bool(function):
    inputs = [B] * (function.nin - 1)
    expected = function(A, *inputs)
    np.testing.assert_array_equal(function(Tensor(A), *inputs), expected, strict=True)
    np.testing.assert_array_equal(function(*inputs, Tensor(A)), function(*inputs, A), strict=True)


def sevens(x):
    return np.full_like(x, 7.0)


@pytest.mark.parametrize(
    "function",
    [
        *(np.shape, np.ndim, np.size, np.zeros_like, sevens, np.argmax, np.argsort, np.any, np.all),
        *(np.sign, np.floor, np.ceil, np.trunc, np.rint, np.round, np.array2string),
        lambda x: np.round(x, 1),
        lambda x: np.floor_divide(x, 2),
        lambda x: np.floor_divide(A, x),
        lambda x: np.allclose(x, A),
        lambda x: np.isclose(A, x + 1),
        lambda x: np.array_equal(x, A),
        lambda x: np.where(x > 1)[0],
        lambda x: np.where(x)[1],
        lambda x: np.nonzero(x)[0],
        lambda x: x // 2,
        lambda x: 7 // x,
        lambda x: divmod(x, 2)[0],
        lambda x: divmod(7, x)[0],
        lambda x: x.any(axis=1),
        lambda x: x.all(),
        lambda x: x.argmax(0),
        lambda x: x.argmin(),
        lambda x: x.argsort(axis=0),
        lambda x: x.nonzero()[0],
        lambda x: x.round(1),
        lambda x: np.asarray(x.tolist()),
        lambda x: x.nbytes,
        lambda x: (A[0, 0] in x) if isinstance(x, Tensor) else True,
    ],
)
def test_what_has_no_gradient_is_computed_from_the_array(function):
    np.testing.assert_array_equal(function(Tensor(A)), function(A), strict=True)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: np.linalg.norm(x, 2), "no op is called np.linalg.norm: use other ops"),
        (np.vstack, "no op is called np.vstack: use ops.concatenate"),
        (lambda x: np.add.at(A.copy(), 0, x), r"no op is called np.add.at: use ops.index_add"),
        (np.add.reduce, "no op is called np.add.reduce: use ops.sum"),
        (np.less.reduce, "no op is called np.less.reduce"),
        (np.cosh, "no op is called np.cosh: use other ops, or one of your own"),
        (lambda x: np.hypot(x, A), "no op is called np.hypot"),
        (lambda x: np.add(A, x, out=A.copy()), "np.add would write a tensor into an array"),
        (lambda x: np.sum(x, dtype=np.float32), "unexpected keyword argument 'dtype'"),
        (lambda x: np.sum(x, 0, np.float32), r"too many arguments by place \(3\)"),
        (lambda x: x.__setitem__(0, 1.0), "ops.index_set"),
    ],
)
def test_what_has_no_op_says_what_to_call(call, says):
    with pytest.raises(TypeError, match=says):
        call(Tensor(A))


def test_every_hint_names_an_op():
    hints = ops.numpy_functions.INSTEAD.values()
    assert all(isinstance(getattr(ops, name), Op) for name in hints)


def test_an_op_of_ones_own_with_a_name_of_numpys_is_found(monkeypatch):
    def cosh(x, /):
        return np.cosh(x), lambda g: g * np.sinh(x)

    monkeypatch.setitem(REGISTRY, "cosh", None)
    REGISTRY.pop("cosh")
    own = op(samples=ops.sin.samples)(cosh)
    with Tape() as tape:
        np.cosh(Tensor(A, requires_grad=True))
    assert [record.op for record in tape.records] == [own]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(a=x),
        lambda x: np.sum(a=x, axis=0, keepdims=True),
        lambda x: np.mean(a=x, axis=1),
        lambda x: np.take(a=x, indices=[1, 0], axis=1),
        lambda x: np.take(x, axis=1, indices=[1, 0]),
        lambda x: np.expand_dims(a=x, axis=0),
        lambda x: np.clip(x, min=1),
        lambda x: np.clip(a=x, a_min=None, a_max=2),
        lambda x: np.clip(x, max=2, min=1),
        lambda x: np.concatenate([x, A], axis=None),
        lambda x: np.einsum("ij,kj->ik", x, A, optimize=True),
        lambda x: np.einsum("ij,kj,kl->il", x, A, A),
        lambda x: np.arctan(x),
        lambda x: np.remainder(x, 2),
        lambda x: np.mod(7, x),
        lambda x: np.copy(x),
        lambda x: np.astype(x, np.float32),
        lambda x: np.broadcast_to(array=x, shape=(2, *x.shape)),
        lambda x: np.swapaxes(a=x, axis1=0, axis2=1),
        lambda x: x % 2,
        lambda x: 7 % x,
        lambda x: divmod(x, 2)[1],
        lambda x: divmod(7, x)[1],
        lambda x: x.copy(),
        lambda x: x.astype(np.float32),
        lambda x: x.astype(dtype="float16"),
        lambda x: +x,
    ],
)
def test_calls_as_numpy_users_write_them_run_ops(call):
    x = Tensor(A, requires_grad=True)
    with Tape() as tape:
        y = call(x)
    assert isinstance(y, Tensor)
    np.testing.assert_allclose(y.data, call(A), strict=True)
    if y is not x:
        tape.backward(y, np.ones(y.shape))
        assert x.grad.dtype == A.dtype


@pytest.mark.parametrize("dtype", [int, bool, np.uint8, "int32"])
def test_a_dtype_without_gradients_leaves_the_tape(dtype):
    x = Tensor(A, requires_grad=True)
    y = x.astype(dtype)
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(y, A.astype(dtype), strict=True)
    assert x.astype(A.dtype, copy=False) is x
    assert x.astype(A.dtype) is not x
    assert x.astype(np.float32, copy=False).dtype == np.float32
    with pytest.raises(TypeError, match="float64 would drop the imaginary parts"):
        ops.astype(np.ones(2) * 1j, np.float64)


def test_astype_leaves_float16_behind():
    x = Tensor(np.ones(3, np.float16), requires_grad=True)
    with Tape() as tape:
        y = x.astype(np.float32) / 4096
    assert y.dtype == np.float32
    tape.backward(y, np.ones(3))
    assert x.grad.dtype == np.float16


@pytest.mark.parametrize("number", [2.567, -0.5, 7.0])
def test_one_number_is_formatted_and_rounded_as_a_float(number):
    for x in (Tensor(np.array(number), requires_grad=True), Tensor(np.float64(number))):
        assert f"{x:.2f}" == f"{number:.2f}"
        assert f"{x:>10.1e}" == f"{number:>10.1e}"
        assert (round(x), round(x, 1)) == (round(number), round(number, 1))
    assert f"{Tensor([[number]]):.3f}" == f"{np.float32(number):.3f}"
    assert f"{Tensor([1.0])}" == repr(Tensor([1.0]))
    with pytest.raises(TypeError, match=r"'\.2f' is for one number, not for a shape of \(2,\)"):
        format(Tensor([1.0, 2.0]), ".2f")


def test_round_of_several_numbers_is_an_array():
    np.testing.assert_array_equal(round(Tensor(A), 1), np.round(A, 1))
    np.testing.assert_array_equal(round(Tensor(A)), np.round(A))
