"""Normalisation layers."""

import math
from typing import Any

import numpy as np

from ops.linalg import sum_of_rows
from ops.shapes import check_shape
from tape import Array, Extreme, Sample, ValueAndVJP, normal, op


@op(
    samples=(
        Sample(normal(3, 4), normal(4), normal(4)),
        Sample(normal(2, 3, 4), normal(4), normal(4)),
        Sample(normal(2, 3, 4)),
        Sample(normal(3, 4), normal(4)),
        Sample(normal(3, 4), None, normal(4)),
        Sample(normal(5), normal(5), normal(5), eps=0.1),
        Sample(np.ones((2, 4)), normal(4), normal(4)),
        Sample(normal(3, 4, scale=1e4), normal(4), normal(4)),
        Sample(normal(0, 4), normal(4), normal(4)),
    ),
    floating=True,
)
def layernorm(
    x: Array, weight: Array | None = None, bias: Array | None = None, /, eps: float = 1e-5
) -> ValueAndVJP:
    """Normalise the last axis to mean 0 and variance 1: weight * xhat + bias.

    xhat = (x - mean(x)) / sqrt(var(x) + eps), the variance over n elements. With h = g * weight,
    dx = (h - mean(h) - xhat mean(h xhat)) / sqrt(var(x) + eps); over all rows,
    dweight = sum(g xhat) and dbias = sum(g).

    x : (..., n); weight, bias : (n,) or None.

    Raises
    ------
    ValueError
        If the shapes are not these.

    Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.
    """
    check_shape(x, "x (..., n)")
    shape, n = x.shape, x.shape[-1]
    check_shape(weight, "weight (n)", n=n)
    check_shape(bias, "bias (n)", n=n)
    rows = x.reshape(math.prod(shape[:-1]), n)
    average = np.full(n, 1 / n, x.dtype)
    xhat = rows - (rows @ average)[:, None]
    variance = np.einsum("ij,ij->i", xhat, xhat) / n
    rstd = (1 / np.sqrt(variance + eps))[:, None]
    xhat *= rstd
    y = xhat.copy() if weight is None else xhat * weight
    if bias is not None:
        y += bias

    def vjp(g: Array) -> Any:
        g = g.reshape(xhat.shape)

        def dx() -> Array:
            h = g.copy() if weight is None else g * weight
            along = np.einsum("ij,ij->i", h, xhat)[:, None] / n
            h -= (h @ average)[:, None]
            h -= xhat * along
            h *= rstd
            return h.reshape(shape)

        return dx, lambda: np.einsum("ij,ij->j", g, xhat), lambda: sum_of_rows(g)

    return y.reshape(shape), vjp


@op(
    samples=(
        Sample(normal(3, 4), normal(4)),
        Sample(normal(2, 3, 4)),
        Sample(normal(5), normal(5), eps=0.1),
        Sample(normal(3, 4, scale=1e4), normal(4)),
        Sample(np.array([[3.0, 3.0, 3.0], [0.0, 0.0, 0.0]]), normal(3)),
        Extreme(np.array([[1e-310, -2e-310], [1e-40, 3e-40]]), normal(2)),
        Sample(normal(0, 4), normal(4)),
    ),
    floating=True,
)
def rmsnorm(x: Array, weight: Array | None = None, /, eps: float = 1e-5) -> ValueAndVJP:
    """Scale the last axis to a mean square of 1: weight * xhat.

    xhat = x / sqrt(mean(x^2) + eps). With h = g * weight,
    dx = (h - xhat mean(h xhat)) / sqrt(mean(x^2) + eps); over all rows, dweight = sum(g xhat).

    x : (..., n); weight : (n,) or None.

    Raises
    ------
    ValueError
        If the shapes are not these.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
    """
    check_shape(x, "x (..., n)")
    shape, n = x.shape, x.shape[-1]
    check_shape(weight, "weight (n)", n=n)
    rows = x.reshape(math.prod(shape[:-1]), n)
    mean_square = np.einsum("ij,ij->i", rows, rows) / n
    rstd = (1 / np.sqrt(mean_square + eps))[:, None]
    xhat = rows * rstd
    y = xhat if weight is None else xhat * weight

    def vjp(g: Array) -> Any:
        g = g.reshape(xhat.shape)

        def dx() -> Array:
            h = g if weight is None else g * weight
            along = np.einsum("ij,ij->i", h, xhat)[:, None] / n
            return ((h - xhat * along) * rstd).reshape(shape)

        return dx, lambda: np.einsum("ij,ij->j", g, xhat)

    return y.reshape(shape), vjp
