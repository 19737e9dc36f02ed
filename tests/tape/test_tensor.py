"""A tensor: an array that keeps its dtype, speaks NumPy and does not leave the tape by accident."""

import contextlib
import itertools
import math
import operator
import weakref

import numpy as np
import pytest

import ops
from tape import Tape, Tensor

A = np.array([[1.0, 2.0, 0.5], [3.0, 0.25, 1.5], [2.0, 0.75, 4.0]], np.float32)
B = np.array([[2.0, 2.0, 1.0], [0.5, 0.25, 3.0], [1.0, 2.0, 0.5]], np.float32)

ELEMENTWISE = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)
COMPARISONS = (operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge)


def name(value):
    return getattr(value, "__name__", None)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (2.0, np.float32),
        ([[1.0, 2.0]], np.float32),
        ([], np.float32),
        (3, np.int64),
        ([1, 2], np.int64),
        (True, np.bool_),
        (np.float16(2.0), np.float16),
        (np.float64(2.0), np.float64),
        (np.ones(2), np.float64),
        (np.arange(3, dtype=np.uint8), np.uint8),
    ],
)
def test_python_floats_become_float32_and_numpy_values_keep_their_dtype(value, dtype):
    tensor = Tensor(value)

    assert isinstance(tensor.data, np.ndarray)
    assert tensor.dtype == dtype
    np.testing.assert_array_equal(tensor.data, value)


def test_an_array_is_held_without_a_copy():
    tensor = Tensor(A)

    assert tensor.data is A
    assert tensor.numpy() is A
    assert Tensor(tensor).data is A
    assert (tensor.shape, tensor.ndim, tensor.size, len(tensor)) == ((3, 3), 2, 9, 3)


@pytest.mark.parametrize("value", ["abc", None, [[1.0], [1.0, 2.0]], [None, 1.0], {}])
def test_what_is_no_array_of_numbers_is_refused(value):
    with pytest.raises(TypeError, match="no array"):
        Tensor(value)


@pytest.mark.parametrize("value", [[1, 2], True, np.zeros(2, np.uint8)])
def test_only_floating_tensors_can_want_gradients(value):
    with pytest.raises(TypeError, match=rf"floating .* not {Tensor(value).dtype}"):
        Tensor(value, requires_grad=True)


@pytest.mark.parametrize("scalar", [2, 0.5, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("call", ELEMENTWISE, ids=name)
@pytest.mark.pitfall("a Python scalar that turns float32 into float64")
def test_trap_a_python_scalar_does_not_turn_float32_into_float64(call, dtype, scalar):
    array = A.astype(dtype)

    for ours, expected in (
        (call(Tensor(array), scalar), call(array, scalar)),
        (call(scalar, Tensor(array)), call(scalar, array)),
    ):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours.data, expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.pitfall("a Python scalar that turns float32 into float64")
def test_trap_a_python_scalar_in_where_does_not_make_float64():
    for branches in ((A, 0.1), (0.1, A)):
        chosen = ops.where(A > 1, *branches)

        assert chosen.dtype == np.float32
        np.testing.assert_array_equal(chosen.data, np.where(A > 1, *branches))


@pytest.mark.parametrize("call", [*ELEMENTWISE, operator.matmul], ids=name)
@pytest.mark.parametrize("wrap", [(Tensor, Tensor), (Tensor, np.asarray), (np.asarray, Tensor)])
def test_operators_between_tensors_and_arrays_give_tensors_with_numpys_result(call, wrap):
    left, right = wrap
    result = call(left(A), right(B))

    assert isinstance(result, Tensor)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result.data, call(A, B))


def test_lists_and_numpy_scalars_beside_a_tensor():
    assert (Tensor(A) * [1.0, 2.0, 3.0]).dtype == np.float32
    assert (np.float32(2) * Tensor(A)).dtype == np.float32
    assert (np.float64(2) * Tensor(A)).dtype == np.float32


@pytest.mark.parametrize(
    "call",
    [
        operator.neg,
        lambda x: x.sum(),
        lambda x: x.sum(0),
        lambda x: x.sum(axis=(0, 1), keepdims=True),
        lambda x: x.mean(-1),
        lambda x: x.max(axis=1, keepdims=True),
        lambda x: x.T,
        lambda x: x.transpose(),
        lambda x: x.transpose(1, 0),
        lambda x: x.transpose((1, 0)),
        lambda x: x.swapaxes(0, -1),
        lambda x: x.reshape(-1),
        lambda x: x.reshape(1, 9),
        lambda x: x.reshape((9, 1)),
        lambda x: x[1],
        lambda x: x[-1, 0],
        lambda x: x[::-1, None, ..., :2],
        lambda x: x[[0, 2, 2]],
        lambda x: x[x > 1],
        lambda x: x[np.array([0, 1]), np.array([2, 2])],
    ],
)
def test_methods_equal_numpys(call):
    result = call(Tensor(A))

    assert isinstance(result, Tensor)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result.data, call(A), strict=True)


