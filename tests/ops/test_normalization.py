"""Layer normalisation of rows without variance, and of more axes than two."""

import numpy as np
import pytest

import ops

from .running import random_like, value_and_gradients


@pytest.mark.parametrize("value", [0.0, 0.1, -300.0])
@pytest.mark.pitfall("layernorm of constant rows")
def test_constant_rows_become_the_bias_and_have_a_finite_slope(value):
    rng = np.random.default_rng(0)
    x, weight, bias = np.full((2, 6), value), rng.standard_normal(6), rng.standard_normal(6)
    y, [dx, dweight, dbias] = value_and_gradients(ops.layernorm, x, weight, bias)
    h = random_like(y) * weight
    np.testing.assert_allclose(y, np.broadcast_to(bias, y.shape), atol=1e-9)
    np.testing.assert_allclose(dx, (h - h.mean(-1, keepdims=True)) / np.sqrt(1e-5), atol=1e-6)
    np.testing.assert_allclose(dweight, np.zeros(6), atol=1e-9)
    np.testing.assert_allclose(dbias, random_like(y).sum(0))


@pytest.mark.pitfall("3-D layernorm")
def test_three_axes_are_rows_of_the_last():
    rng = np.random.default_rng(0)
    x, weight, bias = rng.standard_normal((2, 3, 4)), rng.standard_normal(4), rng.standard_normal(4)
    y, [dx, *daffine] = value_and_gradients(ops.layernorm, x, weight, bias)
    rows, [drows, *drows_affine] = value_and_gradients(
        ops.layernorm, x.reshape(6, 4), weight, bias, cotangent=random_like(y).reshape(6, 4)
    )
    np.testing.assert_array_equal(y.reshape(6, 4), rows)
    np.testing.assert_array_equal(dx.reshape(6, 4), drows)
    np.testing.assert_array_equal(daffine, drows_affine)
