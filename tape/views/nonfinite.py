"""The first NaN or infinity on a tape: where it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tape.engine.place import describe_place
from tape.engine.record import Record, Source
from tape.engine.recording import Recording
from tape.engine.variable import Variable
from tape.views.explain import value_of
from tape.views.formula import name_operands
from tape.views.words import table
from tape.watch.portrait import Portrait
from tape.watch.results import Results


@dataclass(frozen=True)
class NonFinite:
    """The first op whose result, or the cotangents it sends back, are not all finite.

    Attributes
    ----------
    record : Record
        Of the op: its name, scope and line.
    backward : bool
        Whether it happened on the walk back.
    arrays : dict from str to ndarray
        What went in and what came out, by name.
    """

    record: Record
    backward: bool
    arrays: dict[str, np.ndarray]

    def __str__(self) -> str:
        place = describe_place(self.record.line, self.record.scope)
        op = f"the VJP of {self.record.op.name}" if self.backward else self.record.op.name
        rows = [
            [f"  {name}", f"{x.dtype}{x.shape}", str(Portrait.of(x))]
            for name, x in self.arrays.items()
        ]
        return f"{op} (#{self.record.number}), {place}\n{table(rows, '<<<')}"


def first_nonfinite_result(tape: Recording, results: Results) -> NonFinite | None:
    """The first record, in the order of the ops, whose result holds a NaN or an infinity."""
    for record, result in zip(tape.records, results.arrays, strict=True):
        if not np.isfinite(result).all():
            read = {name: value_of(results, source) for name, source in _operands(record)}
            arrays = {name: array for name, array in read.items() if array is not None}
            return NonFinite(record, False, arrays | {"result": result})
    return None


def first_nonfinite_cotangent(
    tape: Recording, output: Variable, cotangent: Any
) -> NonFinite | None:
    """The first record on the walk back that sends on a NaN or an infinity."""
    for step in tape.backward_steps(output, cotangent, into={}, keep=True):
        sent = {
            f"cotangent of {name}": g
            for (name, _), g in zip(_operands(step.record), step.cotangents, strict=True)
            if g is not None
        }
        arrays = {"cotangent of result": step.cotangent} | sent
        if not all(np.isfinite(g).all() for g in arrays.values()):
            return NonFinite(step.record, True, arrays)
    return None


def _operands(record: Record) -> Iterator[tuple[str, Source]]:
    return zip(name_operands(record.op, len(record.sources)), record.sources, strict=True)
