"""What VJPs hold for the walk back: found in their closures, weighed, and watched for changes."""

from __future__ import annotations

from functools import partial
from types import FunctionType
from typing import Any

import numpy as np
from xxhash import xxh3_64_intdigest

from tape.engine.record import Operands, Record
from tape.engine.variable import Variable
from tape.engine.watcher import Watcher

RESULT, OWN = -1, -2

PLAIN = frozenset((bool, int, float, str, type(None)))
"""What holds no array, and is most of what else a closure holds."""


class Saved:
    """An array that a record keeps for its VJP.

    Attributes
    ----------
    shape, dtype
        Those of the array.
    array : ndarray or None
        None once the record has been walked.
    fingerprint : int
        Of the array as it was saved.
    """

    __slots__ = ("_name", "_operand", "array", "dtype", "fingerprint", "shape")

    def __init__(self, array: np.ndarray, operand: int = OWN, name: str | None = None) -> None:
        self._operand, self._name = operand, name
        self.shape, self.dtype = array.shape, array.dtype
        self.array: np.ndarray | None = array
        self.fingerprint = fingerprint(array)

    @property
    def what(self) -> str:
        """ "operand 0 (w)", "result", or "own": made for the VJP alone, or an option."""
        if self._operand < 0:
            return "result" if self._operand == RESULT else "own"
        return f"operand {self._operand}" + (f" ({self._name})" if self._name else "")

    @property
    def changed(self) -> bool:
        """Whether somebody wrote to the array since it was saved."""
        return self.array is not None and fingerprint(self.array) != self.fingerprint

    def __str__(self) -> str:
        return f"{self.what} {self.dtype}{self.shape}"


class Guard(Watcher):
    """Tells if somebody changed an array that a VJP holds, and keeps VJPs from changing theirs.

    Attributes
    ----------
    saved : list of list of Saved
        What the VJP of each record holds, or held, by the records' numbers.
    saved_bytes : list of int
        Memory that is held for this VJP and for none before it, leaves left out.
    """

    def __init__(self) -> None:
        self.saved: list[list[Saved]] = []
        self.saved_bytes: list[int] = []
        self._weighed: set[int] = set()
        self._writeable = True

    def after_op(self, record: Record, operands: Operands, result: np.ndarray) -> None:
        saved: list[Saved] = []
        new, weighed = 0, self._weighed
        if record.vjp is not None:
            for source in record.sources:
                if source.__class__ is not int and source is not None:
                    weighed.add(id(owner(source.data)))  # type: ignore[union-attr]
            for array in arrays_in(record.vjp):
                saved.append(_identified(array, operands, result))
                whole = array if array.base is None else owner(array)
                if id(whole) not in weighed:
                    weighed.add(id(whole))
                    new += whole.nbytes
        self.saved.append(saved)
        self.saved_bytes.append(new)

    def before_vjp(self, record: Record, cotangent: np.ndarray) -> None:
        """Make sure that the VJP finds what it saved, and lock the cotangent.

        Raises
        ------
        RuntimeError
            If an array that the record saved has been changed.
        """
        for saved in self.saved[record.number]:
            if fingerprint(saved.array) != saved.fingerprint:
                raise RuntimeError(
                    f"{record} at {record.line} saved an array for the walk back, and it has been "
                    f"changed since: {saved}"
                )
        self._writeable = cotangent.flags.writeable
        cotangent.setflags(write=False)

    def after_vjp(self, record: Record, cotangent: np.ndarray) -> None:
        cotangent.setflags(write=self._writeable)
        if record.vjp is None:
            self._weighed.clear()  # what is freed may come again under the same identity
            for saved in self.saved[record.number]:
                saved.array = None


def arrays_in(value: Any) -> list[np.ndarray]:
    """The arrays that a function reaches through its closure and its defaults, each once.

    It looks into tensors, sequences and functions, not into other objects.
    """
    found: list[np.ndarray] = []
    _find(value, found, [])
    if len(found) < 2 or (len(found) == 2 and found[0] is not found[1]):
        return found
    return list({id(x): x for x in found}.values())


def _find(value: Any, found: list[np.ndarray], functions: list[FunctionType]) -> None:
    if isinstance(value, FunctionType):
        if value in functions:
            return
        functions.append(value)
        if value.__defaults__:
            _find(value.__defaults__, found, functions)
        for cell in value.__closure__ or ():
            try:
                held = cell.cell_contents
            except ValueError:  # a variable that was not assigned
                continue
            if held.__class__ is np.ndarray:
                found.append(held)
            elif held.__class__ not in PLAIN:
                _find(held, found, functions)
    elif isinstance(value, np.ndarray):
        found.append(value)
    elif isinstance(value, Variable):
        found.append(value.data)
    elif isinstance(value, list | tuple):
        for item in value:
            if item.__class__ not in PLAIN:
                _find(item, found, functions)
    elif isinstance(value, partial):
        _find((value.func, value.args, *value.keywords.values()), found, functions)


def _identified(array: np.ndarray, operands: Operands, result: np.ndarray) -> Saved:
    """An array as the operand or the result that it is, or looks into."""
    if array is result:
        return Saved(array, RESULT)
    for i, x in enumerate(operands):
        if x is not None and x.data is array:
            return Saved(array, i, x.name)
    whole = owner(array)
    if owner(result) is whole and np.shares_memory(array, result):
        return Saved(array, RESULT)
    for i, x in enumerate(operands):
        if x is not None and owner(x.data) is whole and np.shares_memory(array, x.data):
            return Saved(array, i, x.name)
    return Saved(array)


def owner(array: np.ndarray) -> np.ndarray:
    """The array whose memory `array` looks at: itself, unless it is a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def fingerprint(array: Any) -> int:
    """A hash of the bytes, at the speed of memory."""
    try:
        return xxh3_64_intdigest(array)
    except ValueError:  # it is not contiguous
        whole = owner(array)
        array = whole if whole.nbytes < array.nbytes else array  # one number, repeated
        return fingerprint(np.ascontiguousarray(array.T if array.flags.f_contiguous else array))
