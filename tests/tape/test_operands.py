"""All operands of a call in one dtype, by the rule of docs/dtypes.md."""

import inspect
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ops
from tape import Sample, Tape, Tensor, normal, op
from tape.inputs import sum_dtype, values_of

FLOATS = [np.float16, np.float32, np.float64]
INTEGERS = [np.int8, np.uint8, np.int32, np.int64, np.bool_]


def typed(shape, dtypes):
    """Ones, as an array or a tensor, or as a NumPy scalar where there are no axes."""
    return st.builds(
        lambda dtype, wrap: wrap(np.ones(shape, dtype)[()]),
        st.sampled_from(dtypes),
        st.sampled_from([lambda x: x, np.asarray, Tensor]),
    )


KINDS = {
    "floating array": typed((2,), FLOATS),
    "floating 0-d": typed((), FLOATS),
    "integer array": typed((2,), INTEGERS),
    "integer 0-d": typed((), INTEGERS),
    "float": st.just(1.0),
    "int": st.just(1),
    "bool": st.just(True),
    "list of floats": st.just([1.0, 1.0]),
    "list of ints": st.just([1, 1]),
}
PYTHON = {"float", "int", "bool", "list of floats", "list of ints"}
operands = st.lists(
    st.sampled_from(list(KINDS)).flatmap(lambda kind: st.tuples(st.just(kind), KINDS[kind])),
    min_size=1,
    max_size=4,
)


def expected_dtype(pairs):
    """The rule, line by line."""
    for deciding in ("floating array", "floating 0-d"):
        if dtypes := [value.dtype for kind, value in pairs if kind == deciding]:
            return reduce(np.promote_types, dtypes)
    kinds = {kind for kind, _ in pairs}
    if kinds & {"float", "list of floats"}:
        return np.dtype(np.float32 if kinds <= PYTHON else np.float64)
    arrays = [np.asarray(value).dtype for kind, value in pairs if "list" in kind]
    arrays += [value.dtype for kind, value in pairs if kind.startswith("integer")]
    numbers = [value for kind, value in pairs if kind in ("int", "bool")]
    return np.result_type(*arrays, *numbers)


@given(operands)
def test_a_mixture_of_operands_has_the_dtype_that_the_rule_says(pairs):
    expected = expected_dtype(pairs)
    values, dtype = values_of([value for _, value in pairs])
    assert dtype == expected
    assert {value.dtype for value in values} == {sum_dtype(expected)}
    assert all(type(value) is np.ndarray and (value == 1).all() for value in values)


@given(operands)
def test_an_op_of_real_numbers_makes_floats_of_integers(pairs):
    expected = expected_dtype(pairs)
    if expected.kind != "f":
        expected = np.dtype(np.float32 if {kind for kind, _ in pairs} <= PYTHON else np.float64)
    values, dtype = values_of([value for _, value in pairs], floating=True)
    assert dtype == expected
    assert {value.dtype for value in values} == {sum_dtype(expected)}


def ones(*shape):
    return lambda dtype: np.ones(shape, dtype)


