"""Elementary functions, and erf, element by element."""

import math

import numpy as np

from ops.arithmetic import SHAPES, SUBNORMAL, UNARY, UNARY_POSITIVE
from tape import Array, Extreme, Sample, ValueAndVJP, op

UNARY_THAT_OVERFLOWS = (
    *SHAPES,
    Sample(SUBNORMAL),
    Sample(np.array([-1e4])),
    Extreme(np.array([1e4])),
)

# NumPy has no erf. The standard library's is exact but takes one number at a time (and this makes
# an array of Python floats): two hundred times as long as tanh.
python_erf = np.frompyfunc(math.erf, 1, 1)


@op(samples=UNARY_THAT_OVERFLOWS, floating=True)
def exp(x: Array, /) -> ValueAndVJP:
    """e^x; dx = g e^x."""
    y = np.exp(x)
    return y, lambda g: g * y


@op(samples=UNARY_THAT_OVERFLOWS, floating=True)
def expm1(x: Array, /) -> ValueAndVJP:
    """y = e^x - 1, exact near 0 too; dx = g (y + 1)."""
    y = np.expm1(x)
    return y, lambda g: g * (y + 1)


@op(samples=(*UNARY_POSITIVE, Extreme(np.array([0.0]))), floating=True)
def log(x: Array, /) -> ValueAndVJP:
    """Natural logarithm; dx = g / x."""
    return np.log(x), lambda g: g / x


@op(
    samples=(
        *UNARY_POSITIVE,
        Sample(np.array([-0.5, -1e-9, -1e-40])),
        Extreme(np.array([-1.0])),
    ),
    floating=True,
)
def log1p(x: Array, /) -> ValueAndVJP:
    """ln(1 + x), exact near 0 too; dx = g / (1 + x)."""
    return np.log1p(x), lambda g: g / (1 + x)


@op(samples=(*UNARY_POSITIVE, Extreme(np.array([0.0]))), floating=True)
def sqrt(x: Array, /) -> ValueAndVJP:
    """Square root y; dx = g / (2 y), infinite at 0."""
    y = np.sqrt(x)
    return y, lambda g: g / (2 * y)


@op(samples=UNARY, floating=True)
def sin(x: Array, /) -> ValueAndVJP:
    """Sine of x in radians; dx = g cos(x)."""
    return np.sin(x), lambda g: g * np.cos(x)


@op(samples=UNARY, floating=True)
def cos(x: Array, /) -> ValueAndVJP:
    """Cosine of x in radians; dx = -g sin(x)."""
    return np.cos(x), lambda g: -g * np.sin(x)


@op(samples=UNARY, floating=True)
def arctan(x: Array, /) -> ValueAndVJP:
    """Inverse tangent of x, in radians; dx = g / (1 + x^2)."""
    return np.arctan(x), lambda g: g / (1 + x * x)


@op(samples=UNARY, floating=True)
def tanh(x: Array, /) -> ValueAndVJP:
    """Hyperbolic tangent y; dx = g (1 - y^2)."""
    y = np.tanh(x)
    return y, lambda g: g - g * (y * y)


@op(samples=UNARY, floating=True)
def erf(x: Array, /) -> ValueAndVJP:
    """Error function: 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.

    dx = 2 / sqrt(pi) g e^(-x^2).
    """
    scale = 2 / math.sqrt(math.pi)
    dtype = np.result_type(x, np.float16)  # of integers NumPy's rule: wide enough for them
    return np.asarray(python_erf(x), dtype), lambda g: scale * g * np.exp(-x * x)
