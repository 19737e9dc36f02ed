"""GELU far from 0, where a careless tanh form overflows."""

import numpy as np
import pytest

import ops

from .running import value_and_gradients


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_at_plus_and_minus_1e4_is_the_identity_and_zero(approximate, dtype):
    x, g = np.array([-1e4, 0, 1e4], dtype), np.ones(3, dtype)
    y, [dx] = value_and_gradients(lambda x: ops.gelu(x, approximate=approximate), x, cotangent=g)
    np.testing.assert_array_equal(y, [0, 0, 1e4])
    np.testing.assert_array_equal(dx, [0, 0.5, 1])


def test_gelu_names_a_form_it_does_not_have():
    with pytest.raises(ValueError, match="'sigmoid'"):
        ops.gelu(np.ones(2), approximate="sigmoid")
