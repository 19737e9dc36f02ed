"""Element-wise arithmetic; operands broadcast as in NumPy."""

from typing import Any

import numpy as np

from tape import Array, Extreme, Kink, Sample, ValueAndVJP, normal, op, positive

SUBNORMAL = np.array([-1e-40, 0.0, 1e-310])  # in float32 the first, in float64 the last

PAIRS = (
    Sample(normal(3, 4), normal(3, 4)),
    Sample(normal(3, 4), normal(4)),
    Sample(normal(3, 1), normal(2, 1, 4)),
    Sample(normal(), normal(2, 3)),
    Sample(normal(), normal()),
    Sample(normal(0, 3), normal(3)),
    Sample(np.array([1e4, -1e4, 1e-40]), np.array([-1e4, 1e-310, 1e4])),
)
BINARY = (*PAIRS, Sample(normal(3), 2.0), Sample(0.5, normal(3)))

SHAPES = (Sample(normal(3, 4)), Sample(normal()), Sample(normal(0, 2)))
HUGE = Sample(np.array([-1e4, 1e4]))
UNARY = (*SHAPES, HUGE, Sample(SUBNORMAL))
UNARY_WITH_KINK_AT_0 = (*SHAPES, HUGE, Kink(SUBNORMAL))
UNARY_POSITIVE = (
    Sample(positive(3, 4)),
    Sample(positive()),
    Sample(positive(0, 2)),
    Sample(np.array([1e4])),
    Extreme(np.array([1e-40])),
    Extreme(np.array([1e-310])),
)


@op(samples=BINARY)
def add(a: Array, b: Array, /) -> ValueAndVJP:
    """a + b; da = g, db = g."""
    return a + b, lambda g: (g, g)


@op(samples=BINARY)
def subtract(a: Array, b: Array, /) -> ValueAndVJP:
    """a - b; da = g, db = -g."""
    return a - b, lambda g: (g, lambda: -g)


@op(samples=BINARY)
def multiply(a: Array, b: Array, /) -> ValueAndVJP:
    """a * b; da = g b, db = g a."""
    return a * b, lambda g: (lambda: g * b, lambda: g * a)


@op(
    samples=(
        Sample(normal(3, 4), positive(3, 4)),
        Sample(normal(3, 4), positive(4)),
        Sample(normal(3, 1), positive(2, 1, 4)),
        Sample(normal(), positive()),
        Sample(normal(0, 3), positive(3)),
        Sample(1.0, positive(3)),
        Sample(normal(3), 2.0),
        Sample(np.array([1e4, -1e4, 1e-310, 1e-40]), np.array([[-1e4], [0.5]])),
        Extreme(np.array([1.0]), np.array([1e-310])),
        Extreme(np.array([-1.0]), np.array([1e-40])),
    ),
    floating=True,
)
def divide(a: Array, b: Array, /) -> ValueAndVJP:
    """a / b; da = g / b, db = -g a / b^2."""
    y = a / b
    return y, lambda g: (lambda: g / b, lambda: -g * y / b)


@op(
    samples=(
        Sample(np.array([[5.5, -5.5], [0.5, 7.0]]), np.array([2.0, -3.0])),
        Sample(positive(3, 4), 2.0),
        Sample(7.5, positive(3)),
        Sample(np.array(-2.5), np.array(1.0)),
        Sample(normal(0, 3), positive(3)),
        Kink(np.array([4.0, -4.0, 6.0]), np.array([2.0, 2.0, 3.0])),
    )
)
def remainder(a: Array, b: Array, /) -> ValueAndVJP:
    """a - b floor(a / b), with the sign of b; da = g, db = -g floor(a / b)."""
    return np.remainder(a, b), lambda g: (g, lambda: -g * np.floor_divide(a, b))


@op(samples=UNARY)
def negative(x: Array, /) -> ValueAndVJP:
    """-x; dx = -g."""
    return -x, lambda g: -g


@op(samples=UNARY_WITH_KINK_AT_0)
def abs(x: Array, /) -> ValueAndVJP:
    """Absolute value; dx = g sign(x), which is 0 at 0."""
    return np.abs(x), lambda g: g * np.sign(x)


@op(samples=(*UNARY_POSITIVE, Sample(np.array([-0.5, -1e4]))), floating=True)
def reciprocal(x: Array, /) -> ValueAndVJP:
    """y = 1 / x; dx = -g y^2."""
    y = np.reciprocal(x)
    return y, lambda g: -g * y * y


@op(samples=UNARY)
def square(x: Array, /) -> ValueAndVJP:
    """x^2; dx = 2 g x."""
    return x * x, lambda g: 2 * g * x


@op(
    samples=(
        Sample(positive(3, 4), 3.0),
        Sample(normal(3, 4), 2),
        Sample(normal(3), 0),
        Sample(positive(3, 4), -0.5),
        Sample(positive(3, 1), normal(4)),
        Sample(2.0, normal(3)),
        Sample(positive(), normal()),
        Sample(positive(0, 3), normal(3)),
        Sample(np.array([-2.0, -0.5, -3.0, 0.0]), np.array([0, 3, -2, 2], np.int8)),
        Sample(np.array([1e4, 1e-310, 1e-40]), np.array([[1.0], [2.0]])),
        Kink(np.zeros(4), np.array([0.0, 1.0, 1.5, 2.0])),
        Extreme(np.array([0.0]), np.array([0.5])),
        Extreme(np.array([0.0]), np.array([-1.0])),
        Extreme(np.array([np.inf]), np.array([0.0])),
        Extreme(np.array([1e4]), np.array([1e4])),
    )
)
def power(x: Array, exponent: Array, /) -> ValueAndVJP:
    """x ** exponent; dx = g p x^(p - 1), dp = g x^p ln x.

    As in PyTorch, dx is 0 where the exponent is 0, and dp is 0 where x is 0 and the exponent is
    not negative. A negative x has no logarithm: its dp is nan.
    """
    y = x**exponent

    def vjp(g: Array) -> Any:
        def dx() -> Array:
            return g * exponent * x ** np.where(exponent == 0, 0, exponent - 1)

        def dexponent() -> Array:
            return g * y * np.log(np.where((x == 0) & (exponent >= 0), 1, x))

        return dx, dexponent

    return y, vjp
