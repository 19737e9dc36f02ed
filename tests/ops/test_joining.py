"""Over drawn shapes and axes, joining and splitting are NumPy's and their gradients are right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ops

from .drawn import assert_numpy_agrees, axes_of, filled, shapes
from .running import value_and_gradients

lengths = st.integers(0, 3)


@given(shapes, st.lists(lengths, min_size=1, max_size=3), st.data())
@settings(max_examples=30)
def test_numpy_agrees_how_to_concatenate(shape, parts, data):
    axis = data.draw(axes_of(len(shape)))
    shape = list(shape)
    arrays = []
    for shape[axis] in parts:
        arrays.append(filled(*shape))
    assert_numpy_agrees("concatenate", arrays, axis)


@given(shapes, st.integers(1, 3), st.data())
@settings(max_examples=30)
def test_numpy_agrees_how_to_stack(shape, n, data):
    axis = data.draw(axes_of(len(shape) + 1))
    assert_numpy_agrees("stack", [filled(*shape) + i for i in range(n)], axis)


@given(shapes, st.integers(1, 3), st.data())
@settings(max_examples=30)
def test_numpy_agrees_how_to_split(shape, sections, data):
    """At indices in any order, beyond the end and negative; or into equal sections."""
    axis = data.draw(axes_of(len(shape)))
    if data.draw(st.booleans()):
        shape = list(shape)
        shape[axis] *= sections
    else:
        sections = data.draw(st.lists(st.integers(-4, 4), max_size=4))
    assert_numpy_agrees("split", filled(*shape), sections, axis)


def test_a_part_that_is_left_alone_gets_zeros():
    x = np.zeros((3, 2))
    _, [dx] = value_and_gradients(lambda x: ops.split(x, [1, 2])[1], x, cotangent=[[5.0, 7.0]])
    np.testing.assert_array_equal(dx, [[0, 0], [5, 7], [0, 0]])


def test_sections_that_do_not_divide_the_axis_are_refused():
    with pytest.raises(ValueError, match="does not result in an equal division") as caught:
        ops.split(np.zeros((5, 2)), 2)
    assert caught.value.__notes__[0].startswith("in split(float64(5, 2), 2), called at")
