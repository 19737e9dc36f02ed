"""Matrix products are NumPy's for operands of all shapes; shapes that do not fit are named."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

import ops
from tape import gradcheck

LENGTHS = st.integers(0, 3)


def check(op, reference, *shapes):
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(shape) for shape in shapes)
    expected = reference(a, b)
    np.testing.assert_allclose(op(a, b).data, expected, rtol=1e-12, atol=1e-13, strict=True)
    gradcheck(op, a, b)


@given(
    mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, min_side=0, max_side=3)
)
@settings(max_examples=50)
@pytest.mark.pitfall("1-D operands of matmul")
def test_matmul_is_that_of_numpy(shapes):
    check(ops.matmul, np.matmul, *shapes.input_shapes)


@st.composite
def shapes_for_dot(draw):
    """Of 0-d operands, vectors, matrices and stacks of them, with the axis that `dot` sums."""
    some = array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)
    a, b, n = draw(some), draw(some), draw(LENGTHS)
    if draw(st.booleans()):
        return draw(st.permutations([(), (*a, n)]))
    return (*a, n), (*b[:-1], n, *b[-1:])


@given(shapes_for_dot())
@settings(max_examples=50)
def test_dot_is_that_of_numpy(shapes):
    check(ops.dot, lambda a, b: np.asarray(np.dot(a, b)), *shapes)


@pytest.mark.parametrize(
    ("op", "b_shape"),
    [(ops.matmul, (2, 3)), (ops.matmul, (4, 3, 2)), (ops.linear, (3, 2)), (ops.dot, (2, 3))],
)
def test_shapes_that_do_not_fit_are_named(op, b_shape):
    a, b = np.ones((5, 2, 3)), np.ones(b_shape)
    call = f"{op.name}(float64(5, 2, 3), float64{b_shape})"
    with pytest.raises(ValueError, match=re.escape(f"in {call}, called at {__file__}")):
        op(a, b)
