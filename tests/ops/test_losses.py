"""Cross-entropy: which targets count, and which are refused."""

import numpy as np
import pytest

import ops

from .running import value_and_gradients


def test_ignored_targets_are_left_out_of_the_mean_and_get_no_gradient():
    logits = np.random.default_rng(0).standard_normal((4, 3))
    targets = np.array([2, -100, 0, -100])
    loss, [dlogits] = value_and_gradients(ops.cross_entropy, logits, targets)
    counted, [dcounted] = value_and_gradients(ops.cross_entropy, logits[::2], targets[::2])
    np.testing.assert_allclose(loss, counted)
    np.testing.assert_allclose(dlogits[::2], dcounted)
    assert not dlogits[1::2].any()


@pytest.mark.parametrize("targets", [np.full((2, 3), -100), np.zeros((0, 3), int)])
def test_nothing_counted_is_loss_zero_and_gradient_zero_where_torch_has_nan(targets):
    logits = np.ones((*targets.shape, 5), np.float32)
    loss, [dlogits] = value_and_gradients(ops.cross_entropy, logits, targets)
    assert loss == 0
    assert loss.dtype == np.float32
    assert not dlogits.any()


@pytest.mark.parametrize("target", [3, 200, -1, -99])
def test_target_outside_the_classes_is_named(target):
    with pytest.raises(IndexError, match=f"a target of {target} is outside the range 0 to 2"):
        ops.cross_entropy(np.zeros((2, 3)), np.array([1, target]))


def test_targets_that_are_not_integers_are_refused():
    with pytest.raises(IndexError, match="a target must be an integer, not float64"):
        ops.cross_entropy(np.zeros((2, 3)), np.array([1.0, 0.0]))


@pytest.mark.parametrize("shape", [(4,), (6,), (3, 2), ()])
def test_targets_of_another_shape_than_the_rows_are_refused(shape):
    with pytest.raises(ValueError, match=r"targets of shape .* for logits of shape \(2, 3, 5\)"):
        ops.cross_entropy(np.zeros((2, 3, 5)), np.zeros(shape, int))


@pytest.mark.parametrize("dtype", list(np.typecodes["AllInteger"]))
def test_targets_of_every_integer_dtype(dtype):
    logits = np.random.default_rng(0).standard_normal((3, 300))
    targets = np.array([0, 5, 127])
    expected, [dexpected] = value_and_gradients(ops.cross_entropy, logits, targets)
    loss, [dlogits] = value_and_gradients(ops.cross_entropy, logits, targets.astype(dtype))
    assert loss == expected
    np.testing.assert_array_equal(dlogits, dexpected)
