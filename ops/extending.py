"""Ops that make an array longer: by repeating its elements, or by a border around them."""

from typing import Any, Literal

import numpy as np

from ops.indexing import gathered
from tape import Array, Sample, ValueAndVJP, normal, op

Mode = Literal["constant", "edge", "reflect", "wrap"]
BORDERS_OF_COPIES = ("edge", "reflect", "wrap")


@op(
    samples=(
        Sample(normal(2, 3), 2),
        Sample(normal(2, 3), 3, axis=0),
        Sample(normal(2, 3), [2, 0, 1], axis=-1),
        Sample(normal(), 3),
        Sample(normal(0, 3), 2, axis=0),
    )
)
def repeat(x: Array, /, repeats: int | Array, axis: int | None = None) -> ValueAndVJP:
    """Each slice of x along an axis `repeats` times in a row (x flattened if `axis` is None).

    `repeats` : a count for all slices, or one for each. dx is the sum of g over the copies.
    """
    return gathered(x, lambda array: np.repeat(array, repeats, axis))


@op(
    samples=(
        Sample(normal(2, 3), 2),
        Sample(normal(3), (2, 1, 2)),
        Sample(normal(2, 1, 3), (3, 2)),
        Sample(normal(), (2, 3)),
        Sample(normal(2, 0), (2, 3)),
        Sample(normal(2), 0),
    )
)
def tile(x: Array, /, reps: int | tuple[int, ...]) -> ValueAndVJP:
    """Copies of x laid side by side, `reps[i]` of them along axis i; dx is g summed over them.

    The shorter of `reps` and the shape of x gets ones in front.
    """
    y = np.tile(x, reps)
    lengths = (1,) * (y.ndim - x.ndim) + x.shape
    counts = (1,) * (y.ndim - np.size(reps)) + tuple(np.atleast_1d(reps))
    apart = [n for pair in zip(counts, lengths, strict=True) for n in pair]
    copies = tuple(range(0, len(apart), 2))
    return y, lambda g: g.reshape(apart).sum(copies)


@op(
    samples=(
        Sample(normal(2, 3), 1),
        Sample(normal(2, 3), (0, 2), constant_values=1.5),
        Sample(normal(2, 1, 3), ((1, 0), (0, 0), (2, 1))),
        Sample(normal(0, 2), 1),
        Sample(normal(2, 3), ((0, 1), (3, 2)), "edge"),
        Sample(normal(2, 4), ((1, 0), (3, 2)), mode="reflect"),
        Sample(normal(2, 3), ((1, 2), (0, 3)), mode="wrap"),
    )
)
def pad(
    x: Array, /, pad_width: Any, mode: Mode = "constant", constant_values: Any = 0
) -> ValueAndVJP:
    """x with a border around it; dx is g without the border, or with it added where it came from.

    Parameters
    ----------
    x : ndarray
    pad_width : int, (before, after) or ((before, after), ...)
        How wide the border is: everywhere, on the sides of every axis, or of each axis.
    mode : str
        Of `constant_values`, or of copies of x: its "edge", its "reflect"ion in the edge (which
        is not repeated) or, as if it began anew, "wrap".
    constant_values : number, or as `pad_width`
        For mode "constant".

    Raises
    ------
    ValueError
        If there is no such mode.
    """
    if mode == "constant":
        shape = x.shape

        def vjp(g: Array) -> Array:
            inside = np.pad(np.ones(shape, bool), pad_width)
            return g[inside].reshape(shape)

        return np.pad(x, pad_width, constant_values=constant_values), vjp
    if mode not in BORDERS_OF_COPIES:
        raise ValueError(f"mode {mode!r} is none of constant, {', '.join(BORDERS_OF_COPIES)}")
    return gathered(x, lambda array: np.pad(array, pad_width, mode))
