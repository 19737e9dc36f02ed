"""Cotangents on their way back: summed where paths meet, in buffers that may be written to."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

import numpy as np

from tape.arrays import FLOAT16, sum_dtype
from tape.tensor import Tensor


class Cotangents:
    """The sum of the cotangents that have reached each source so far.

    A VJP may hand on the array it was given, or a view of it, so an array is written to only when
    it is known to be nobody else's: the engine's own sum, or one that a VJP made afresh. The sums
    of float16 are float32, as these have more digits; who takes one converts it.

    Parameters
    ----------
    may_write : bool
        Whether the latter may be written to, which saves memory; otherwise they stay as they are.
    into : mutable mapping from Tensor to ndarray, optional
        Where to sum what reaches the leaves, as it arrives: it is then still in the processor's
        cache, and nobody else has to hold it.
    """

    def __init__(
        self, may_write: bool = True, into: MutableMapping[Tensor, np.ndarray] | None = None
    ) -> None:
        self._may_write = may_write
        self._into = into
        self._sums: dict[int | Tensor, np.ndarray] = {}
        self._owned: set[int | Tensor] = set()

    def add(self, source: int | Tensor, cotangent: np.ndarray, owned: bool) -> None:
        """Add what one more path carried to `source`; `owned` if it is nobody else's."""
        owned = owned and self._may_write
        if self._into is not None and isinstance(source, Tensor) and cotangent.dtype != FLOAT16:
            if source in self._into:
                self._into[source] += cotangent
            else:
                self._into[source] = cotangent if owned else cotangent.copy()
            return
        held = self._sums.get(source)
        if held is None:
            self._sums[source] = cotangent
        elif cotangent.dtype == FLOAT16:
            self._sums[source] = np.add(held, cotangent, dtype=np.float32)
        elif source in self._owned:
            np.add(held, cotangent, out=held)
        elif owned:
            self._sums[source] = np.add(held, cotangent, out=cotangent)
        else:
            self._sums[source] = np.add(held, cotangent, out=np.empty_like(held))
        if owned or held is not None:
            self._owned.add(source)

    def pop(self, source: int | Tensor) -> np.ndarray | None:
        """Take the sum at `source`, None where nothing has arrived."""
        self._owned.discard(source)
        return self._sums.pop(source, None)

    def owned_items(self) -> Iterator[tuple[Tensor, np.ndarray]]:
        """What has reached the leaves and was not summed elsewhere, in memory of its own."""
        for source, held in self._sums.items():
            yield source, held if source in self._owned else held.copy()


def unbroadcast(cotangent: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum `cotangent` over the axes along which an operand of `shape` was broadcast.

    Raises
    ------
    ValueError
        If `shape` does not broadcast to that of `cotangent`.
    """
    if cotangent.shape == shape:
        return cotangent
    new = cotangent.ndim - len(shape)
    if new < 0 or any(n not in (1, m) for n, m in zip(shape, cotangent.shape[new:], strict=True)):
        raise ValueError(f"a cotangent of shape {cotangent.shape} for an operand of {shape}")
    total = cotangent.sum(summed_axes(cotangent.shape, shape), dtype=sum_dtype(cotangent.dtype))
    return np.asarray(total, cotangent.dtype).reshape(shape)


def summed_axes(shape: tuple[int, ...], operand: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of a cotangent of `shape` that are summed away for an operand of another shape."""
    new = len(shape) - len(operand)
    stretched = (new + i for i, n in enumerate(operand) if n != shape[new + i])
    return (*range(new), *stretched)
