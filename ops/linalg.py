"""Matrix products."""

import math
from typing import Any

import numpy as np

from ops.shapes import check_shape
from tape import Array, Sample, ValueAndVJP, normal, op


def _matmul_flops(a: Array, b: Array) -> int:
    if b.ndim == 2:
        flops: int = 2 * a.size * b.shape[1]
        return flops
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return 2 * math.prod(batch + a.shape[-2:] + b.shape[1:][-1:])


@op(
    samples=(
        Sample(normal(3, 4), normal(4, 2)),
        Sample(normal(4), normal(4)),
        Sample(normal(4), normal(4, 2)),
        Sample(normal(3, 4), normal(4)),
        Sample(normal(4), normal(5, 4, 2)),
        Sample(normal(5, 3, 4), normal(4)),
        Sample(normal(5, 3, 4), normal(4, 2)),
        Sample(normal(3, 4), normal(5, 4, 2)),
        Sample(normal(5, 3, 4), normal(5, 4, 2)),
        Sample(normal(5, 1, 3, 4), normal(6, 4, 2)),
        Sample(normal(0, 4), normal(4, 2)),
        Sample(normal(3, 0), normal(0, 2)),
    ),
    flops=_matmul_flops,
)
def matmul(a: Array, b: Array, /) -> ValueAndVJP:
    """a @ b, with NumPy's rules for 1-D operands and for broadcasting the axes before the last two.

    da = g b^T and db = a^T g; a 1-D operand counts as one row (a) or one column (b).
    """
    if a.ndim == 2 and b.ndim == 2:
        return a @ b, lambda g: (lambda: g @ b.T, lambda: a.T @ g)
    rows = a[None, :] if a.ndim == 1 else a  # (..., n, k)
    columns = b[:, None] if b.ndim == 1 else b  # (..., k, m)

    def vjp(g: Array) -> Any:
        if a.ndim == 1:
            g = np.expand_dims(g, -1 if b.ndim == 1 else -2)
        if b.ndim == 1:
            g = np.expand_dims(g, -1)  # (..., n, m)

        def db() -> Array:
            table = rows.swapaxes(-1, -2) @ g
            return table[..., 0] if b.ndim == 1 else table

        return lambda: g @ columns.swapaxes(-1, -2), db

    return a @ b, vjp


def _dot_flops(a: Array, b: Array) -> int:
    return 2 * a.size * b.size // max(a.shape[-1], 1) if a.ndim and b.ndim else 0


@op(
    samples=(
        Sample(normal(3, 4), normal(4, 2)),
        Sample(normal(4), normal(4)),
        Sample(normal(4), normal(5, 4, 2)),
        Sample(normal(5, 3, 4), normal(4)),
        Sample(normal(2, 3, 4), normal(5, 4, 2)),
        Sample(normal(3, 0), normal(0, 2)),
        Sample(normal(), normal(2, 3)),
        Sample(normal(2, 3), normal()),
    ),
    flops=_dot_flops,
)
def dot(a: Array, b: Array, /) -> ValueAndVJP:
    """`numpy.dot`: a b summed over the last axis of a and the last but one of b (or its only one).

    The other axes of a come first in the result, then those of b: unlike those of `matmul`, they
    do not broadcast. da sums g b over those of b, and db sums g a over those of a. If one operand
    is 0-d it is a product of elements.
    """
    if a.ndim == 0 or b.ndim == 0:
        return a * b, lambda g: (lambda: g * b, lambda: g * a)
    summed = -min(b.ndim, 2)

    def vjp(g: Array) -> Any:
        def db() -> Array:
            table = np.tensordot(np.moveaxis(a, -1, 0), g, a.ndim - 1)
            return np.moveaxis(table, 0, summed)

        return lambda: np.tensordot(g, np.moveaxis(b, summed, -1), b.ndim - 1), db

    return np.tensordot(a, b, (-1, summed)), vjp  # np.dot leaves BLAS above two axes


@op(
    samples=(
        Sample(normal(3), normal(4)),
        Sample(normal(2, 3), normal()),
        Sample(normal(0), normal(2)),
    )
)
def outer(a: Array, b: Array, /) -> ValueAndVJP:
    """Table of every element of a, in row-major order, times every one of b; da = g b, db = a g."""
    column, row = a.reshape(-1, 1), b.reshape(-1)
    return column * row, lambda g: (
        lambda: (g @ row).reshape(a.shape),
        lambda: (g.T @ column).reshape(b.shape),
    )


@op(
    samples=(
        Sample(normal(3, 4), normal(2, 4), normal(2)),
        Sample(normal(5, 3, 4), normal(2, 4), normal(2)),
        Sample(normal(5, 3, 4), normal(2, 4)),
        Sample(normal(4), normal(2, 4), normal(2)),
        Sample(normal(0, 4), normal(2, 4), normal(2)),
    ),
    flops=lambda x, weight, bias=None: 2 * x.size * len(weight),
)
def linear(x: Array, weight: Array, bias: Array | None = None, /) -> ValueAndVJP:
    """x weight^T + bias, as in PyTorch.

    x : (..., d_in); weight : (d_out, d_in); bias : (d_out,); result : (..., d_out).
    dx = g weight, dweight = g^T x and dbias = sum of g, over all rows.

    Raises
    ------
    ValueError
        If the shapes are not these.
    """
    check_shape(weight, "weight (d_out, d_in)")
    shape, (d_out, d_in) = x.shape, weight.shape
    check_shape(x, "x (..., d_in)", d_in=d_in)
    check_shape(bias, "bias (d_out)", d_out=d_out)
    rows = x.reshape(math.prod(shape[:-1]), shape[-1])  # one product; `@` makes one per matrix
    y = rows @ weight.T
    if bias is not None:
        y += bias

    def vjp(g: Array) -> Any:
        g = g.reshape(len(rows), d_out)
        return lambda: (g @ weight).reshape(shape), lambda: g.T @ rows, lambda: sum_of_rows(g)

    return y.reshape(*shape[:-1], d_out), vjp


def sum_of_rows(x: Array) -> Array:
    """x.sum(0) of a matrix, as a product with ones: BLAS reads memory faster than a reduction."""
    return np.ones(x.shape[0], x.dtype) @ x
