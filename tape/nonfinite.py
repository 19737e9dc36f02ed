"""The first NaN or infinity on a tape: where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tape.explain import operand_names, value_of
from tape.place import describe_place
from tape.portrait import Portrait
from tape.record import Record
from tape.tensor import Tensor
from tape.words import table

if TYPE_CHECKING:
    from tape.tape import Tape


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


def first_nonfinite_result(tape: Tape) -> NonFinite | None:
    """The first record, in the order of the ops, whose result holds a NaN or an infinity."""
    for record in tape.records:
        if not np.isfinite(record.result).all():
            values = {
                name: value_of(tape, source)
                for name, source in zip(operand_names(record), record.sources, strict=True)
                if source is not None
            }
            return NonFinite(record, False, values | {"result": record.result})
    return None


def first_nonfinite_cotangent(tape: Tape, output: Tensor, cotangent: Any) -> NonFinite | None:
    """The first record on the walk back that sends on a NaN or an infinity."""
    for step in tape.backward_steps(output, cotangent, into={}, keep=True):
        sent = {
            f"cotangent of {name}": g
            for name, g in zip(operand_names(step.record), step.cotangents, strict=True)
            if g is not None
        }
        arrays = {"cotangent of result": step.cotangent} | sent
        if not all(np.isfinite(g).all() for g in arrays.values()):
            return NonFinite(step.record, True, arrays)
    return None