@pytest.mark.parametrize("function", ["exp", "log", "sqrt", "tanh"])
def test_functions_of_numpy_are_methods(function):
    result = getattr(Tensor(A), function)()

    np.testing.assert_array_equal(result.data, getattr(np, function)(A), strict=True)


def test_a_tensor_indexes_a_tensor():
    np.testing.assert_array_equal(Tensor(A)[Tensor([2, 0])].data, A[[2, 0]])


def test_iteration_gives_the_rows_and_stays_on_the_tape():
    x = Tensor(A, requires_grad=True)

    with Tape() as tape:
        first, *_, last = x
        loss = (first * last).sum()
    tape.backward(loss)

    np.testing.assert_array_equal(first.data, A[0])
    np.testing.assert_array_equal(x.grad, [A[2], np.zeros(3), A[0]])


def test_trap_iteration_over_a_0d_tensor_ends_with_an_error():
    with pytest.raises(TypeError, match="unsized"):
        iter(Tensor(1.0))


@pytest.mark.parametrize("call", COMPARISONS, ids=name)
def test_comparisons_give_arrays_of_bool(call):
    for left, right in itertools.product((Tensor(A), A), (Tensor(B), B, 2.0)):
        result = call(left, right)
        right = right.data if isinstance(right, Tensor) else right

        assert isinstance(result, np.ndarray)
        np.testing.assert_array_equal(result, call(A, right), strict=True)


def test_tensors_are_keys_by_identity():
    first, second = Tensor(A), Tensor(A)

    assert {first: 1, second: 2} == {second: 2, first: 1}
    assert len({first, second, first}) == 2


@pytest.mark.parametrize(
    "leave",
    [
        np.asarray,
        lambda x: np.array([x, x]),
        lambda x: operator.iadd(A.copy(), x),
        lambda x: Tensor([x, x]),
    ],
)
def test_what_would_make_an_array_of_a_tensor_raises_instead_of_leaving_the_tape(leave):
    with pytest.raises(TypeError, match=r"off the tape|would leave the tape"):
        leave(Tensor(A))


def test_one_element_as_a_python_number():
    one = Tensor([[2.0]]).sum()

    assert (float(one), int(one), bool(one), one.item()) == (2.0, 2, True, 2.0)
    assert type(one.item()) is float
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Tensor(A))


def test_no_gradient_flows_through_detach():
    w = Tensor([3.0], requires_grad=True)

    with Tape() as tape:
        loss = (w * w.detach()).sum()
    tape.backward(loss)

    assert w.detach().data is w.data and not w.detach().requires_grad
    assert w.grad == [3.0]


def test_backward_of_a_tensor_is_that_of_its_tape():
    w = Tensor([3.0, 1.0], requires_grad=True)
    sink = {}

    with Tape():
        y = w * w
    y.backward([1.0, 10.0], into=sink, keep=True)
    y.backward([1.0, 10.0])

    np.testing.assert_array_equal(sink[w], [6.0, 20.0])
    np.testing.assert_array_equal(w.grad, [6.0, 20.0])


