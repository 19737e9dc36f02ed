"""Over drawn shapes, counts and widths, each op is NumPy's and its gradient is right."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

import ops

from .drawn import assert_numpy_agrees, axes_of, filled, shapes

counts = st.integers(0, 2)
widths = st.integers(0, 4)
pairs = st.tuples(widths, widths)


@given(shapes, st.data())
@settings(max_examples=30)
def test_numpy_agrees_how_to_repeat(shape, data):
    axis = data.draw(st.none() | axes_of(len(shape)))
    n = math.prod(shape) if axis is None else shape[axis]
    repeats = data.draw(counts | st.lists(counts, min_size=n, max_size=n).filter(len))
    assert_numpy_agrees("repeat", filled(*shape), repeats, axis)


@given(shapes, counts | st.lists(counts, max_size=4).map(tuple))
@settings(max_examples=30)
def test_numpy_agrees_how_to_tile(shape, reps):
    assert_numpy_agrees("tile", filled(*shape), reps)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
@given(array_shapes(max_dims=2, max_side=3), st.data())
@settings(max_examples=20)
def test_numpy_agrees_how_to_pad(mode, shape, data):
    """Also with a border wider than the array, which is reflected or wrapped several times."""
    per_axis = st.lists(pairs, min_size=len(shape), max_size=len(shape))
    assert_numpy_agrees("pad", filled(*shape), data.draw(widths | pairs | per_axis), mode)


def test_pad_names_a_mode_that_is_none():
    with pytest.raises(ValueError, match="mode 'mean' is none of constant, edge, reflect, wrap"):
        ops.pad(np.zeros(3), 1, mode="mean")
