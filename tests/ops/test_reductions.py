"""Reductions are NumPy's for all shapes and axes; ties, zeros and huge elements in them."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, valid_tuple_axes

import ops
from tape import gradcheck

from .running import value_and_gradients

FAMILY = {
    ops.sum: np.sum,
    ops.prod: np.prod,
    ops.max: np.max,
    ops.min: np.min,
    ops.mean: np.mean,
    ops.var: np.var,
    ops.std: np.std,
    ops.norm: np.linalg.vector_norm,
    ops.logsumexp: np.logaddexp.reduce,
    ops.cumsum: np.cumsum,
}
NAN_OF_NO_ELEMENTS = (ops.mean, ops.var, ops.std)


@st.composite
def arrays_and_axes(draw):
    """An array of elements that differ and are not 0, one of its axes, several, or none given."""
    shape = draw(array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
    values = np.linspace(-1.6, 1.7, np.prod(shape, dtype=int))
    one = st.integers(-len(shape), len(shape) - 1) if shape else st.nothing()
    axis = draw(st.none() | one | valid_tuple_axes(len(shape)))
    return np.random.default_rng(0).permutation(values).reshape(shape), axis


@pytest.mark.parametrize("op", FAMILY, ids=lambda op: op.name)
@given(arrays_and_axes(), st.booleans())
@settings(max_examples=50)
@pytest.mark.pitfall("0-d and empty arrays")
def test_any_axes_of_any_shape(op, array_and_axis, keepdims):
    """The value is NumPy's and the gradient its slope; what NumPy refuses, the op refuses."""
    x, axis = array_and_axis
    options = {"axis": axis} | ({} if op is ops.cumsum else {"keepdims": keepdims})
    warns = x.size == 0 and op in NAN_OF_NO_ELEMENTS
    with warnings.catch_warnings(action="ignore" if warns else "error"):
        try:
            expected = np.asarray(FAMILY[op](x, **options))
        except (ValueError, TypeError) as refusal:
            with pytest.raises(type(refusal)):
                op(x, **options)
            return
        np.testing.assert_allclose(op(x, **options).data, expected, rtol=1e-13, strict=True)
        if not (op is ops.std and (expected == 0).any()):
            gradcheck(lambda x: op(x, **options), x)


@pytest.mark.parametrize("op", FAMILY, ids=lambda op: op.name)
def test_a_number_may_be_reduced_along_its_last_axis(op):
    gradcheck(lambda x: op(x, axis=-1), np.array(1.5))


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (ops.max, [[0, 3, 3], [3, 3, 3]]),
        (ops.min, [[6, 0, 0], [3, 3, 3]]),
        (lambda x, axis: ops.norm(x, np.inf, axis), [[0, 3, 3], [3, 3, 3]]),
    ],
)
@pytest.mark.pitfall("ties in max")
def test_ties_share_the_cotangent(op, expected):
    x = np.array([[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]])
    _, [dx] = value_and_gradients(lambda x: op(x, axis=1), x, cotangent=[6.0, 9.0])
    np.testing.assert_array_equal(dx, expected)


def test_product_of_zeros_has_exact_gradients():
    x = np.array([[0.1, 0.0, 0.7], [0.0, 0.1, 0.0]])
    y, [dx] = value_and_gradients(lambda x: ops.prod(x, axis=1), x, cotangent=[1.0, 1.0])
    np.testing.assert_array_equal(y, [0, 0])
    np.testing.assert_array_equal(dx, [[0, 0.1 * 0.7, 0], [0, 0, 0]])


@pytest.mark.parametrize("ord", [1, 1.5, 2, 3, np.inf])
@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1e4, 1e30])
def test_norm_of_tiny_and_huge_elements_is_exact(ord, scale):
    """A float32 holds the square of none of them but 1e4."""
    x = np.array([3 * scale, -4 * scale], np.float32)
    y, [dx] = value_and_gradients(lambda x: ops.norm(x, ord), x, cotangent=1)
    expected = np.linalg.vector_norm(x.astype(np.float64), ord=ord)
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    np.testing.assert_allclose(dx, np.sign(x) * (np.abs(x) / expected) ** (ord - 1), rtol=1e-5)


@pytest.mark.parametrize("ord", [1, 2, 3, np.inf])
def test_norm_of_an_infinite_element_is_infinite(ord):
    assert ops.norm(np.array([1.0, -np.inf]), ord).item() == np.inf


@pytest.mark.parametrize("ord", [0.99, 0, -np.inf])
def test_norm_of_an_order_below_1_is_refused(ord):
    with pytest.raises(ValueError, match=f"^ord is 1 or more, not {ord}\n"):
        ops.norm(np.ones(3), ord)
