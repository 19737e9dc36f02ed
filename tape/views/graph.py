"""A tape described in plain data: what the pictures, the tables and the page are made from."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from types import CodeType
from typing import Any, Literal

import numpy as np

from tape.engine.cotangents import summed_axes
from tape.engine.record import Record
from tape.engine.recording import Recording
from tape.engine.variable import Variable
from tape.views.explain import source_of_rule
from tape.views.formula import Formula, name_operands
from tape.watch import watcher_of
from tape.watch.clock import Clock
from tape.watch.guard import Guard
from tape.watch.portrait import Portrait
from tape.watch.trace import Trace

VERSION = 2

Role = Literal["parameter", "input", "activation", "loss"]
Shape = tuple[int, ...]
RuleKey = tuple[str, CodeType | None]


@dataclass(frozen=True, slots=True)
class TensorNode:
    """A leaf, or what an op made; nothing on a tape is written to twice, so it has one version.

    Attributes
    ----------
    number : int
        Leaves are numbered as they are first read, results as they are made: what an op reads has
        a lower number than what it makes.
    role : str
        "parameter" (a leaf that wants a gradient), "input" (one that wants none), "activation",
        or "loss": where the walk back began, or would.
    name : str
        "" if it has none.
    shape, dtype, bytes
    made_by : int or None
        The op that made it.
    portrait, gradient : Portrait or None
        Of its elements, and of the whole cotangent that reached it; of a leaf, of the gradient
        that the walk left there. From a traced tape only.
    """

    number: int
    role: Role
    name: str
    shape: Shape
    dtype: str
    bytes: int
    made_by: int | None
    portrait: Portrait | None
    gradient: Portrait | None


@dataclass(frozen=True, slots=True)
class Operand:
    """A place of an op's signature, as one call filled it.

    Attributes
    ----------
    name : str
    tensor : int or None
        What was read, None if the operand was left out.
    wanted : bool
        Whether a gradient flows back to it.
    cotangent : Portrait or None
        Of what the VJP sent back to it; from a traced tape only.
    cotangent_shape : tuple of int or None
        The shape in which the VJP sent it, before the engine summed axes away.
    summed : tuple of int
        The axes of that shape which were summed away, as broadcasting had stretched the operand.
    """

    name: str
    tensor: int | None
    wanted: bool
    cotangent: Portrait | None
    cotangent_shape: Shape | None
    summed: Shape


@dataclass(frozen=True, slots=True)
class SavedArray:
    """What an op saved for its VJP: "operand 0 (w)", "result" or "own"."""

    what: str
    shape: Shape
    dtype: str


@dataclass(frozen=True, slots=True)
class OpNode:
    """An op as it ran.

    Attributes
    ----------
    number : int
        Its place on the tape.
    name, scope, line : str
        The op, the part of the model, and the user's line that called it, "file:line".
    operands : tuple of Operand
    output : int
        The tensor that it made.
    rule : int
        Which of the graph's rules carries its cotangent back.
    flops : int
    walked : bool
        Whether the walk back came through it.
    milliseconds, back_milliseconds : float or None
        What the op took, and its VJP once it was walked; from a timed tape only.
    saved : tuple of SavedArray
    saved_bytes : int
        Memory held for this op's VJP and none before it, leaves left out.
    """

    number: int
    name: str
    scope: str
    line: str
    operands: tuple[Operand, ...]
    output: int
    rule: int
    flops: int
    walked: bool
    milliseconds: float | None
    back_milliseconds: float | None
    saved: tuple[SavedArray, ...]
    saved_bytes: int

    @property
    def inputs(self) -> Iterator[int]:
        """The tensors that it read, one that it read twice twice."""
        return (x.tensor for x in self.operands if x.tensor is not None)


@dataclass(frozen=True, slots=True)
class Rule:
    """How ops of one kind carry a cotangent back.

    Attributes
    ----------
    op : str
    formula, back : str
        What the op computes, and what its VJP does.
    source : str
        The VJP in Python.
    """

    op: str
    formula: str
    back: str
    source: str


@dataclass(frozen=True, slots=True)
class Graph:
    """What a tape did, forward and back.

    Every op reads tensors of lower numbers than the one it makes, so that all edges lead forward.
    The fields are the keys of the JSON form. What ops saved is known if the tape `watched` it.
    """

    version: int
    watched: bool
    tensors: tuple[TensorNode, ...]
    ops: tuple[OpNode, ...]
    rules: tuple[Rule, ...]

    def as_json(self) -> dict[str, Any]:
        """Dicts, tuples, strings and numbers, as `json` writes them."""
        return {name: _plain(value) for name, value in fields_of(self).items()}


def fields_of(node: Any) -> dict[str, Any]:
    """The fields of a node of a graph by name, as they are."""
    names, values = _getter(node.__class__)
    return dict(zip(names, values(node), strict=True))


@cache
def _getter(kind: type[Any]) -> tuple[tuple[str, ...], attrgetter[Any]]:
    return kind.__slots__, attrgetter(*kind.__slots__)


def _plain(value: Any) -> Any:
    """Nodes as dicts, also within tuples."""
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if hasattr(value, "__slots__"):
        return {name: _plain(each) for name, each in fields_of(value).items()}
    return value


def describe(tape: Recording) -> Graph:
    """The graph of a tape, before the walk back or after it.

    The same tape gives the same graph.
    """
    numbers: dict[int | Variable, int] = {}
    kinds: dict[RuleKey, Record] = {}
    for record in tape.records:
        for source in (*record.sources, record.number):
            if source is not None:
                numbers.setdefault(source, len(numbers))
        kinds.setdefault((record.op.name, record.rule), record)
    describer = _Describer(tape, numbers, {kind: i for i, kind in enumerate(kinds)})
    return Graph(
        version=VERSION,
        watched=describer.guard is not None,
        tensors=tuple(map(describer.tensor, numbers)),
        ops=tuple(map(describer.op, tape.records)),
        rules=tuple(map(_rule, kinds.values())),
    )


class _Describer:
    """Makes the nodes of a graph, from a tape and what its watchers found."""

    def __init__(
        self,
        tape: Recording,
        numbers: Mapping[int | Variable, int],
        rules: Mapping[RuleKey, int],
    ) -> None:
        self.tape, self.numbers, self.rules = tape, numbers, rules
        self.guard = watcher_of(tape, Guard)
        self.clock = watcher_of(tape, Clock) or Clock()
        self.trace = watcher_of(tape, Trace) or Trace()
        self.loss = _loss(tape.records)

    def tensor(self, source: int | Variable) -> TensorNode:
        value = self.tape.records[source] if isinstance(source, int) else source
        role: Role
        if isinstance(source, Variable):
            role = "parameter" if source.requires_grad else "input"
            portrait = self.trace.leaves.get(source)
            gradient = self.trace.gradients.get(source)
        else:
            role = "loss" if source == self.loss else "activation"
            step = self.trace.steps.get(source)
            portrait = self.trace.results.get(source)
            gradient = step.cotangent if step else None
        return TensorNode(
            number=self.numbers[source],
            role=role,
            name=(source.name or "") if isinstance(source, Variable) else "",
            shape=value.shape,
            dtype=_name(value.dtype),
            bytes=math.prod(value.shape) * value.dtype.itemsize,
            made_by=source if isinstance(source, int) else None,
            portrait=portrait,
            gradient=gradient,
        )

    def op(self, record: Record) -> OpNode:
        number = record.number
        saved = self.guard.saved[number] if self.guard else []
        names = name_operands(record.op, len(record.sources))
        return OpNode(
            number=number,
            name=record.op.name,
            scope=record.scope,
            line=_from_here(record.line),
            operands=tuple(self._operand(record, i, name) for i, name in enumerate(names)),
            output=self.numbers[number],
            rule=self.rules[record.op.name, record.rule],
            flops=record.flops,
            walked=record.walked,
            milliseconds=_milliseconds(self.clock.forward, number),
            back_milliseconds=_milliseconds(self.clock.back, number),
            saved=tuple(SavedArray(x.what, x.shape, _name(x.dtype)) for x in saved),
            saved_bytes=self.guard.saved_bytes[number] if self.guard else 0,
        )

    def _operand(self, record: Record, i: int, name: str) -> Operand:
        source, step = record.sources[i], self.trace.steps.get(record.number)
        value = self.tape.source(source)
        shape = step.shapes[i] if step else None
        return Operand(
            name=name,
            tensor=None if source is None else self.numbers[source],
            wanted=value is not None and value.requires_grad,
            cotangent=step.cotangents[i] if step else None,
            cotangent_shape=shape,
            summed=() if value is None or shape is None else summed_axes(shape, value.shape),
        )


@cache
def _name(dtype: np.dtype[Any]) -> str:
    return str(dtype)


def _milliseconds(seconds: Mapping[int, float], number: int) -> float | None:
    return seconds[number] * 1e3 if number in seconds else None


def _loss(records: Sequence[Record]) -> int | None:
    """Where the walk back began; where it would, if the last result is a number."""
    walked = [record.number for record in records if record.walked]
    last = [record.number for record in records[-1:] if record.requires_grad and not record.shape]
    return max(walked or last, default=None)


def _rule(record: Record) -> Rule:
    formula = Formula.of(record.op)
    return Rule(record.op.name, formula.forward, formula.back, source_of_rule(record))


def _from_here(line: str) -> str:
    """ "file:line", the file from the working directory if it lies below."""
    return line.removeprefix(f"{os.getcwd()}{os.sep}")
