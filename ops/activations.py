"""Nonlinearities of neural networks."""

import math
from typing import Literal

import numpy as np

from tape import Sample, normal, op

Array = np.ndarray

# NumPy has no erf. The standard library's is exact but takes one number at a time, and so a
# hundred times as long as the tanh form, which is why the models use that.
_erf = np.frompyfunc(math.erf, 1, 1)


@op(
    samples=(
        Sample(normal(3, 4)),
        Sample(normal()),
        Sample(normal(3, 4), approximate="tanh"),
        Sample(normal(), approximate="tanh"),
        Sample(normal(0, 3)),
        Sample(np.array([-1e4, -30.0, -5.0, 0.0, 1e-300, 5.0, 30.0, 1e4]), approximate="tanh"),
        Sample(np.array([-1e4, -30.0, -5.0, 0.0, 1e-300, 5.0, 30.0, 1e4])),
    )
)
def gelu(x: Array, /, approximate: Literal["none", "tanh"] = "none"):
    """Gaussian error linear unit: x Phi(x), Phi the normal distribution function.

    With `approximate="tanh"`, Phi(x) = (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
    """
    if approximate == "tanh":
        return _gelu_tanh(x)
    if approximate != "none":
        raise ValueError(f"approximate is 'none' or 'tanh', not {approximate!r}")
    cdf = np.asarray(0.5 + 0.5 * _erf(x * math.sqrt(0.5)), x.dtype)

    def vjp(g: Array) -> Array:
        density = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        return g * (cdf + x * density)

    return x * cdf, vjp


def _gelu_tanh(x: Array):
    scale = math.sqrt(2 / math.pi)
    t = np.multiply(x, x, out=np.empty_like(x))  # in place from here: memory is what gelu costs
    t *= 0.044715 * scale
    t += scale
    t *= x
    np.tanh(t, out=t)
    y = t + 1
    y *= x
    y *= 0.5

    def vjp(g: Array) -> Array:
        slope = x * x
        slope *= -3 * 0.044715 * scale
        slope -= scale
        slope *= x  # -x times the derivative of the argument of tanh
        dx = t * t
        dx -= 1
        dx *= slope
        dx += t
        dx += 1
        dx *= 0.5
        dx *= g
        return dx

    return y, vjp
