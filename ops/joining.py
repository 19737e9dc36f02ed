"""Arrays joined into one along an axis, and one array split into several."""

from collections.abc import Sequence

import numpy as np

from tape import Array, Sample, ValueAndVJP, normal, op
from tape.engine.record import VJP


@op(
    samples=(
        Sample(normal(2, 3), normal(4, 3)),
        Sample(normal(2, 3), normal(2, 1), normal(2, 0), axis=-1),
        Sample(normal(3)),
        Sample(normal(2, 3), normal(2), normal(), axis=None),
    ),
    of_sequence=True,
)
def concatenate(arrays: Sequence[Array], /, axis: int | None = 0) -> ValueAndVJP:
    """Join a sequence of arrays along an axis; each gets its slice of the cotangent.

    With None, the arrays are flattened first, and may have any shapes.
    """
    shapes = [x.shape for x in arrays]
    if axis is None:
        arrays, axis = [x.reshape(-1) for x in arrays], 0
    y = np.concatenate(arrays, axis)
    ends = np.cumsum([x.shape[axis] for x in arrays])[:-1]

    def vjp(g: Array) -> tuple[Array, ...]:
        parts = np.split(g, ends, axis)
        return tuple(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))

    return y, vjp


@op(
    samples=(
        Sample(normal(2, 3), normal(2, 3)),
        Sample(normal(2, 3), normal(2, 3), normal(2, 3), axis=-1),
        Sample(normal(), normal()),
        Sample(normal(3, 0), axis=1),
    ),
    of_sequence=True,
)
def stack(arrays: Sequence[Array], /, axis: int = 0) -> ValueAndVJP:
    """Join a sequence of arrays of one shape along a new axis; each gets its slice of g."""
    return np.stack(arrays, axis), lambda g: np.unstack(g, axis=axis)


@op(
    samples=(
        Sample(normal(4, 3), 2),
        Sample(normal(2, 6), 3, axis=-1),
        Sample(normal(5, 2), [1, 4]),
        Sample(normal(2, 3), (0, 2, 7, -1), axis=1),
        Sample(normal(0, 2), 2),
    )
)
def split(
    x: Array, /, indices_or_sections: int | Sequence[int], axis: int = 0
) -> list[ValueAndVJP]:
    """Equal sections of x along an axis, or the parts between indices; views, in a list.

    Part i is x[indices[i - 1]:indices[i]]; its cotangent is put into zeros of the shape of x.

    Raises
    ------
    ValueError
        If a number of sections does not divide the axis evenly.
    """
    shape = x.shape

    def vjp_of(i: int) -> VJP:
        def vjp(g: Array) -> Array:
            dx = np.zeros(shape, g.dtype)
            np.split(dx, indices_or_sections, axis)[i][...] = g
            return dx

        return vjp

    return [(part, vjp_of(i)) for i, part in enumerate(np.split(x, indices_or_sections, axis))]
