"""Cotangents on their way back: summed where paths meet, in buffers that may be written to."""

from collections.abc import Callable, MutableMapping
from functools import lru_cache
from typing import Any, cast

import numpy as np

from tape.engine.record import Source
from tape.engine.variable import Variable

FLOAT16, FLOAT32, FLOAT64 = map(np.dtype, (np.float16, np.float32, np.float64))

Into = MutableMapping[Any, np.ndarray] | Callable[[Any, np.ndarray], None] | None
"""Where the gradients of leaves go: None is their `grad`. See `Recording.backward`."""


class Cotangents:
    """The sum of the cotangents that have reached each source so far.

    A VJP may hand on the array it was given, or a view of it, so an array is written to only when
    it is known to be nobody else's: the engine's own sum, or one that a VJP made afresh. The sums
    of float16 are float32, as these have more digits; who takes one converts it.

    Parameters
    ----------
    into : mapping, callable or None
        Where what reaches the leaves is summed as it arrives: it is then still in the processor's
        cache, and nobody else has to hold it. With None it appears in their `grad` when all has
        arrived.
    handed_out : bool
        Whether somebody looks at what arrives, so that fresh arrays stay as they are. Otherwise
        they are written to, which saves memory.
    """

    def __init__(self, into: Into = None, handed_out: bool = False) -> None:
        self.handed_out = handed_out
        self._into = into
        self.sums: dict[Source, np.ndarray] = {}
        self.owned: set[Source] = set()

    def add(self, source: Source, cotangent: np.ndarray, owned: bool) -> None:
        """Add what one more path carried to `source`; `owned` if it is nobody else's."""
        owned = owned and not self.handed_out
        if self._into is not None and source.__class__ is not int and cotangent.dtype != FLOAT16:
            self._leave(cast(Variable, source), cotangent, owned)
            return
        held = self.sums.get(source)
        if held is None:
            self.sums[source] = cotangent
        elif held.dtype is FLOAT16:
            self.sums[source] = np.asarray(np.add(held, cotangent, dtype=FLOAT32))
        elif source in self.owned:
            np.add(held, cotangent, held)
            return
        else:
            self.sums[source] = np.add(held, cotangent, cotangent if owned else np.empty_like(held))
        if owned or held is not None:
            self.owned.add(source)

    def leave(self) -> None:
        """Give the leaves what has arrived and was not summed elsewhere."""
        for leaf, held in self.sums.items():
            if isinstance(leaf, Variable):
                dtype, owned = leaf.data.dtype, leaf in self.owned
                self._leave(leaf, held if held.dtype is dtype else held.astype(dtype), owned)

    def gradient_of(self, leaf: Variable) -> np.ndarray | None:
        """What has been left for a leaf, where it can be seen."""
        if callable(self._into):
            return None
        return leaf.grad if self._into is None else self._into.get(leaf)

    def _leave(self, leaf: Variable, gradient: np.ndarray, owned: bool) -> None:
        held = self.gradient_of(leaf)
        if held is not None:
            np.add(held, gradient, out=held)
            return
        gradient = gradient if owned else gradient.copy()
        if callable(self._into):
            self._into(leaf, gradient)
        elif self._into is None:
            leaf.grad = gradient
        else:
            self._into[leaf] = gradient


def unbroadcast(cotangent: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum `cotangent` over the axes along which an operand of `shape` was broadcast.

    Raises
    ------
    ValueError
        If `shape` does not broadcast to that of `cotangent`.
    """
    axes = summed_axes(cotangent.shape, shape)
    if not axes:
        return cotangent
    if cotangent.dtype == FLOAT16:
        return unbroadcast(cotangent.astype(FLOAT32), shape).astype(FLOAT16)
    total: np.ndarray = np.add.reduce(cotangent, axes)
    return total if total.shape == shape != () else np.asarray(total).reshape(shape)


@lru_cache(maxsize=1 << 12)
def summed_axes(shape: tuple[int, ...], operand: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of a cotangent of `shape` that are summed away for an operand of another shape.

    Raises
    ------
    ValueError
        If the operand does not broadcast to it.
    """
    new = len(shape) - len(operand)
    if new < 0 or any(n not in (1, m) for n, m in zip(operand, shape[new:], strict=True)):
        raise ValueError(f"a cotangent of shape {shape} for an operand of {operand}")
    stretched = (new + i for i, n in enumerate(operand) if n != shape[new + i])
    return (*range(new), *stretched)
