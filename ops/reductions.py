"""Reductions over one axis, several, or all; `axis` and `keepdims` as in NumPy."""

import numpy as np

from tape import Kink, Sample, normal, op

Array = np.ndarray
Axis = int | tuple[int, ...] | None

REDUCTIONS = (
    Sample(normal(3, 4)),
    Sample(normal(2, 3, 4), axis=1),
    Sample(normal(2, 3, 4), axis=(0, -1)),
    Sample(normal(2, 3, 4), axis=-1, keepdims=True),
    Sample(normal(2, 3), axis=(0, 1), keepdims=True),
    Sample(normal()),
)
EMPTY = Sample(normal(0, 3), axis=1)


def _spread(g: Array, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Array:
    """The cotangent of a reduction, repeated along the axes that were reduced (a view)."""
    if not keepdims:
        g = np.expand_dims(g, tuple(range(len(shape))) if axis is None else axis)
    return np.broadcast_to(g, shape)


@op(samples=(*REDUCTIONS, EMPTY, Sample(normal(0, 3))))
def sum(x: Array, /, axis: Axis = None, keepdims: bool = False):
    """Sum; every element gets the cotangent of the sum that it went into."""
    shape = x.shape
    return x.sum(axis, keepdims=keepdims), lambda g: _spread(g, shape, axis, keepdims)


@op(samples=(*REDUCTIONS, EMPTY))
def mean(x: Array, /, axis: Axis = None, keepdims: bool = False):
    """Sum over n elements divided by n; dx = g / n."""
    total = x.sum(axis, keepdims=keepdims)
    shape, n = x.shape, x.size // (total.size or 1)
    return total / n, lambda g: _spread(g / n, shape, axis, keepdims)


@op(samples=(*REDUCTIONS, EMPTY, Kink(np.array([[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]]), axis=1)))
def max(x: Array, /, axis: Axis = None, keepdims: bool = False):
    """Largest element; ties share its cotangent equally, as in `torch.amax`."""
    top = x.max(axis, keepdims=True)
    y = top if keepdims else np.squeeze(top, tuple(range(x.ndim)) if axis is None else axis)

    def vjp(g: Array) -> Array:
        tied = x == top
        share = tied / tied.sum(axis, keepdims=True, dtype=x.dtype)
        return _spread(g, x.shape, axis, keepdims) * share

    return y, vjp
