"""Mean and spread over one axis, several, or all; `axis` and `keepdims` as in NumPy."""

import numpy as np

from ops.reductions import OF_NONE, REDUCTIONS, Axis, repeated, squeezed
from tape import Array, Kink, Sample, ValueAndVJP, normal, op


@op(samples=(*REDUCTIONS, OF_NONE), floating=True)
def mean(x: Array, /, axis: Axis = None, *, keepdims: bool = False) -> ValueAndVJP:
    """Sum over n elements divided by n; dx = g / n."""
    y, n = _mean(x, axis)
    shape, kept = x.shape, y.shape
    return squeezed(y, axis, keepdims), lambda g: repeated(g.reshape(kept) / n, shape)


def _mean(x: Array, axis: Axis) -> tuple[Array, int]:
    """The mean, its axes kept, and how many elements each is of."""
    total = x.sum(axis, keepdims=True)
    n = x.size // (total.size or 1)
    return total / n, n


SPREADS = (Sample(normal(2, 3, 4), (0, 2), ddof=1), Sample(normal(3, 4, scale=1e4), ddof=0.5))


@op(samples=(*REDUCTIONS, *SPREADS), floating=True)
def var(x: Array, /, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> ValueAndVJP:
    """Variance of n elements of mean c: sum (x - c)^2 / (n - ddof).

    dx = 2 g (x - c) / (n - ddof).
    """
    centred, y, freedom = _spread(x, axis, ddof)

    def vjp(g: Array) -> Array:
        return centred * (2 * g.reshape(y.shape) / freedom)

    return squeezed(y, axis, keepdims), vjp


@op(
    samples=(
        *REDUCTIONS[:-1],
        *SPREADS,
        Kink(normal()),
        Kink(np.array([[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]]), axis=1, ddof=1),
    ),
    floating=True,
)
def std(x: Array, /, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> ValueAndVJP:
    """Standard deviation, the square root y of `var`; dx = g (x - c) / ((n - ddof) y).

    Where y is 0, as of equal elements, so is dx, as in PyTorch.
    """
    centred, variance, freedom = _spread(x, axis, ddof)
    y = np.sqrt(variance)

    def vjp(g: Array) -> Array:
        divisor = freedom * np.where(y == 0, np.inf, y)
        return centred * (g.reshape(y.shape) / divisor)

    return squeezed(y, axis, keepdims), vjp


def _spread(x: Array, axis: Axis, ddof: float) -> tuple[Array, Array, float]:
    """Distances from the mean, their variance with its axes kept, and its degrees of freedom."""
    centre, n = _mean(x, axis)
    centred = x - centre
    freedom = max(n - ddof, 0)
    return centred, (centred * centred).sum(axis, keepdims=True) / freedom, freedom
