"""Example inputs for ops, from which every op is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Draw = Callable[[np.random.Generator], np.ndarray]
"""Makes an array of a fixed shape from a random generator."""


def normal(*shape: int, scale: float = 1.0) -> Draw:
    """Normal deviates times `scale`."""
    return lambda rng: np.asarray(scale * rng.standard_normal(shape))


def positive(*shape: int) -> Draw:
    """Uniform deviates in [0.5, 2)."""
    return lambda rng: np.asarray(rng.uniform(0.5, 2.0, shape))


def integers(low: int, high: int, *shape: int) -> Draw:
    """Integers in [low, high)."""
    return lambda rng: np.asarray(rng.integers(low, high, shape))


def booleans(*shape: int) -> Draw:
    """True or False with equal chance."""
    return lambda rng: np.asarray(rng.random(shape) < 0.5)


@dataclass(frozen=True)
class Sample:
    """One example call of an op: operands and options, drawn or as given."""

    operands: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def __init__(self, *operands: Any, **options: Any) -> None:
        object.__setattr__(self, "operands", operands)
        object.__setattr__(self, "options", options)

    def draw(
        self, rng: np.random.Generator, dtype: Any = np.float64
    ) -> tuple[list[Any], dict[str, Any]]:
        """Operands and options of one call; floating arrays get `dtype`."""

        def make(value: Any) -> Any:
            array = value(rng) if callable(value) else value
            floating = isinstance(array, np.ndarray) and array.dtype.kind == "f"
            return array.astype(dtype) if floating else array

        return [make(x) for x in self.operands], {k: make(v) for k, v in self.options.items()}


class Kink(Sample):
    """An example call at a point without a derivative (a tie, an edge).

    Central differences mean nothing there; which slope the VJP takes is PyTorch's choice.
    """


class Extreme(Sample):
    """An example call with values so large or small that results overflow or vanish.

    Central differences drown in rounding there; PyTorch is the witness, infinities included.
    """
