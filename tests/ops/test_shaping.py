"""Over drawn shapes and axes, each op is NumPy's function and its gradient is right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes, valid_tuple_axes

from .drawn import assert_numpy_agrees, axes_of, filled, shapes


@st.composite
def ones_to_squeeze(draw):
    shape = draw(st.lists(st.integers(0, 2), max_size=4))
    ones = [i - draw(st.sampled_from([0, len(shape)])) for i, n in enumerate(shape) if n == 1]
    chosen = st.lists(st.sampled_from(ones), unique=True).map(tuple) if ones else st.just(())
    return shape, draw(st.none() | chosen)


@st.composite
def axes_to_move(draw):
    shape = draw(shapes)
    n_axes, moved = len(shape), draw(st.integers(1, len(shape)))
    source, destination = (st.permutations(range(i, n_axes + i)) for i in (0, -n_axes))
    return shape, draw(source)[:moved], draw(destination)[:moved]


def shape_and(arguments):
    """A drawn shape, and what the function `arguments` draws for it."""
    return shapes.flatmap(lambda shape: st.tuples(st.just(shape), *arguments(shape)))


CALLS = {
    "reshape": shape_and(lambda shape: [st.permutations(shape)]),
    "transpose": shape_and(lambda shape: [st.none() | st.permutations(range(-len(shape), 0))]),
    "swapaxes": shape_and(lambda shape: [axes_of(len(shape))] * 2),
    "moveaxis": axes_to_move(),
    "squeeze": ones_to_squeeze(),
    "expand_dims": shape_and(
        lambda shape: [
            axes_of(len(shape) + 1) | valid_tuple_axes(len(shape) + 2, min_size=2, max_size=2)
        ]
    ),
    "broadcast_to": mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3).map(
        lambda drawn: (drawn.input_shapes[0], drawn.result_shape)
    ),
    "flip": shape_and(
        lambda shape: [st.none() | axes_of(len(shape)) | valid_tuple_axes(len(shape))]
    ),
}


@pytest.mark.parametrize("name", CALLS)
@given(data=st.data())
@settings(max_examples=30)
def test_numpy_agrees(name, data):
    shape, *arguments = data.draw(CALLS[name])
    assert_numpy_agrees(name, filled(*shape), *arguments)
