"""Fused causal attention at the edges of its blocks, and of widths that do not fit."""

from functools import partial

import numpy as np
import pytest

import ops
from ops import composed
from ops.attention import BLOCK

from .running import value_and_gradients


@pytest.mark.parametrize("time", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 1])
def test_around_the_block_size_it_equals_its_composed_twin(time):
    qkv = np.random.default_rng(0).standard_normal((2, time, 12))
    y, [dqkv] = value_and_gradients(partial(ops.causal_attention, n_heads=2), qkv)
    expected, [dexpected] = value_and_gradients(partial(composed.causal_attention, n_heads=2), qkv)
    np.testing.assert_allclose(y, expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(dqkv, dexpected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("moment", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1])
def test_moments_before_a_change_do_not_see_it(moment):
    qkv = np.random.default_rng(0).standard_normal((1, BLOCK + 2, 6))
    changed = qkv.copy()
    changed[:, moment] += 1
    y, changed_y = (ops.causal_attention(x, n_heads=2).data for x in (qkv, changed))
    np.testing.assert_array_equal(changed_y[:, :moment], y[:, :moment])
    assert (changed_y[:, moment:] != y[:, moment:]).all()


@pytest.mark.parametrize("share", [0.49, 0.6, 0.9, 1.5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_trap_large_scores_of_large_values_do_not_overflow(dtype, share):
    largest = float(np.finfo(dtype).max)
    score, value = share * np.log(largest), np.sqrt(largest) / 10
    qkv = np.full((1, 2, 3), np.sqrt(score), dtype)
    qkv[0, :, 2] = value, -value / 2
    y = ops.causal_attention(qkv, n_heads=1).data
    np.testing.assert_allclose(y[0, :, 0], [value, value / 4], rtol=1e-6)


@pytest.mark.parametrize(("width", "n_heads"), [(8, 1), (6, 4), (9, 2), (6, 0), (6, -1)])
def test_width_that_heads_do_not_divide_is_named(width, n_heads):
    with pytest.raises(ValueError, match=f"the width {width} .* n_heads = {3 * n_heads}"):
        ops.causal_attention(np.zeros((1, 2, width)), n_heads=n_heads)
