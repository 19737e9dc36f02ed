"""What a tape knows of one record or leaf, in words."""

from __future__ import annotations

import inspect
from textwrap import dedent, indent
from typing import TYPE_CHECKING

import numpy as np

from tape.formula import Formula
from tape.portrait import Portrait
from tape.record import Record, Source
from tape.tensor import Tensor
from tape.words import amount, printable, table

if TYPE_CHECKING:
    from tape.tape import Tape


def explain_leaf(leaf: Tensor) -> str:
    """What is known of a tensor that no op made: its values, and its gradient if it has one."""
    name = printable(leaf.name or "leaf")
    role = "wants a gradient" if leaf.requires_grad else "wants no gradient"
    rows = [_row("values", "", leaf, leaf.data)]
    if leaf.grad is not None:
        rows.append(_row("gradient", "", leaf, leaf.grad))
    return f"{name}: no op on this tape made it; it {role}\n\n{table(rows, '<<<<')}"


def explain_record(tape: Tape, record: Record, result: np.ndarray | None) -> str:
    """Op, formula, line, operands, result, what was saved, what it cost and the rule's source."""
    operands = [
        _row(name, _origin(tape, source), tape.source(source), value_of(tape, source))
        for name, source in zip(operand_names(record), record.sources, strict=True)
    ]
    rows = [*operands, _row("result", "", record, result)]
    paragraphs = [
        f"{record}\ncalled at {record.line}",
        indent(Formula.of(record.op).whole, "    "),
        table(rows, "<<<<"),
        f"saved for the VJP: {_saved(tape, record)}\n"
        f"matrix products: {amount(record.flops, 'FLOP')}\n"
        f"forward: {record.seconds * 1e3:.3g} ms{_back(record)}",
        "VJP:\n\n" + indent(source_of_rule(record), "    "),
    ]
    if not tape.keep_results:
        paragraphs.append("Tape(keep_results=True) shows the values of all operands.")
    return "\n\n".join(paragraphs)


def operand_names(record: Record) -> list[str]:
    """What the op's signature calls its operands; those of a sequence are numbered."""
    return record.op.name_operands(len(record.sources))


def value_of(tape: Tape, source: Source) -> np.ndarray | None:
    """The array that an operand was, None where it is not held."""
    if isinstance(source, int):
        return tape.records[source].result
    return source if source is None else source.data


def _row(name: str, origin: str, kind: Record | Tensor | None, value: np.ndarray | None):
    shape = "no array" if kind is None else f"{kind.dtype}{kind.shape}"
    return [name, origin, shape, "" if value is None else str(Portrait.of(value))]


def _origin(tape: Tape, source: Source) -> str:
    if isinstance(source, int):
        return f"#{source} {tape.records[source].op.name}"
    return "" if source is None else printable(source.name or "leaf")


def _saved(tape: Tape, record: Record) -> str:
    if not tape.guard:
        return "not watched (guard=False)"
    arrays = ", ".join(map(str, record.saved)) or "no array"
    gone = ", released" if record.requires_grad and record.vjp is None else ""
    memory = f"{amount(record.saved_bytes, 'B')} of" if record.saved_bytes else "no"
    return f"{arrays}; {memory} new memory{gone}"


def _back(record: Record) -> str:
    return "" if record.vjp_seconds is None else f", back: {record.vjp_seconds * 1e3:.3g} ms"


def source_of_rule(record: Record) -> str:
    """The Python source of a record's VJP, or that it is not at hand."""
    try:
        return dedent(inspect.getsource(record.rule)).rstrip()
    except (OSError, TypeError):  # defined in an interactive session, or no Python function
        return "its source is not at hand"
