"""Reductions over one axis, several, or all; `axis` and `keepdims` as in NumPy."""

import numpy as np

from tape import Array, Extreme, Kink, Sample, ValueAndVJP, normal, op

Axis = int | tuple[int, ...] | None

REDUCTIONS = (
    Sample(normal(3, 4)),
    Sample(normal(2, 3, 4), axis=1),
    Sample(normal(2, 3, 4), axis=(0, -1)),
    Sample(normal(2, 3, 4), axis=-1, keepdims=True),
    Sample(normal(2, 3), axis=(0, 1), keepdims=True),
    Sample(normal()),
)
OF_NONE = Sample(normal(0, 3), axis=1)
TIES = Kink(np.array([[1.0, 2.0, 2.0], [1.0, 1.0, 2.0], [3.0, 3.0, 3.0]]), axis=1)
ZEROS = np.array([[0.0, 0.0, 0.0], [0.0, -1.0, 2.0]])


def squeezed(y: Array, axis: Axis, keepdims: bool) -> Array:
    """A result whose reduced axes have length 1, without these unless `keepdims`."""
    return y if keepdims else y.squeeze(axis)


def repeated(x: Array, shape: tuple[int, ...]) -> Array:
    """`numpy.broadcast_to` of as many axes as x has, at an eighth of the time."""
    x = x if x.flags.c_contiguous else x.copy()
    strides = [0 if n == 1 else stride for n, stride in zip(x.shape, x.strides, strict=True)]
    return np.ndarray(shape, x.dtype, x, 0, strides)


@op(samples=(*REDUCTIONS, OF_NONE, Sample(normal(0, 3))))
def sum(x: Array, /, axis: Axis = None, *, keepdims: bool = False) -> ValueAndVJP:
    """Sum; every element gets the cotangent of the sum that it went into."""
    y = x.sum(axis, keepdims=True)
    shape, kept = x.shape, y.shape
    return squeezed(y, axis, keepdims), lambda g: repeated(g.reshape(kept), shape)


@op(
    samples=(
        *REDUCTIONS,
        OF_NONE,
        Sample(np.array([[0.0, 2.0, 3.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.0]]), axis=1),
        Sample(np.array([[2.0, 3.0], [0.0, 5.0]]), axis=(0, 1)),
    )
)
def prod(x: Array, /, axis: Axis = None, *, keepdims: bool = False) -> ValueAndVJP:
    """Product; dx_i = g prod_(j != i) x_j, multiplied out rather than divided by x_i.

    It is exact, therefore, where elements are 0.
    """
    y = x.prod(axis, keepdims=True)
    kept = y.shape

    def vjp(g: Array) -> Array:
        rest, dx = np.atleast_1d(x), g.reshape(kept)
        for i in range(rest.ndim) if axis is None else np.atleast_1d(axis):
            after = np.flip(_products_before(np.flip(rest, i), i), i)
            dx = dx * _products_before(rest, i) * after
            rest = rest.prod(i, keepdims=True)
        return dx

    return squeezed(y, axis, keepdims), vjp


def _products_before(x: Array, axis: int) -> Array:
    """For each element, the product of those before it along an axis."""
    shifted = np.roll(x, 1, axis)
    np.moveaxis(shifted, axis, 0)[:1] = 1
    return shifted.cumprod(axis)


@op(samples=(*REDUCTIONS, OF_NONE, TIES))
def max(x: Array, /, axis: Axis = None, *, keepdims: bool = False) -> ValueAndVJP:
    """Largest element; ties share its cotangent equally, as in `torch.amax`."""
    return _picked(x, x.max(axis, keepdims=True), axis, keepdims)


@op(samples=(*REDUCTIONS, OF_NONE, TIES))
def min(x: Array, /, axis: Axis = None, *, keepdims: bool = False) -> ValueAndVJP:
    """Smallest element; ties share its cotangent equally, as in `torch.amin`."""
    return _picked(x, x.min(axis, keepdims=True), axis, keepdims)


def _picked(x: Array, y: Array, axis: Axis, keepdims: bool) -> ValueAndVJP:
    """The result and the VJP of a reduction to elements of x, its axes kept in y."""

    def vjp(g: Array) -> Array:
        tied = x == y
        return tied * (g.reshape(y.shape) / tied.sum(axis, keepdims=True, dtype=x.dtype))

    return squeezed(y, axis, keepdims), vjp


@op(
    samples=(
        *REDUCTIONS,
        OF_NONE,
        Sample(normal(3, 4), 1, axis=-1),
        Sample(normal(3, 4), 1.5, axis=-1),
        Sample(normal(2, 3, 4), ord=3, axis=(0, 2), keepdims=True),
        Sample(normal(3, 4), np.inf, axis=0, keepdims=True),
        Sample(normal(3, 4, scale=1e4)),
        Kink(ZEROS, 1, axis=-1),
        Kink(ZEROS, 1.5, axis=-1),
        Kink(ZEROS, axis=-1),
        Kink(np.array([[0.0, 0.0, 0.0], [-2.0, -1.0, 2.0]]), np.inf, axis=-1),
        Extreme(np.array([1e30, -1e-30, 0.0, 1e-40]), 1),
        Extreme(np.array([1e30, -1e30, 0.0, 1e-40]), np.inf),
    ),
    floating=True,
)
def norm(x: Array, /, ord: float = 2, axis: Axis = None, keepdims: bool = False) -> ValueAndVJP:
    """Vector norm y = (sum |x|^p)^(1/p), p = `ord`, as in `torch.linalg.vector_norm`.

    Of a matrix too, of which `numpy.linalg.norm` computes a matrix norm where `ord` is given: for
    2 its largest singular value.

    dx = g sign(x) (|x| / y)^(p - 1), and 0 where y is 0. With p infinite, y is the largest |x|,
    and ties share its cotangent equally. The norm of no elements is 0.

    With m the largest |x| and S = sum (|x| / m)^p, y = m S^(1/p) and
    dx = g sign(x) (|x| / m)^(p - 1) S^(1/p - 1): nothing overflows, and p may be infinite.

    Raises
    ------
    ValueError
        If `ord` is below 1.
    """
    if ord < 1:
        raise ValueError(f"ord is 1 or more, not {ord}")
    top = np.abs(x).max(axis, keepdims=True, initial=0)
    scale = np.where((top == 0) | np.isinf(top), 1, top)
    ratio = np.abs(x) / scale
    total = np.maximum((ratio**ord).sum(axis, keepdims=True), 1)  # less only where top is 0

    def vjp(g: Array) -> Array:
        shared = g.reshape(total.shape) * total ** (1 / ord - 1)
        return np.sign(x) * ratio ** (ord - 1) * shared

    return squeezed(top * total ** (1 / ord), axis, keepdims), vjp
