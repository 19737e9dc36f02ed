"""The spread of rows whose elements are equal, or too few."""

import numpy as np
import pytest

import ops

from .running import value_and_gradients


def test_where_std_is_0_so_is_its_gradient():
    x = np.array([[2.0, 2.0], [1e-200, 3e-200], [1.0, 3.0]])
    y, [dx] = value_and_gradients(lambda x: ops.std(x, axis=1), x, cotangent=[5.0, 5.0, 6.0])
    np.testing.assert_array_equal(y, [0, 0, 1])
    np.testing.assert_array_equal(dx, [[0, 0], [0, 0], [-3, 3]])


@pytest.mark.parametrize("op", [ops.var, ops.std])
@pytest.mark.parametrize("ddof", [2, 3])
def test_with_no_degrees_of_freedom_the_division_is_by_zero(op, ddof):
    x = np.array([[2.0, 2.0], [1.0, 3.0]])
    with np.errstate(all="ignore"):
        y = op(x, axis=1, ddof=ddof)
    np.testing.assert_array_equal(y.data, [np.nan, np.inf])
