"""The walk back along a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from sys import getrefcount
from typing import TYPE_CHECKING, Any

import numpy as np

from tape.engine.cotangents import FLOAT16, FLOAT32, Cotangents, unbroadcast
from tape.engine.place import describe_place
from tape.engine.record import Record, describe_call

if TYPE_CHECKING:
    from tape.engine.recording import Recording

Mapper = Callable[[Callable[..., Any], Sequence[Callable[[], Any]]], Iterable[Any]] | None
"""Runs a function on each item of a list, as the builtin `map` does; None in this thread."""


@dataclass(slots=True, eq=False)
class Step:
    """A record as it is walked.

    Attributes
    ----------
    record : Record
    cotangent : ndarray
        What came in: the sum over all uses of the record's result.
    cotangents : list of ndarray or None
        What goes out to each operand, None where no gradient is wanted. What several records send
        to one operand adds up.
    shapes : list of tuple of int or None
        Those that the VJP gave the latter, before broadcast axes were summed away.
    """

    record: Record
    cotangent: np.ndarray
    cotangents: list[np.ndarray | None]
    shapes: list[tuple[int, ...] | None]

    def __str__(self) -> str:
        out = ["None" if g is None else f"{np.linalg.norm(g):.3g}" for g in self.cotangents]
        came = f"{np.linalg.norm(self.cotangent):.3g}"
        return f"{self.record}; norm of cotangent: {came} in, {', '.join(out)} out"


def walk(
    tape: Recording, start: Record, cotangents: Cotangents, keep: bool, mapper: Mapper = None
) -> Iterator[Step]:
    """Carry what has arrived at `start` back to the leaves; see `Recording.backward`.

    It yields its steps if `cotangents` are handed out.
    """
    try:
        for number in range(start.number, -1, -1):
            g = cotangents.sums.pop(number, None)
            if g is not None:
                record = tape.records[number]
                step = _pull_back(tape, record, g, cotangents, keep, mapper)
                if step is not None:
                    yield step
                del g, step  # the next rule may have the memory
    except (Exception, KeyboardInterrupt) as error:
        if not keep and tape.failure is None:
            tape.failure = f"{type(error).__name__}: {error}"
        raise
    tape.failure = None
    cotangents.leave()
    for watcher in tape.outwards:
        watcher.after_walk(cotangents.gradient_of)


def _references() -> tuple[int, int]:
    """What `getrefcount` says, in a loop as that below, of what nothing else refers to.

    Of an array that was just made, and of one that comes in a tuple.
    """
    for each, _ in zip((object(),), (0,)):  # noqa: B905
        in_tuple, each = getrefcount(each), object()
    return getrefcount(each), in_tuple


MADE, IN_TUPLE = _references()


def _pull_back(
    tape: Recording, record: Record, g: np.ndarray, sums: Cotangents, keep: bool, mapper: Mapper
) -> Step | None:
    """Call the rule of a record on g, add what comes out to the sums, and let go.

    A VJP may hand out an array that it keeps: it is written to only if nothing else refers to it.
    A rule of float16 computes in float32.
    """
    rule, sources, dtype = record.vjp, record.sources, record.dtype
    records, arrived = tape.records, sums.sums
    if rule is None:
        why = f"in a walk that ended in {tape.failure}; run the ops again"
        why = why if tape.failure else "pass keep=True to the walk before this one"
        raise RuntimeError(f"{record} has released what it saved: {why}")
    if g.dtype is not dtype:
        g = g.astype(dtype, copy=False)
    step = Step(record, g, [], []) if sums.handed_out else None
    for watcher in tape.watchers:
        watcher.before_vjp(record, g)
    try:
        found = rule(g if dtype is not FLOAT16 else g.astype(FLOAT32))
        if found.__class__ is not tuple:
            found = (found,)
        if len(found) != len(sources):
            raise ValueError(f"{len(found)} cotangents for {len(sources)} operands")
        if mapper is not None:
            found = _made(found, [tape.source(source) for source in sources], mapper)
        for raw, source in zip(found, sources):  # noqa: B905 - they are equally many
            operand: Any = records[source] if source.__class__ is int else source
            shape = None
            if raw is None or operand is None or not operand._requires_grad:
                raw = None
            else:
                references = IN_TUPLE
                if callable(raw):
                    raw, references = raw(), MADE
                if raw.__class__ is not np.ndarray:
                    raw = record.op.tensor(raw).data
                like, shape = operand if operand.__class__ is Record else operand.data, raw.shape
                if shape != like.shape or raw.dtype is not like.dtype:
                    raw, references = _fit(raw, record, like), MADE
                fresh = raw.base is None and getrefcount(raw) == references
                if source in arrived or source.__class__ is not int or step is not None:
                    sums.add(source, raw, fresh)
                else:
                    arrived[source] = raw
                    if fresh:
                        sums.owned.add(source)
            if step is not None:
                step.cotangents.append(raw)
                step.shapes.append(shape)
        record.walked = True
        if not keep:
            record.vjp = None
    except Exception as error:
        what = describe_call(record.op, [tape.source(source) for source in sources])
        error.add_note(f"in the VJP of {what}, {describe_place(record.line, record.scope)}")
        raise
    finally:
        for watcher in tape.outwards:
            watcher.after_vjp(record, g)
    if step is not None:
        for watcher in tape.outwards:
            watcher.after_step(step)
    return step


def _made(found: Any, operands: Sequence[Any], mapper: Callable[..., Any]) -> list[Any]:
    """`found` with what is left to functions made by the mapper, if it is wanted."""
    pairs = zip(found, operands, strict=True)
    wanted = [raw if x is not None and x.requires_grad else None for raw, x in pairs]
    made = iter(mapper(lambda make: make(), [raw for raw in wanted if callable(raw)]))
    return [next(made) if callable(raw) else raw for raw in wanted]


def _fit(cotangent: np.ndarray, record: Record, operand: Record | np.ndarray) -> np.ndarray:
    """A cotangent in the shape and dtype of its operand."""
    fitted = unbroadcast(cotangent, operand.shape)
    known = operand.dtype, record.dtype, FLOAT32 if record.dtype == FLOAT16 else record.dtype
    if fitted.dtype not in known:
        raise TypeError(f"a cotangent of {fitted.dtype} for an operand of {operand.dtype}")
    return fitted.astype(operand.dtype, copy=False)
