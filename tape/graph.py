"""A tape described in plain data: what the pictures, the tables and the page are made from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, Literal

from tape.cotangents import summed_axes
from tape.explain import operand_names, source_of_rule
from tape.formula import Formula
from tape.portrait import Portrait
from tape.record import Record
from tape.tensor import Tensor
from tape.trace import Trace

if TYPE_CHECKING:
    from tape.tape import Tape

VERSION = 1

Role = Literal["parameter", "input", "activation", "loss"]
Shape = tuple[int, ...]


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
    milliseconds, back_milliseconds : float, float or None
        What the op took, and its VJP; None if it was not walked.
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
    milliseconds: float
    back_milliseconds: float | None
    saved: tuple[SavedArray, ...]
    saved_bytes: int

    @property
    def walked(self) -> bool:
        """Whether the walk back came through it."""
        return self.back_milliseconds is not None

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
        """Dicts, lists, strings and numbers, as `json` writes them."""
        return asdict(self)


def describe(tape: Tape) -> Graph:
    """The graph of a tape, before the walk back or after it.

    The same tape gives the same graph.
    """
    numbers: dict[int | Tensor, int] = {}
    kinds: dict[tuple[str, CodeType | None], Record] = {}
    for record in tape.records:
        for source in (*record.sources, record.number):
            if source is not None:
                numbers.setdefault(source, len(numbers))
        kinds.setdefault((record.op.name, record.rule), record)
    rules = {kind: i for i, kind in enumerate(kinds)}
    loss = _loss(tape.records)
    return Graph(
        version=VERSION,
        watched=tape.guard,
        tensors=tuple(_tensor(tape, source, number, loss) for source, number in numbers.items()),
        ops=tuple(_op(tape, record, numbers, rules) for record in tape.records),
        rules=tuple(map(_rule, kinds.values())),
    )


def _loss(records: Sequence[Record]) -> int | None:
    """Where the walk back began; where it would, if the last result is a number."""
    walked = [record.number for record in records if record.vjp_seconds is not None]
    last = [record.number for record in records[-1:] if record.requires_grad and not record.shape]
    return max(walked or last, default=None)


def _tensor(tape: Tape, source: int | Tensor, number: int, loss: int | None) -> TensorNode:
    trace = tape.trace or Trace()
    value = tape.source(source)
    if isinstance(source, Tensor):
        role = "parameter" if source.requires_grad else "input"
        portrait, gradient = trace.leaves.get(source), trace.gradients.get(source)
    else:
        role = "loss" if source == loss else "activation"
        step = trace.steps.get(source)
        portrait, gradient = trace.results.get(source), step and step.cotangent
    return TensorNode(
        number=number,
        role=role,
        name=(source.name or "") if isinstance(source, Tensor) else "",
        shape=value.shape,
        dtype=str(value.dtype),
        bytes=math.prod(value.shape) * value.dtype.itemsize,
        made_by=None if isinstance(source, Tensor) else source,
        portrait=portrait,
        gradient=gradient,
    )


def _op(
    tape: Tape,
    record: Record,
    numbers: Mapping[int | Tensor, int],
    rules: Mapping[tuple[str, CodeType | None], int],
) -> OpNode:
    step = tape.trace.steps.get(record.number) if tape.trace else None
    n = len(record.sources)
    sent = zip(step.cotangents, step.shapes, strict=True) if step else [(None, None)] * n
    return OpNode(
        number=record.number,
        name=record.op.name,
        scope=record.scope,
        line=_from_here(record.line),
        operands=tuple(
            _operand(name, tape.source(source), numbers.get(source), *back)
            for name, source, back in zip(operand_names(record), record.sources, sent, strict=True)
        ),
        output=numbers[record.number],
        rule=rules[record.op.name, record.rule],
        flops=record.flops,
        milliseconds=record.seconds * 1e3,
        back_milliseconds=None if record.vjp_seconds is None else record.vjp_seconds * 1e3,
        saved=tuple(SavedArray(x.what, x.shape, str(x.dtype)) for x in record.saved),
        saved_bytes=record.saved_bytes,
    )


def _operand(
    name: str,
    value: Record | Tensor | None,
    tensor: int | None,
    cotangent: Portrait | None,
    cotangent_shape: Shape | None,
) -> Operand:
    return Operand(
        name=name,
        tensor=tensor,
        wanted=value is not None and value.requires_grad,
        cotangent=cotangent,
        cotangent_shape=cotangent_shape,
        summed=summed_axes(cotangent_shape, value.shape) if cotangent_shape is not None else (),
    )


def _rule(record: Record) -> Rule:
    formula = Formula.of(record.op)
    return Rule(record.op.name, formula.forward, formula.back, source_of_rule(record))


def _from_here(line: str) -> str:
    """ "file:line", the file from the working directory if it lies below."""
    path, _, number = line.rpartition(":")
    file = Path(path)
    return f"{file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}:{number}"
