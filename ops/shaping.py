"""Ops that move elements and compute nothing; views where NumPy gives one."""

import numpy as np

from tape import Sample, normal, op

Array = np.ndarray


@op(
    samples=(
        Sample(normal(3, 4), (2, 6)),
        Sample(normal(2, 3, 4), (-1, 4)),
        Sample(normal(), (1, 1)),
        Sample(normal(0, 3), (3, 0)),
    )
)
def reshape(x: Array, /, shape: int | tuple[int, ...]):
    """The elements of x in row-major order, in another shape; one length may be -1."""
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
def transpose(x: Array, /, axes: tuple[int, ...] | None = None):
    """Axis i of the result is axis `axes[i]` of x; without `axes`, their order is reversed."""
    back = None if axes is None else np.argsort([axis % x.ndim for axis in axes])
    return x.transpose(axes), lambda g: g.transpose(back)


@op(
    samples=(
        Sample(normal(2, 3), normal(4, 3)),
        Sample(normal(2, 3), normal(2, 1), normal(2, 0), axis=-1),
        Sample(normal(3)),
    )
)
def concatenate(*arrays: Array, axis: int = 0):
    """Join a sequence of arrays along an axis; each gets its slice of the cotangent."""
    ends = np.cumsum([x.shape[axis] for x in arrays])[:-1]
    return np.concatenate(arrays, axis), lambda g: tuple(np.split(g, ends, axis))
