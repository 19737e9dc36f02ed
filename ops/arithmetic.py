"""Element-wise arithmetic; operands broadcast as in NumPy."""

import numpy as np

from tape import Sample, booleans, normal, op, positive

Array = np.ndarray

BINARY = (
    Sample(normal(3, 4), normal(3, 4)),
    Sample(normal(3, 4), normal(4)),
    Sample(normal(3, 1), normal(2, 1, 4)),
    Sample(normal(), normal(2, 3)),
    Sample(normal(3), 2.0),
    Sample(0.5, normal(3)),
    Sample(normal(0, 3), normal(3)),
)
UNARY = (Sample(normal(3, 4)), Sample(normal()), Sample(normal(0, 2)))
UNARY_POSITIVE = (Sample(positive(3, 4)), Sample(positive()), Sample(positive(0, 2)))


@op(samples=BINARY)
def add(a: Array, b: Array, /):
    """a + b."""
    return a + b, lambda g: (g, g)


@op(samples=BINARY)
def subtract(a: Array, b: Array, /):
    """a - b."""
    return a - b, lambda g: (g, lambda: -g)


@op(samples=BINARY)
def multiply(a: Array, b: Array, /):
    """a * b; da = g b, db = g a."""
    return a * b, lambda g: (lambda: g * b, lambda: g * a)


@op(
    samples=(
        Sample(normal(3, 4), positive(3, 4)),
        Sample(normal(3, 4), positive(4)),
        Sample(normal(3, 1), positive(2, 1, 4)),
        Sample(1.0, positive(3)),
        Sample(normal(3), 2.0),
    )
)
def divide(a: Array, b: Array, /):
    """a / b; da = g / b, db = -g a / b^2."""
    y = a / b
    return y, lambda g: (lambda: g / b, lambda: -g * y / b)


@op(samples=UNARY)
def negative(x: Array, /):
    """-x."""
    return -x, lambda g: -g


@op(
    samples=(
        Sample(positive(3, 4), 3.0),
        Sample(normal(3, 4), 2),
        Sample(normal(3), 0),
        Sample(positive(3, 4), -0.5),
        Sample(positive(3, 1), normal(4)),
        Sample(2.0, normal(3)),
    )
)
def power(x: Array, exponent: Array, /):
    """x ** exponent; dx = g p x^(p - 1), dp = g x^p ln x.

    As in PyTorch, dx is 0 where the exponent is 0, and dp is 0 where x is 0.
    """
    y = x**exponent

    def vjp(g: Array):
        def dx() -> Array:
            slope = exponent * x ** np.where(exponent == 0, 1, exponent - 1).astype(x.dtype)
            return g * slope

        def dexponent() -> Array:
            return g * y * np.log(np.where(x == 0, 1, x))

        return dx, dexponent

    return y, vjp


@op(samples=UNARY)
def exp(x: Array, /):
    """e^x; dx = g e^x."""
    y = np.exp(x)
    return y, lambda g: g * y


@op(samples=UNARY_POSITIVE)
def log(x: Array, /):
    """Natural logarithm; dx = g / x."""
    return np.log(x), lambda g: g / x


@op(samples=UNARY_POSITIVE)
def sqrt(x: Array, /):
    """Square root y; dx = g / (2 y)."""
    y = np.sqrt(x)
    return y, lambda g: g / (2 * y)


@op(samples=UNARY)
def tanh(x: Array, /):
    """Hyperbolic tangent y; dx = g (1 - y^2)."""
    y = np.tanh(x)
    return y, lambda g: g * (1 - y * y)


@op(
    samples=(
        Sample(booleans(3, 4), normal(3, 4), normal(3, 4)),
        Sample(booleans(3, 1), normal(4), normal(2, 1, 1)),
        Sample(booleans(3), normal(3), 0.0),
    )
)
def where(condition: Array, x: Array, y: Array, /):
    """x where `condition` (boolean) holds, else y; each gets the cotangent of its own places."""
    return np.where(condition, x, y), lambda g: (
        None,
        lambda: np.where(condition, g, 0),
        lambda: np.where(condition, 0, g),
    )
