"""Ties in a maximum."""

import numpy as np

import ops

from .running import value_and_gradients


def test_max_ties_share_the_cotangent():
    x = np.array([[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]])
    _, [dx] = value_and_gradients(lambda x: ops.max(x, axis=1), x, cotangent=[6.0, 9.0])
    np.testing.assert_array_equal(dx, [[0, 3, 3], [3, 3, 3]])
