"""Nonlinearities of neural networks."""

import math
from typing import Literal

import numpy as np

from ops.arithmetic import PAIRS, UNARY, UNARY_WITH_KINK_AT_0
from ops.elementary import python_erf
from tape import Array, Sample, ValueAndVJP, op

TAILS = Sample(np.array([-30.0, -5.0, 5.0, 30.0]))
SMOOTH = (*UNARY, TAILS)

ZEROS = {np.dtype(kind): np.zeros((), kind) for kind in (np.float32, np.float64)}
"""Which NumPy takes in less time than Python's 0."""

PIECE = 1 << 17
"""Elements worked on together: what an op makes of them on the way stays in the cache."""


@op(samples=UNARY_WITH_KINK_AT_0)
def relu(x: Array, /) -> ValueAndVJP:
    """max(x, 0); dx = g where x > 0, else 0, however large g is."""
    y = np.maximum(x, _zero(x))
    return y, lambda g: np.where(y > _zero(y), g, _zero(y))


def _zero(x: Array) -> Array | int:
    return ZEROS.get(x.dtype, 0)


@op(samples=UNARY_WITH_KINK_AT_0)
def squared_relu(x: Array, /) -> ValueAndVJP:
    """max(x, 0)^2; dx = 2 g max(x, 0).

    Source: So et al., "Primer: Searching for Efficient Transformers for Language Modeling", 2021.
    """
    root = np.maximum(x, 0)
    return root * root, lambda g: 2 * np.where(root > 0, g, 0) * root


@op(samples=SMOOTH, floating=True)
def sigmoid(x: Array, /) -> ValueAndVJP:
    """y = 1 / (1 + e^-x); dx = g y (1 - y)."""
    y = _sigmoid(x)
    return y, lambda g: g * y * (1 - y)


@op(samples=SMOOTH, floating=True)
def softplus(x: Array, /) -> ValueAndVJP:
    """ln(1 + e^x), exact everywhere, where PyTorch's is x from 20 on; dx = g sigmoid(x)."""
    return np.logaddexp(x, 0), lambda g: g * _sigmoid(x)


@op(samples=SMOOTH, floating=True)
def silu(x: Array, /) -> ValueAndVJP:
    """y = x s, with s = sigmoid(x); dx = g (s + y (1 - s)).

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
    """
    s = _sigmoid(x)
    y = x * s
    return y, lambda g: g * _silu_slope(y, s)


@op(samples=PAIRS, floating=True)
def swiglu(x: Array, gate: Array, /) -> ValueAndVJP:
    """x silu(gate): the gated unit of LLaMA's feed-forward layers, after the two projections.

    With s = sigmoid(gate) and u = gate s, dx = g u and dgate = g x (s + u (1 - s)).

    Source: Shazeer, "GLU Variants Improve Transformer", 2020.
    """
    s = _sigmoid(gate)
    u = gate * s
    return x * u, lambda g: (lambda: g * u, lambda: g * x * _silu_slope(u, s))


def _sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):  # an infinite e^-x gives the 0 that it should
        return 1 / (1 + np.exp(-x))


def _silu_slope(y: Array, s: Array) -> Array:
    return s + y * (1 - s)


@op(
    samples=(*SMOOTH, *(Sample(*sample.operands, approximate="tanh") for sample in SMOOTH)),
    floating=True,
)
def gelu(x: Array, /, approximate: Literal["none", "tanh"] = "none") -> ValueAndVJP:
    """Gaussian error linear unit: x Phi(x), Phi the normal distribution function.

    With `approximate="tanh"`, Phi(x) = (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
    dx = g (Phi(x) + x Phi'(x)).

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
    """
    if approximate == "tanh":  # a hundred times as fast, which is why the models use it
        return _gelu_tanh(x)
    if approximate != "none":
        raise ValueError(f"approximate is 'none' or 'tanh', not {approximate!r}")
    scaled = x * math.sqrt(0.5)
    cdf = np.asarray(0.5 + 0.5 * python_erf(scaled), scaled.dtype)

    def vjp(g: Array) -> Array:
        density = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        return g * (cdf + x * density)

    return x * cdf, vjp


def _gelu_tanh(x: Array) -> ValueAndVJP:
    """The derivative is made beside the value and saved in place of x: the half of memory."""
    scale = math.sqrt(2 / math.pi)
    cubic = 0.044715 * scale
    y, slope = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    flat = [array.reshape(-1) for array in (x, y, slope)]
    buffers = np.empty((2, min(PIECE, x.size)), x.dtype)
    for start in range(0, x.size, PIECE):
        x_piece, y_piece, slope_piece = (array[start : start + PIECE] for array in flat)
        cdf, bend = buffers[:, : x_piece.size]
        np.multiply(x_piece, x_piece, out=bend)
        np.multiply(bend, cubic, out=cdf)
        cdf += scale
        cdf *= x_piece
        np.tanh(cdf, out=cdf)
        cdf *= 0.5
        cdf += 0.5
        np.multiply(x_piece, cdf, out=y_piece)
        bend *= 6 * cubic
        bend += 2 * scale  # twice the derivative of the argument of tanh
        np.subtract(1, cdf, out=slope_piece)
        slope_piece *= y_piece
        slope_piece *= bend
        slope_piece += cdf
    return y, lambda g: g * slope
