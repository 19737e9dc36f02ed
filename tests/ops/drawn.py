"""Shapes, axes and indices that Hypothesis draws, and what must hold of a call with them."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, basic_indices

import ops
from tape import gradcheck

from .running import joined

Shape = tuple[int, ...]

shapes = array_shapes(max_dims=3, max_side=3) | array_shapes(max_dims=3, min_side=0, max_side=3)


def axes_of(n_axes: int) -> st.SearchStrategy[int]:
    return st.integers(-n_axes, n_axes - 1)


def filled(*shape: int) -> np.ndarray:
    """An array of that shape whose elements all differ."""
    return np.random.default_rng(0).standard_normal(shape)


@st.composite
def _array_indices(draw: st.DrawFn, shape: Shape) -> tuple[Any, ...]:
    """For each axis an integer, a slice, or integers: in a list, or in an array of a dtype."""
    length = draw(st.integers(0, 3))
    parts = []
    for n in shape:
        kinds = [st.slices(n)]
        if n:
            below, signed = st.integers(0, n - 1), st.integers(-n, n - 1)
            kinds += [signed, st.lists(signed, min_size=length, max_size=length).filter(len)]
            kinds += [arrays(np.int32, length, elements=signed)]
            kinds += [arrays(np.uint8, (2, length), elements=below)]
        parts.append(draw(st.one_of(kinds)))
    return tuple(parts[: draw(st.integers(1, len(parts)))])


def indices(shape: Shape) -> st.SearchStrategy[Any]:
    """Whatever NumPy takes between brackets for an array of that shape."""
    basic = basic_indices(shape, allow_newaxis=True, max_dims=4)
    masks = st.integers(0, len(shape)).flatmap(lambda n: arrays(bool, shape[:n]))
    return st.one_of(basic, masks, _array_indices(shape))


def assert_numpy_agrees(name: str, operand: Any, *arguments: Any) -> None:
    """The op is NumPy's function of that name, views included, and its gradients are right.

    `operand` is an array, or a list of arrays for an op on a sequence.
    """
    op, operands = getattr(ops, name), operand if isinstance(operand, list) else [operand]
    found, expected = op(operand, *arguments), getattr(np, name)(operand, *arguments)
    if not isinstance(found, list):
        found, expected = [found], [expected]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours.data, theirs, strict=True)
        for x in operands:
            assert np.shares_memory(ours.data, x) == np.shares_memory(theirs, x)
    gradcheck(lambda *xs: joined(op(xs if op.of_sequence else xs[0], *arguments)), *operands)
