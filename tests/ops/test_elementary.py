"""Elementary functions near 0, where a careless form loses its digits."""

import math

import numpy as np
import pytest

import ops


@pytest.mark.parametrize("name", ["expm1", "log1p", "erf"])
def test_small_numbers_keep_their_digits(name):
    x = np.array([-1e-3, -1e-9, 1e-15, 1e-300])
    expected = [getattr(math, name)(value) for value in x]
    np.testing.assert_allclose(getattr(ops, name)(x).data, expected, rtol=1e-15)


def test_erf_of_integers_is_no_integer():
    expected = [math.erf(-1), 0, math.erf(2)]
    np.testing.assert_allclose(ops.erf(np.array([-1, 0, 2])).data, expected, rtol=1e-15)
