"""Rotary position embedding: what its angles mean, in both layouts of the pairs."""

import numpy as np
import pytest

import ops

LAYOUTS = pytest.mark.parametrize("interleaved", [False, True])


@LAYOUTS
def test_dot_products_depend_on_the_distance_of_positions_only(interleaved):
    q, k = np.random.default_rng(0).standard_normal((2, 1, 6))

    def product(at: int, other: int) -> np.ndarray:
        turned = [
            ops.rotary_embedding(x, positions=np.array([place]), interleaved=interleaved).data
            for x, place in ((q, at), (k, other))
        ]
        return (turned[0] * turned[1]).sum()

    np.testing.assert_allclose(product(7, 3), product(104, 100), rtol=1e-11)
    np.testing.assert_allclose(product(5, 5), (q * k).sum(), rtol=1e-11)
    assert abs(product(7, 3) - product(3, 7)) > 0.1


@LAYOUTS
def test_a_step_at_its_position_is_that_row_of_the_whole(interleaved):
    x = np.random.default_rng(0).standard_normal((2, 5, 4))
    whole = ops.rotary_embedding(x, interleaved=interleaved).data
    step = ops.rotary_embedding(x[:, 3:4], positions=[3], interleaved=interleaved).data
    np.testing.assert_array_equal(step, whole[:, 3:4])


def test_the_layouts_differ_by_the_order_of_the_elements():
    x = np.random.default_rng(0).standard_normal((3, 6))
    pairs_side_by_side = [0, 3, 1, 4, 2, 5]
    split = ops.rotary_embedding(x).data
    interleaved = ops.rotary_embedding(x[:, pairs_side_by_side], interleaved=True).data
    np.testing.assert_array_equal(interleaved, split[:, pairs_side_by_side])


def test_odd_length_is_named():
    with pytest.raises(ValueError, match="its length 5 is odd"):
        ops.rotary_embedding(np.zeros((2, 5)))


def test_more_positions_than_places_are_refused():
    with pytest.raises(ValueError, match="broadcast"):
        ops.rotary_embedding(np.zeros((3, 4)), positions=np.zeros((2, 3), int))
