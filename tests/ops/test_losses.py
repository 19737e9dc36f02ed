"""Cross-entropy: which targets count, and which are refused."""

import re
import tracemalloc
from functools import partial

import numpy as np
import pytest

import ops
from ops import composed
from ops.losses import ROWS
from tape import Tape, Tensor

from .running import value_and_gradients


@pytest.mark.pitfall("cross-entropy with ignored, all-ignored or out-of-range targets")
def test_ignored_targets_are_left_out_of_the_mean_and_get_no_gradient():
    logits = np.random.default_rng(0).standard_normal((4, 3))
    targets = np.array([2, -100, 0, -100])
    loss, [dlogits] = value_and_gradients(ops.cross_entropy, logits, targets)
    counted, [dcounted] = value_and_gradients(ops.cross_entropy, logits[::2], targets[::2])
    np.testing.assert_allclose(loss, counted)
    np.testing.assert_allclose(dlogits[::2], dcounted)
    assert not dlogits[1::2].any()


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1, "z_loss": 0.1}])
@pytest.mark.parametrize("targets", [np.full((2, 3), -100), np.zeros((0, 3), int)])
@pytest.mark.pitfall("cross-entropy with ignored, all-ignored or out-of-range targets")
def test_nothing_counted_is_loss_zero_and_gradient_zero_where_torch_has_nan(targets, options):
    logits = np.ones((*targets.shape, 5), np.float32)
    loss, [dlogits] = value_and_gradients(partial(ops.cross_entropy, **options), logits, targets)
    assert loss == 0
    assert loss.dtype == np.float32
    assert not dlogits.any()


def test_nothing_counted_is_loss_zero_from_features_too():
    x, weight, targets = np.ones((2, 3)), np.ones((4, 3)), np.full(2, -100)
    loss, gradients = value_and_gradients(ops.linear_cross_entropy, x, weight, targets)
    assert loss == 0
    assert not any(gradient.any() for gradient in gradients)


@pytest.mark.parametrize("n_rows", [ROWS - 1, ROWS, ROWS + 1, 2 * ROWS + 1])
def test_rows_of_logits_in_pieces_are_those_of_the_whole(n_rows):
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((n_rows, 3)), rng.standard_normal((4, 3))
    targets = rng.choice([0, 1, 3, -100], n_rows)
    found, expected = (
        value_and_gradients(loss, x, weight, targets)
        for loss in (ops.linear_cross_entropy, composed.linear_cross_entropy)
    )
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
    for gradient, twin in zip(found[1], expected[1], strict=True):
        np.testing.assert_allclose(gradient, twin, rtol=1e-10, atol=1e-15)


def test_the_full_logits_never_exist():
    n_rows, n_classes = 8 * ROWS, 500
    x, weight = np.ones((n_rows, 2), np.float32), np.ones((n_classes, 2), np.float32)
    tracemalloc.start()
    with Tape() as tape:
        leaf = Tensor(weight, requires_grad=True)
        loss = ops.linear_cross_entropy(x, leaf, np.zeros(n_rows, int))
    tape.backward(loss)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < n_rows * n_classes * x.itemsize / 2


def test_targets_for_other_rows_are_refused():
    with pytest.raises(ValueError, match=r"targets of shape \(3,\) for x of shape \(2, 4\)"):
        ops.linear_cross_entropy(np.zeros((2, 4)), np.zeros((5, 4)), np.zeros(3, int))
    with pytest.raises(IndexError, match="a target of 5 is outside the range 0 to 4"):
        ops.linear_cross_entropy(np.zeros((2, 4)), np.zeros((5, 4)), np.array([0, 5]))


@pytest.mark.parametrize("target", [3, 200, -1, -99])
@pytest.mark.pitfall("cross-entropy with ignored, all-ignored or out-of-range targets")
def test_target_outside_the_classes_is_named(target):
    with pytest.raises(IndexError, match=f"a target of {target} is outside the range 0 to 2"):
        ops.cross_entropy(np.zeros((2, 3)), np.array([1, target]))


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_smoothing_that_is_no_share_is_named(share):
    with pytest.raises(ValueError, match=re.escape(f"label_smoothing is in [0, 1], not {share}")):
        ops.cross_entropy(np.zeros((2, 3)), np.array([1, 0]), label_smoothing=share)


def test_targets_that_are_not_integers_are_refused():
    with pytest.raises(IndexError, match="a target must be in an array of integers"):
        ops.cross_entropy(np.zeros((2, 3)), np.array([1.0, 0.0]))


@pytest.mark.parametrize("shape", [(4,), (6,), (3, 2), ()])
def test_targets_of_another_shape_than_the_rows_are_refused(shape):
    with pytest.raises(ValueError, match=r"targets of shape .* for logits of shape \(2, 3, 5\)"):
        ops.cross_entropy(np.zeros((2, 3, 5)), np.zeros(shape, int))


@pytest.mark.parametrize("dtype", list(np.typecodes["AllInteger"]))
@pytest.mark.pitfall("index dtypes other than int64")
def test_targets_of_every_integer_dtype(dtype):
    logits = np.random.default_rng(0).standard_normal((3, 300))
    targets = np.array([0, 5, 127])
    expected, [dexpected] = value_and_gradients(ops.cross_entropy, logits, targets)
    loss, [dlogits] = value_and_gradients(ops.cross_entropy, logits, targets.astype(dtype))
    assert loss == expected
    np.testing.assert_array_equal(dlogits, dexpected)
