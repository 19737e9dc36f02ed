"""NumPy's functions keep a tensor on its tape, or say which op to call; nothing slips off."""

import numpy as np
import pytest

import ops
from tape import REGISTRY, Op, Tape, Tensor

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
    "function", [np.shape, np.ndim, np.size, np.zeros_like, sevens, np.argmax, np.argsort]
)
def test_what_has_no_gradient_is_computed_from_the_array(function):
    np.testing.assert_array_equal(function(Tensor(A)), function(A), strict=True)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (np.linalg.norm, "no op is called np.linalg.norm: use ops.norm"),
        (np.vstack, "no op is called np.vstack: use ops.concatenate"),
        (lambda x: np.add.at(A.copy(), 0, x), r"no op is called np.add.at: use ops.index_add"),
        (np.add.reduce, "no op is called np.add.reduce: use ops.sum"),
        (np.less.reduce, "no op is called np.less.reduce"),
        (np.cosh, "no op is called np.cosh: use other ops, or one of your own"),
        (np.floor, "no op is called np.floor"),
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
    own = Op(cosh, ops.sin.samples)
    with Tape() as tape:
        np.cosh(Tensor(A, requires_grad=True))
    assert [record.op for record in tape.records] == [own]
