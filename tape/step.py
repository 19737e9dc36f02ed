"""One record on the walk back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tape.record import Record
from tape.tensor import Tensor

_tuple = (object(),)
IN_A_TUPLE_ONLY = sys.getrefcount(_tuple[0])
"""What `getrefcount` says of an object that nothing but a tuple refers to."""


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
        """Yield (source, cotangent, fresh) for each operand that gets one; fresh: none else has it.

        A VJP may hand out an array that it keeps, or that somebody else holds, so what counts is
        that nothing but this step refers to the array.
        """
        for i, source in enumerate(self.record.sources):
            if self.cotangents[i] is not None:
                fresh = (
                    self.cotangents[i].base is None
                    and sys.getrefcount(self.cotangents[i]) == IN_A_TUPLE_ONLY
                )
                yield source, self.cotangents[i], fresh