CALLS = {
    "add": (lambda a, b: a + b, ones(2), ones(2)),
    "power": (ops.power, ones(2), ones(2)),
    "maximum": (ops.maximum, ones(2), ones(2)),
    "clip": (lambda x, low: ops.clip(x, low, 2), ones(2), ones(2)),
    "where": (lambda x, y: ops.where([True, False], x, y), ones(2), ones(2)),
    "matmul": (lambda a, b: a @ b, ones(2, 2), ones(2, 2)),
    "dot": (ops.dot, ones(2, 2), ones(2, 2)),
    "outer": (ops.outer, ones(2), ones(2)),
    "einsum": (lambda a, b: ops.einsum("ij,jk->ik", a, b), ones(2, 2), ones(2, 2)),
    "concatenate": (lambda a, b: ops.concatenate([a, b]), ones(2), ones(2)),
    "stack": (lambda a, b: ops.stack([a, b]), ones(2), ones(2)),
    "linear": (ops.linear, ones(1, 2), ones(2, 2)),
    "layernorm": (ops.layernorm, ones(1, 2), ones(2)),
    "rmsnorm": (ops.rmsnorm, ones(1, 2), ones(2)),
    "conv1d": (ops.conv1d, ones(1, 1, 3), ones(1, 1, 2)),
    "index_set": (lambda x, v: ops.index_set(x, v, slice(0, 2)), ones(2), ones(2)),
    "index_add": (lambda x, v: ops.index_add(x, v, slice(0, 2)), ones(2), ones(2)),
    "head": (lambda x, w: ops.linear_cross_entropy(x, w, [0]), ones(1, 2), ones(2, 2)),
    "attention": (
        lambda q, k: ops.scaled_dot_product_attention(q, k, k),
        ones(1, 2, 2),
        ones(1, 2, 2),
    ),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("first", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("second", [np.float32, np.float64, np.int64])
def test_every_op_promotes_alike_and_gradients_keep_the_dtypes_of_their_tensors(
    call, first, second
):
    function, a, b = CALLS[call]
    if first == second == np.int64:
        return
    a, b = (Tensor(make(dtype)) for make, dtype in ((a, first), (b, second)))
    leaves = [x for x in (a, b) if x.dtype.kind == "f"]
    for x in leaves:
        x.requires_grad = True
    with Tape() as tape:
        y = function(a, b)
    tape.backward(y, np.ones(y.shape))
    assert y.dtype == np.result_type(*(x.dtype for x in leaves))
    assert [x.grad.dtype for x in leaves] == [x.dtype for x in leaves]


@pytest.mark.parametrize(
    "step",
    [
        lambda x: x / np.sqrt(64),
        lambda x: x * np.arange(3),
        lambda x: x.sum() / np.array([True, False, True]).sum(),
        lambda x: np.array(0.5) * x - np.float64(1) + np.uint64(3),
        lambda x: ops.power(x, np.arange(3)),
        lambda x: ops.where(x.data > 0, x, 0.0),
        lambda x: ops.clip(x, np.float64(-1), np.array(1.0)),
        lambda x: ops.pad(x, np.int64(1), constant_values=np.float64(2)),
        lambda x: x.var(ddof=np.int64(1)),
        lambda x: ops.scaled_dot_product_attention(
            x[None, None], x[None, None], x[None, None], scale=np.array(0.5)
        ),
    ],
    ids=lambda step: inspect.getsource(step).strip(),
)
@pytest.mark.pitfall("a NumPy scalar or an integer array that makes float64 of float32")
def test_trap_a_step_of_float32_stays_float32(step):
    x = Tensor(np.ones(3, np.float32), requires_grad=True)
    with Tape() as tape:
        y = step(x)
    tape.backward(y, np.ones(y.shape))
    assert {record.dtype for record in tape.records} == {np.dtype(np.float32)}
    dtypes = {saved.dtype for each in tape.guard.saved for saved in each}
    assert {dtype.kind for dtype in dtypes} <= {"b", "i", "f"}
    assert np.float64 not in dtypes
    assert x.grad.dtype == np.float32


def test_a_list_is_not_rounded_on_the_way_to_a_wider_dtype():
    x = np.ones(2)
    np.testing.assert_array_equal((Tensor(x) * [0.1, 0.2]).data, [0.1, 0.2])
    np.testing.assert_array_equal(ops.add(x, 0.1).data, x + 0.1)


def test_a_python_integer_that_does_not_fit_is_refused():
    with pytest.raises(OverflowError, match="300"):
        ops.add(np.ones(2, np.int8), 300)


@pytest.mark.parametrize(
    ("left", "right", "dtype"),
    [
        (np.ones(2, np.float32), 1j, np.complex64),
        (np.ones(2, np.float64), np.complex64(1j), np.complex128),
        (np.ones(2, np.complex64), 2.5, np.complex64),
        (np.ones(2, np.complex64), np.ones(2), np.complex128),
    ],
)
def test_complex_numbers_count_with_the_dtype_of_their_parts(left, right, dtype):
    assert ops.multiply(left, right).dtype == dtype


def test_discrete_operands_stay_as_they_are():
    seen = []

    @op(samples=(Sample(normal(2), np.array([0, 1])),), discrete=("places",))
    def pick(x, places, /):
        seen.append(places.dtype)
        return x[places], lambda g: (g, None)

    pick(np.ones(2, np.float32), [0, 1])
    pick(np.ones(2, np.float32), np.array([True, False]))
    pick(np.ones(2, np.float32), Tensor(np.array([1], np.uint8)))
    assert seen == [np.int64, np.bool_, np.uint8]


def test_what_is_no_array_of_numbers_is_refused_with_the_op_that_was_called():
    with pytest.raises(TypeError, match="no array of numbers") as error:
        ops.add(np.ones(2), {})
    assert "in add(float64(2,), {})" in error.value.__notes__[0]


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_of_typed_numbers_is_no_array(kind):
    wide = kind([np.float64(1), np.float64(2)])
    assert (Tensor(np.ones(2, np.float32)) * wide).dtype == np.float32


def test_only_integers_are_discrete():
    _, dtype = values_of([np.ones(2, np.float32), np.ones(2)], discrete={1})
    assert dtype == np.float64
    values, dtype = values_of([np.arange(2)], discrete={0})
    assert dtype is None
    assert values[0].dtype == np.arange(2).dtype


def test_an_op_of_real_numbers_says_so_at_its_door():
    assert ops.exp(2).dtype == np.float32
    assert ops.exp(np.array(True)).dtype == np.float64
