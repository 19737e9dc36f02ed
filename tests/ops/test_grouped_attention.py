"""Attention where rows are masked, and where masks or heads do not fit."""

from functools import partial

import numpy as np
import pytest

import ops
from tape import Tape

from .running import value_and_gradients

NONE_FOR_ROW_1 = np.array([[True, False], [False, False], [True, True]])


@pytest.mark.parametrize(
    ("mask", "causal", "masked_rows"),
    [
        (NONE_FOR_ROW_1, False, [1]),
        (np.where(NONE_FOR_ROW_1, 0.5, -np.inf), False, [1]),
        (None, True, [0]),
        (NONE_FOR_ROW_1, True, [0, 1]),
    ],
)
@pytest.mark.pitfall("a softmax row that is masked throughout")
def test_rows_masked_throughout_are_zero_forward_and_backward(mask, causal, masked_rows):
    rng = np.random.default_rng(0)
    shapes = [(2, 3, 4), (1, 2, 4), (1, 2, 5)]  # 3 queries, 2 keys
    q, k, v = (rng.standard_normal(shape) for shape in shapes)
    attend = partial(ops.scaled_dot_product_attention, causal=causal)
    y, gradients = value_and_gradients(attend, q, k, v, mask)
    assert not y[:, masked_rows].any()
    assert not gradients[0][:, masked_rows].any()
    assert np.delete(y, masked_rows, axis=1).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_the_lowest_number_added_to_a_whole_row_leaves_its_weights_equal():
    """It is no -inf: as in PyTorch, such a row attends to all keys alike."""
    q, k, v = np.random.default_rng(0).standard_normal((3, 1, 2, 4)).astype(np.float32)
    lowest = np.full((2, 2), np.finfo(np.float32).min)
    y = ops.scaled_dot_product_attention(q, k, v, lowest).data
    np.testing.assert_allclose(y, np.broadcast_to(v.mean(-2, keepdims=True), y.shape), rtol=1e-6)


def test_both_products_are_counted_for_all_pairs_of_a_query_and_a_key():
    q, k, v = (np.zeros(shape) for shape in [(3, 4, 5, 6), (2, 7, 6), (2, 7, 8)])
    with Tape() as tape:
        ops.scaled_dot_product_attention(q, k, v, None, causal=True)
    assert tape.records[0].flops == 3 * 4 * (2 * 5 * 7 * 6 + 2 * 5 * 7 * 8)


@pytest.mark.parametrize(("n_heads", "k_heads", "v_heads"), [(3, 2, 2), (2, 4, 4), (2, 1, 2)])
def test_heads_that_do_not_fit_are_named(n_heads, k_heads, v_heads):
    q, k, v = (np.zeros((n, 5, 4)) for n in (n_heads, k_heads, v_heads))
    message = f"{n_heads} query heads for {k_heads} heads of keys and {v_heads} of values"
    with pytest.raises(ValueError, match=message):
        ops.scaled_dot_product_attention(q, k, v)


@pytest.mark.parametrize(("mask", "found"), [(np.ones((2, 2), np.int64), "int64"), (True, "True")])
def test_a_mask_that_would_be_added_by_mistake_is_refused(mask, found):
    """Of 0 and 1 it would seem to allow and forbid; True in its place may be meant as `causal`."""
    x = np.zeros((1, 2, 4))
    message = f"a mask is an array, boolean or floating to be added, not {found}"
    with pytest.raises(TypeError, match=message):
        ops.scaled_dot_product_attention(x, x, x, mask)
