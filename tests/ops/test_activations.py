"""Activations far from 0, where a careless form overflows or vanishes too early."""

import numpy as np
import pytest

import ops
from ops import composed
from ops.activations import PIECE

from .running import value_and_gradients


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.pitfall("gelu and softmax at 1e4 and -1e4")
def test_gelu_at_plus_and_minus_1e4_is_the_identity_and_zero(approximate, dtype):
    x, g = np.array([-1e4, 0, 1e4], dtype), np.ones(3, dtype)
    y, [dx] = value_and_gradients(lambda x: ops.gelu(x, approximate=approximate), x, cotangent=g)
    np.testing.assert_array_equal(y, [0, 0, 1e4])
    np.testing.assert_array_equal(dx, [0, 0.5, 1])


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 3])
def test_gelu_in_pieces_is_that_of_the_whole(size):
    x = np.random.default_rng(0).standard_normal((1, size))
    y, [dx] = value_and_gradients(lambda x: ops.gelu(x, approximate="tanh"), x)
    expected, [dexpected] = value_and_gradients(composed.gelu_tanh, x)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(dx, dexpected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("op", [ops.relu, ops.squared_relu])
def test_an_infinite_cotangent_stops_where_the_unit_is_off(op):
    x, g = np.array([-1.0, 0.0, 2.0]), np.full(3, np.inf)
    _, [dx] = value_and_gradients(op, x, cotangent=g)
    np.testing.assert_array_equal(dx, [0, 0, np.inf])


def test_gelu_of_integers_is_that_of_floats():
    x = np.array([-1, 0, 2])
    np.testing.assert_array_equal(ops.gelu(x).data, ops.gelu(x.astype(float)).data)


def test_gelu_names_a_form_it_does_not_have():
    with pytest.raises(ValueError, match="'sigmoid'"):
        ops.gelu(np.ones(2), approximate="sigmoid")


def test_tails_on_the_left_are_those_of_the_exponential():
    x, g = np.array([-700.0, -100.0, -40.0]), np.ones(3)
    tail = np.exp(x)
    for op, expected, slope in [
        (ops.sigmoid, tail, tail),
        (ops.softplus, tail, tail),
        (ops.silu, x * tail, (1 + x) * tail),
    ]:
        y, [dx] = value_and_gradients(op, x, cotangent=g)
        np.testing.assert_allclose([y, dx], [expected, slope], rtol=1e-14)
