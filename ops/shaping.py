"""Ops that move elements and compute nothing; views where NumPy gives one."""

import numpy as np

from tape import Array, Sample, ValueAndVJP, normal, op

Axes = int | tuple[int, ...]


@op(
    samples=(
        Sample(normal(3, 4), (2, 6)),
        Sample(normal(2, 3, 4), (-1, 4)),
        Sample(normal(), (1, 1)),
        Sample(normal(0, 3), (3, 0)),
    )
)
def reshape(x: Array, /, shape: int | tuple[int, ...]) -> ValueAndVJP:
    """The elements of x in row-major order, in another shape; one length may be -1.

    dx is g in the shape of x.
    """
    before = x.shape
    return x.reshape(shape), lambda g: g.reshape(before)


@op(
    samples=(
        Sample(normal(3, 4)),
        Sample(normal(2, 3, 4), (1, 2, 0)),
        Sample(normal(2, 3, 4), (0, -1, -2)),
        Sample(normal(4)),
        Sample(normal()),
    )
)
def transpose(x: Array, /, axes: tuple[int, ...] | None = None) -> ValueAndVJP:
    """Axis i of the result is axis `axes[i]` of x; without `axes`, their order is reversed.

    dx is g with its axes in their old order.
    """
    y = x.transpose(axes)
    back = None if axes is None else np.argsort([axis % x.ndim for axis in axes])
    return y, lambda g: g.transpose(back)


@op(samples=(Sample(normal(2, 3, 4), 0, -1), Sample(normal(2, 0), 1, 0)))
def swapaxes(x: Array, /, axis1: int, axis2: int) -> ValueAndVJP:
    """x with two of its axes exchanged; dx is g with the same two exchanged back."""
    return np.swapaxes(x, axis1, axis2), lambda g: np.swapaxes(g, axis1, axis2)


@op(samples=(Sample(normal(2, 3, 4), 0, -1), Sample(normal(2, 3, 4), (-1, 0), (0, 1))))
def moveaxis(x: Array, /, source: Axes, destination: Axes) -> ValueAndVJP:
    """x with the axes `source` moved to the places `destination`; the others keep their order.

    dx is g with the axes moved back.
    """
    return np.moveaxis(x, source, destination), lambda g: np.moveaxis(g, destination, source)


@op(
    samples=(
        Sample(normal(1, 3, 1)),
        Sample(normal(1, 3, 1), -1),
        Sample(normal(1, 1, 0, 1), (0, -1)),
        Sample(normal()),
    )
)
def squeeze(x: Array, /, axis: Axes | None = None) -> ValueAndVJP:
    """x without the axes `axis`, whose length must be 1; without all of that length if None.

    dx is g in the shape of x.
    """
    before = x.shape
    return np.squeeze(x, axis), lambda g: g.reshape(before)


@op(
    samples=(
        Sample(normal(2, 3), 1),
        Sample(normal(2, 3), (0, -1)),
        Sample(normal(), 0),
        Sample(normal(0), -1),
    )
)
def expand_dims(x: Array, /, axis: Axes) -> ValueAndVJP:
    """x with new axes of length 1, which are the axes `axis` of the result.

    dx is g without these axes.
    """
    before = x.shape
    return np.expand_dims(x, axis), lambda g: g.reshape(before)


@op(
    samples=(
        Sample(normal(3, 1), (2, 3, 4)),
        Sample(normal(), (2, 3)),
        Sample(normal(1, 3), (0, 3)),
        Sample(normal(3), 3),
    )
)
def broadcast_to(x: Array, /, shape: int | tuple[int, ...]) -> ValueAndVJP:
    """x repeated to `shape` by the broadcasting rules; dx is g summed over the repetitions."""
    return np.broadcast_to(x, shape), lambda g: g


@op(
    samples=(
        Sample(normal(2, 3)),
        Sample(normal(2, 3), -1),
        Sample(normal(2, 3, 4), (0, -1)),
        Sample(normal()),
        Sample(normal(0, 3), 1),
    )
)
def flip(x: Array, /, axis: Axes | None = None) -> ValueAndVJP:
    """x in reverse order along the axes `axis`, along all of them if None; dx is g so reversed."""
    return np.flip(x, axis), lambda g: np.flip(g, axis)
