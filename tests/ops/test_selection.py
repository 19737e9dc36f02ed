"""Selection from operands of any shapes that broadcast, and of what is not a number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import ops
from tape import gradcheck

from .running import value_and_gradients

OPERANDS = {"maximum": 2, "minimum": 2, "clip": 3}
NAN = np.array([np.nan])


@pytest.mark.parametrize("name", OPERANDS)
@settings(max_examples=30)
@given(shapes=mutually_broadcastable_shapes(num_shapes=3, min_side=0, max_side=3))
def test_operands_broadcast_as_in_numpy(name, shapes):
    rng = np.random.default_rng(0)
    operands = [rng.standard_normal(shape) for shape in shapes.input_shapes[: OPERANDS[name]]]
    op, expected = getattr(ops, name), getattr(np, name)(*operands)
    np.testing.assert_array_equal(op(*operands).data, expected, strict=True)
    gradcheck(op, *operands)


@settings(max_examples=30)
@given(shapes=mutually_broadcastable_shapes(num_shapes=3, min_side=0, max_side=3))
def test_where_broadcasts_as_in_numpy(shapes):
    rng = np.random.default_rng(0)
    condition, x, y = (rng.standard_normal(shape) for shape in shapes.input_shapes)
    expected = np.where(condition > 0, x, y)
    np.testing.assert_array_equal(ops.where(condition > 0, x, y).data, expected, strict=True)
    gradcheck(ops.where, condition > 0, x, y)


@pytest.mark.parametrize("op", [ops.maximum, ops.minimum])
def test_what_is_not_a_number_is_kept_and_both_get_the_cotangent(op):
    for operands in [(NAN, np.ones(1)), (np.ones(1), NAN)]:
        y, gradients = value_and_gradients(op, *operands, cotangent=np.ones(1))
        np.testing.assert_array_equal([y, *gradients], [NAN, [1], [1]])


def test_clip_keeps_what_is_not_a_number_and_nobody_gets_the_cotangent():
    y, gradients = value_and_gradients(ops.clip, NAN, np.zeros(1), np.ones(1))
    np.testing.assert_array_equal([y, *gradients], [NAN, [0], [0], [0]])


def test_clip_without_bounds_is_the_identity():
    y, [dx] = value_and_gradients(ops.clip, np.array([-1e4, 1e4]), cotangent=np.ones(2))
    np.testing.assert_array_equal([y, dx], [[-1e4, 1e4], [1, 1]])
