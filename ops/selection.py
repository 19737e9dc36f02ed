"""Which of several operands each element of the result is taken from."""

import numpy as np

from ops.arithmetic import PAIRS, SUBNORMAL
from tape import Array, Kink, Sample, ValueAndVJP, booleans, normal, op

MAYBE_TIED = (
    *PAIRS,
    Kink(np.array([[1.0], [2.0]]), np.array([1.0, 2.0, 3.0])),
    Kink(SUBNORMAL, np.zeros(3)),
)


@op(
    samples=(
        Sample(booleans(3, 4), normal(3, 4), normal(3, 4)),
        Sample(booleans(3, 1), normal(4), normal(2, 1, 1)),
        Sample(booleans(3), normal(3), 0.0),
        Sample(booleans(), normal(), normal()),
        Sample(booleans(3), normal(0, 3), normal(3)),
        Sample(np.array([True, False]), np.array([1e4, 1e-310]), np.array([1e-40, -1e4])),
    ),
    discrete=("condition",),
)
def where(condition: Array, x: Array, y: Array, /) -> ValueAndVJP:
    """x where `condition` (boolean) holds, else y; each gets the cotangent of its own places."""
    return np.where(condition, x, y), lambda g: (
        None,
        lambda: np.where(condition, g, 0),
        lambda: np.where(condition, 0, g),
    )


@op(samples=MAYBE_TIED)
def maximum(a: Array, b: Array, /) -> ValueAndVJP:
    """The larger of a and b; the cotangent goes to it, and is shared equally in a tie."""
    return np.maximum(a, b), lambda g: (
        lambda: _share(g, a < b, a == b),
        lambda: _share(g, b < a, a == b),
    )


@op(samples=MAYBE_TIED)
def minimum(a: Array, b: Array, /) -> ValueAndVJP:
    """The smaller of a and b; the cotangent goes to it, and is shared equally in a tie."""
    return np.minimum(a, b), lambda g: (
        lambda: _share(g, b < a, a == b),
        lambda: _share(g, a < b, a == b),
    )


def _share(g: Array, passed_over: Array, tied: Array) -> Array:
    return np.where(passed_over, 0, np.where(tied, g / 2, g))


@op(
    samples=(
        Sample(normal(3, 4), -0.5, 0.5),
        Sample(normal(3, 4), None, normal(4)),
        Sample(normal(3, 1), normal(2, 1, 4), None),
        Sample(normal(2, 3, 4), normal(4), normal(3, 1)),
        Sample(normal(), normal(), normal()),
        Sample(normal(0, 3), normal(3), normal(3)),
        Sample(normal(3), np.array(1.0), np.array(-1.0)),
        Sample(
            np.array([-1e4, 1e4, 1e-310]), np.array([-1.0, -1e4, 1e-3]), np.array([1.0, 1e-40, 1e4])
        ),
        Kink(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array(1.0), np.array(3.0)),
        Kink(np.array([0.0, 1.0, 2.0]), np.array(1.0), np.array(1.0)),
        Kink(np.array([0.0, 1.0, 2.0]), np.array(1.0), None),
        Kink(np.array([0.0, 1.0, 2.0]), None, np.array(1.0)),
        Kink(np.array([0.0, 1.0, -1.0]), np.array(1.0), np.array(-1.0)),
    )
)
def clip(x: Array, a_min: Array | None = None, a_max: Array | None = None, /) -> ValueAndVJP:
    """x with what is below a_min raised to it and what is above a_max lowered to it.

    The cotangent goes to x where a_min <= x <= a_max, else to the bound that was taken: to a_max
    throughout where a_min > a_max, as the result is a_max there. As in `torch.clamp`, x gets the
    cotangent where it equals a bound; where a_min = a_max and x is below, nobody gets it.
    """
    low = -np.inf if a_min is None else a_min
    high = np.inf if a_max is None else a_max
    return np.clip(x, a_min, a_max), lambda g: (
        lambda: np.where((low <= x) & (x <= high), g, 0),
        lambda: np.where((x < low) & (low < high), g, 0),
        lambda: np.where((x > high) | (low > high), g, 0),
    )
