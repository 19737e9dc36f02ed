"""What a VJP holds for the walk back: found in its closure, weighed, and watched for changes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np
import xxhash

from tape.tensor import Tensor


class Saved:
    """An array that a record keeps for its VJP.

    Attributes
    ----------
    what : str
        "operand 0 (w)", "result", or "own" for any other: made for the VJP alone, or an option.
    shape, dtype
        Those of the array.
    array : ndarray or None
        None once the record has been walked.
    """

    __slots__ = ("_fingerprint", "array", "dtype", "shape", "what")

    def __init__(self, what: str, array: np.ndarray) -> None:
        self.what = what
        self.shape, self.dtype = array.shape, array.dtype
        self.array: np.ndarray | None = array
        self._fingerprint = _fingerprint(array)

    @property
    def changed(self) -> bool:
        """Whether somebody wrote to the array since it was saved."""
        return self.array is not None and _fingerprint(self.array) != self._fingerprint

    def __str__(self) -> str:
        return f"{self.what} {self.dtype}{self.shape}"


def saved_by(
    vjp: Callable[..., Any], operands: Sequence[Tensor | None], result: np.ndarray
) -> list[Saved]:
    """What `vjp` holds, each array once; also for operands whose cotangents nobody will want."""
    known = [("result", result)]
    for i, x in enumerate(operands):
        if x is not None:
            known.append((f"operand {i}" + (f" ({x.name})" if x.name else ""), x.data))
    arrays = {id(x): x for x in arrays_in(vjp)}.values()
    return [Saved(_name(x, known), x) for x in arrays]


def arrays_in(value: Any) -> Iterator[np.ndarray]:
    """The arrays that a function reaches through its closure and its defaults.

    It looks into tensors, sequences and functions, not into other objects.
    """
    return _arrays_in(value, set())


def _arrays_in(value: Any, seen: set[int]) -> Iterator[np.ndarray]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, Tensor):
        yield value.data
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _arrays_in(item, seen)
    elif isinstance(value, partial):
        yield from _arrays_in((value.func, value.args, *value.keywords.values()), seen)
    elif isinstance(value, FunctionType) and id(value) not in seen:
        seen.add(id(value))
        yield from _arrays_in(value.__defaults__ or (), seen)
        for cell in value.__closure__ or ():
            try:
                held = cell.cell_contents
            except ValueError:  # a variable that was not assigned
                continue
            yield from _arrays_in(held, seen)


def _name(array: np.ndarray, known: Sequence[tuple[str, np.ndarray]]) -> str:
    """Which of the known arrays this is, or looks into."""
    for same in (operator.is_, np.shares_memory):
        for name, other in known:
            if same(array, other):
                return name
    return "own"


def owner(array: np.ndarray) -> np.ndarray:
    """The array whose memory `array` looks at: itself, unless it is a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _fingerprint(array: np.ndarray) -> int:
    """A hash of the bytes, at the speed of memory."""
    whole = owner(array)
    array = whole if whole.nbytes < array.nbytes else array  # one number, repeated
    straight = array.T if array.flags.f_contiguous else array
    return xxhash.xxh3_64_intdigest(np.ascontiguousarray(straight))
