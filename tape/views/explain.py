"""What a tape knows of one record or leaf, in words."""

from __future__ import annotations

import inspect
from textwrap import dedent, indent

import numpy as np

from tape.engine.record import Record, Source, printable
from tape.engine.recording import Recording
from tape.engine.variable import Variable
from tape.views.formula import Formula, name_operands
from tape.views.words import amount, table
from tape.watch import watcher_of
from tape.watch.clock import Clock
from tape.watch.guard import Guard
from tape.watch.portrait import Portrait
from tape.watch.results import Results


def explain_leaf(leaf: Variable) -> str:
    """What is known of a tensor that no op made: its values, and its gradient if it has one."""
    name = printable(leaf.name or "leaf")
    role = "wants a gradient" if leaf.requires_grad else "wants no gradient"
    rows = [_row("values", "", leaf, leaf.data)]
    if leaf.grad is not None:
        rows.append(_row("gradient", "", leaf, leaf.grad))
    return f"{name}: no op on this tape made it; it {role}\n\n{table(rows, '<<<<')}"


def explain_record(tape: Recording, record: Record, result: np.ndarray | None = None) -> str:
    """Op, formula, line, operands, result, what was saved, what it cost and the rule's source.

    `result` is what it made, if somebody holds it.
    """
    results = watcher_of(tape, Results)
    if result is None and results is not None:
        result = results.arrays[record.number]
    operands = [
        _row(name, _origin(tape, source), tape.source(source), value_of(results, source))
        for name, source in zip(
            name_operands(record.op, len(record.sources)), record.sources, strict=True
        )
    ]
    rows = [*operands, _row("result", "", record, result)]
    paragraphs = [
        f"{record}\ncalled at {record.line}",
        indent(Formula.of(record.op).whole, "    "),
        table(rows, "<<<<"),
        f"saved for the VJP: {_saved(watcher_of(tape, Guard), record)}\n"
        f"matrix products: {amount(record.flops, 'FLOP')}" + _time(watcher_of(tape, Clock), record),
        "VJP:\n\n" + indent(source_of_rule(record), "    "),
    ]
    if results is None:
        paragraphs.append("Tape(keep_results=True) shows the values of all operands.")
    return "\n\n".join(paragraphs)


def value_of(results: Results | None, source: Source) -> np.ndarray | None:
    """The array that an operand was, None where it is not held."""
    if isinstance(source, int):
        return results.arrays[source] if results is not None else None
    return source if source is None else source.data


def _row(
    name: str, origin: str, kind: Record | Variable | None, value: np.ndarray | None
) -> list[str]:
    shape = "no array" if kind is None else f"{kind.dtype}{kind.shape}"
    return [name, origin, shape, "" if value is None else str(Portrait.of(value))]


def _origin(tape: Recording, source: Source) -> str:
    if isinstance(source, int):
        return f"#{source} {tape.records[source].op.name}"
    return "" if source is None else printable(source.name or "leaf")


def _saved(guard: Guard | None, record: Record) -> str:
    if guard is None:
        return "not watched (guard=False)"
    arrays = ", ".join(map(str, guard.saved[record.number])) or "no array"
    gone = ", released" if record.requires_grad and record.vjp is None else ""
    new = guard.saved_bytes[record.number]
    memory = f"{amount(new, 'B')} of" if new else "no"
    return f"{arrays}; {memory} new memory{gone}"


def _time(clock: Clock | None, record: Record) -> str:
    if clock is None or record.number not in clock.forward:
        return ""
    back = clock.back.get(record.number)
    walked = "" if back is None else f", back: {back * 1e3:.3g} ms"
    return f"\nforward: {clock.forward[record.number] * 1e3:.3g} ms{walked}"


def source_of_rule(record: Record) -> str:
    """The Python source of a record's VJP, or that it is not at hand."""
    try:
        return dedent(inspect.getsource(record.rule)).rstrip()  # type: ignore[arg-type]
    except (OSError, TypeError):  # defined in an interactive session, or no Python function
        return "its source is not at hand"
