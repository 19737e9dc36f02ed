"""Powers where the plain formula of a slope gives nan."""

import numpy as np

import ops

from .running import value_and_gradients


def test_power_with_exponent_zero_has_slope_zero():
    x, exponent = np.array([0.0, 3.0, -2.0]), np.zeros(3)
    y, [dx] = value_and_gradients(lambda x: ops.power(x, exponent), x)
    np.testing.assert_array_equal(y, np.ones(3))
    np.testing.assert_array_equal(dx, np.zeros(3))


def test_power_of_zero_has_slope_zero_in_its_exponent():
    x, exponent = np.zeros(3), np.array([0.0, 0.5, 2.0])
    y, [dexponent] = value_and_gradients(lambda exponent: ops.power(x, exponent), exponent)
    np.testing.assert_array_equal(y, [1, 0, 0])
    np.testing.assert_array_equal(dexponent, np.zeros(3))