def test_backward_without_a_tape_says_how_to_get_one():
    with pytest.raises(RuntimeError, match=r"with Tape\(\) as tape"):
        Tensor([1.0], requires_grad=True).sum().backward()


def test_an_unknown_attribute_is_named():
    with pytest.raises(AttributeError, match="'Tensor' object has no attribute 'summ'"):
        Tensor(A).summ  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'gard'"):
        Tensor(A).gard = None


def test_repr():
    tensor = Tensor([1.0, 2.5], requires_grad=True, name="w")

    assert repr(tensor) == "Tensor([1. , 2.5], dtype=float32, requires_grad=True, name='w')"


LOSING = [float, int, complex, math.exp, math.sqrt, math.floor, np.float32]


@pytest.mark.parametrize("convert", LOSING, ids=name)
def test_a_tensor_that_wants_a_gradient_becomes_no_python_number_in_silence(convert):
    w = Tensor(2.0, requires_grad=True)
    with pytest.raises(TypeError, match=r"use an op, or .*\(\).* to mean"):
        convert(w)
    assert float(w.detach()) == w.item() == 2


@pytest.mark.parametrize("dtype", [float, int, complex])
def test_nor_does_it_as_an_element_of_an_array(dtype):
    with Tape():
        y = Tensor(2.0, requires_grad=True) * 2.0
    table = np.zeros((2, 2), dtype)
    for write in (
        lambda: table.__setitem__((0, 1), y),
        lambda: np.fromiter((y for _ in range(2)), dtype),
        lambda: np.array([y, y]),
        lambda: np.full(2, y.data).fill(y),
    ):
        with pytest.raises((TypeError, ValueError)):  # NumPy's, caused by ours
            write()
    np.testing.assert_array_equal(table, 0)


IN_PLACE = [f"i{name}" for name in ("add", "sub", "mul", "truediv", "pow", "matmul", "mod")]


@pytest.mark.parametrize("change", [getattr(operator, name) for name in IN_PLACE], ids=name)
def test_a_leaf_that_wants_a_gradient_is_not_rebound_by_an_update_in_place(change):
    w = Tensor([[1.0]], requires_grad=True, name="w")
    for opened in (Tape(), contextlib.nullcontext()):
        with opened, pytest.raises(TypeError, match=r"write w\.data -= \.\.\. to update it"):
            change(w, np.ones((1, 1), np.float32))
    assert w.item() == 1


def test_results_and_constants_may_be_rebound_as_numbers_are():
    w = Tensor([1.0, 2.0], requires_grad=True)
    with Tape() as tape:
        total = 0.0
        for _ in range(3):
            total += (w * w).sum()
        total /= 3
    tape.backward(total)
    np.testing.assert_allclose(w.grad, [2, 4])
    constant = Tensor(1.0)
    constant -= 0.5
    assert constant.item() == 0.5


@pytest.mark.parametrize("data", [1, [1, 2], np.ones(2, bool), np.ones(2, np.complex64)])
def test_what_has_no_gradient_cannot_be_made_to_want_one(data):
    x = Tensor(data)
    with pytest.raises(TypeError, match=f"only floating dtypes have gradients, not {x.dtype}"):
        x.requires_grad = True
    assert x.requires_grad is False


def test_nor_can_it_through_other_data():
    w = Tensor([1.5, 2.5], requires_grad=True)
    w.data = w.data.astype(np.int32)
    with Tape(), pytest.raises(TypeError, match="only floating dtypes have gradients, not int32"):
        _ = w * 2.0


def test_a_tensor_can_be_watched_until_it_is_gone():
    x = Tensor([1.0])
    reference = weakref.ref(x)
    assert reference() is x
    del x
    assert reference() is None
