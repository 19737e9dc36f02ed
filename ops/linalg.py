"""Matrix products."""

import math

import numpy as np

from tape import Sample, normal, op

Array = np.ndarray


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
    )
)
def matmul(a: Array, b: Array, /):
    """a @ b, with NumPy's rules for 1-D operands and for broadcasting the axes before the last two.

    da = g b^T and db = a^T g; a 1-D operand counts as one row (a) or one column (b).
    """
    rows = a[None, :] if a.ndim == 1 else a  # (..., n, k)
    columns = b[:, None] if b.ndim == 1 else b  # (..., k, m)

    def vjp(g: Array):
        if a.ndim == 1:
            g = np.expand_dims(g, -1 if b.ndim == 1 else -2)
        if b.ndim == 1:
            g = np.expand_dims(g, -1)  # (..., n, m)

        def db() -> Array:
            table = rows.swapaxes(-1, -2) @ g
            return table[..., 0] if b.ndim == 1 else table

        return lambda: g @ columns.swapaxes(-1, -2), db

    return a @ b, vjp


@op(
    samples=(
        Sample(normal(3, 4), normal(2, 4), normal(2)),
        Sample(normal(5, 3, 4), normal(2, 4), normal(2)),
        Sample(normal(5, 3, 4), normal(2, 4)),
        Sample(normal(4), normal(2, 4), normal(2)),
        Sample(normal(0, 4), normal(2, 4), normal(2)),
    )
)
def linear(x: Array, weight: Array, bias: Array | None = None, /):
    """x weight^T + bias, as in PyTorch.

    x : (..., d_in); weight : (d_out, d_in); bias : (d_out,); result : (..., d_out).
    dx = g weight, dweight = g^T x and dbias = sum of g, over all rows.
    """
    shape, d_out = x.shape, len(weight)
    rows = x.reshape(math.prod(shape[:-1]), shape[-1])  # one product; `@` makes one per matrix
    y = rows @ weight.T
    if bias is not None:
        y += bias

    def vjp(g: Array):
        g = g.reshape(len(rows), d_out)
        return (
            lambda: (g @ weight).reshape(shape),
            lambda: g.T @ rows,
            None if bias is None else lambda: sum_of_rows(g),
        )

    return y.reshape(*shape[:-1], d_out), vjp


def sum_of_rows(x: Array) -> Array:
    """x.sum(0) of a matrix, as a product with ones: BLAS reads memory faster than a reduction."""
    return np.ones(x.shape[0], x.dtype) @ x
