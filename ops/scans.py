"""Running sums."""

import numpy as np

from tape import Array, Sample, ValueAndVJP, normal, op


@op(
    samples=(
        Sample(normal(2, 3)),
        Sample(normal(2, 3, 4), axis=1),
        Sample(normal(2, 3), axis=-1),
        Sample(normal(0, 3), axis=1),
        Sample(normal()),
    )
)
def cumsum(x: Array, /, axis: int | None = None) -> ValueAndVJP:
    """Sums of the elements up to each along an axis; without one, of x as a flat array.

    dx is the sum of g from each element on.
    """
    shape = x.shape
    return x.cumsum(axis), lambda g: np.flip(np.flip(g, axis).cumsum(axis), axis).reshape(shape)
