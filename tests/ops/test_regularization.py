"""Dropout: the choice is seeded, fair, and the same forward and backward."""

import numpy as np
import pytest

import ops

from .running import value_and_gradients


def test_a_seed_repeats_the_choice_and_a_generator_moves_on():
    x, rng = np.ones(100), np.random.default_rng(7)
    first, second = ops.dropout(x, 0.5, rng).data, ops.dropout(x, 0.5, rng).data
    np.testing.assert_array_equal(first, ops.dropout(x, 0.5, rng=7).data)
    np.testing.assert_array_equal(first > 0, np.random.default_rng(7).random(100, "f4") >= 0.5)
    assert (first != second).any()


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_expectation_is_kept(p):
    n = 40_000
    y = ops.dropout(np.ones(n), p, rng=0).data
    np.testing.assert_allclose(np.unique(y), [0, 1 / (1 - p)])
    assert abs(y.mean() - 1) < 4 * np.sqrt(p / (1 - p) / n)


def test_p_of_zero_is_the_identity():
    x = np.random.default_rng(0).standard_normal(100)
    np.testing.assert_array_equal(ops.dropout(x, 0.0, rng=0).data, x)


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5, np.nan])
def test_p_that_is_no_probability_below_one_is_named(p):
    with pytest.raises(ValueError, match=rf"in \[0, 1\), not {p}"):
        ops.dropout(np.ones(3), p, rng=0)


def test_gradient_goes_through_what_was_kept():
    x = np.full(100, 3.0)
    y, [dx] = value_and_gradients(lambda x: ops.dropout(x, 0.4, rng=0), x, cotangent=x)
    np.testing.assert_array_equal(dx, y)
