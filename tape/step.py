"""One record on the walk back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tape.record import Record
from tape.tensor import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A record as it is walked.

    Attributes
    ----------
    record : Record
    cotangent : ndarray
        What came in: the sum over all uses of the record's result.
    cotangents : tuple of ndarray or None
        What goes out to each operand, None where no gradient is wanted. What several records send
        to one operand adds up.
    shapes : tuple of tuple of int or None
        Those that the VJP gave the latter, before broadcast axes were summed away.
    """

    record: Record
    cotangent: np.ndarray
    cotangents: tuple[np.ndarray | None, ...]
    shapes: tuple[tuple[int, ...] | None, ...]

    def __str__(self) -> str:
        out = ["None" if g is None else f"{np.linalg.norm(g):.3g}" for g in self.cotangents]
        came = f"{np.linalg.norm(self.cotangent):.3g}"
        return f"{self.record}; norm of cotangent: {came} in, {', '.join(out)} out"

    def arrivals(self) -> Iterator[tuple[int | Tensor, np.ndarray, bool]]:
        """Each source with what goes to it, and whether that is in memory of its own."""
        for source, array in zip(self.record.sources, self.cotangents, strict=True):
            if array is not None:
                sharers = sum(
                    other is array or (other is not None and other.base is array)
                    for other in self.cotangents
                )
                fresh = array.base is None and array is not self.cotangent and sharers == 1
                yield source, array, fresh
