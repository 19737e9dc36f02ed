"""Arithmetic on operands of any shapes that broadcast, and the slope of a power below 0."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import ops
from tape import gradcheck

from .running import value_and_gradients


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "power"])
@settings(max_examples=30)
@given(shapes=mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3))
def test_operands_broadcast_as_in_numpy(name, shapes):
    rng = np.random.default_rng(0)
    operands = [rng.uniform(0.5, 2, shape) for shape in shapes.input_shapes]
    op, expected = getattr(ops, name), getattr(np, name)(*operands)
    np.testing.assert_array_equal(op(*operands).data, expected, strict=True)
    gradcheck(op, *operands)


def test_power_of_a_negative_number_has_no_slope_in_its_exponent():
    x, exponent = np.array([-2.0, -0.5]), np.array([2.0, -1.0])
    with np.errstate(invalid="ignore"):
        y, [dx, dexponent] = value_and_gradients(ops.power, x, exponent, cotangent=np.ones(2))
    np.testing.assert_array_equal(y, [4, -2])
    np.testing.assert_array_equal(dx, [-4, -4])
    np.testing.assert_array_equal(dexponent, [np.nan, np.nan])
