"""How memory rises on the way forward and falls on the way back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tape.views.graph import Graph


@dataclass(frozen=True, slots=True)
class Moment:
    """What is held right after a step, in bytes.

    Attributes
    ----------
    op : int
        The op that ran, or through which the walk came.
    back : bool
        Which of the two.
    parameters, inputs : int
        The leaves, by role; they are held throughout.
    saved : int
        For VJPs that are still to come, leaves left out. What several ops saved is counted once.
    cotangents : int
        On their way: of each tensor, from the first reader that the walk came through until its
        maker is walked.
    gradients : int
        Of the parameters that the walk has reached.
    """

    op: int
    back: bool
    parameters: int
    inputs: int
    saved: int = 0
    cotangents: int = 0
    gradients: int = 0


def timeline(graph: Graph) -> tuple[Moment, ...]:
    """A moment for every op in tape order, then one for every op that was walked, in reverse.

    It reckons with a walk that lets go of what it has used (`keep=False`). It does not count
    results that no VJP saved, which live as long as somebody holds them, nor what an op holds
    only while it runs; and a cotangent that is handed on as it came, as by an addition, counts
    for every tensor that it goes to, though they share its memory.
    """
    return tuple(_moments(graph))


def _moments(graph: Graph) -> Iterator[Moment]:
    parameters, inputs = (
        sum(tensor.bytes for tensor in graph.tensors if tensor.role == role)
        for role in ("parameter", "input")
    )
    saved = 0
    for op in graph.ops:
        saved += op.saved_bytes
        yield Moment(op.number, False, parameters, inputs, saved)
    reached: set[int] = set()  # tensors
    cotangents = gradients = 0
    for op in reversed(graph.ops):
        if not op.walked:
            continue
        saved -= op.saved_bytes
        if op.output in reached:
            cotangents -= graph.tensors[op.output].bytes
        wanted = {x.tensor for x in op.operands if x.wanted and x.tensor is not None}
        for tensor in (graph.tensors[number] for number in wanted - reached):
            if tensor.made_by is None:
                gradients += tensor.bytes
            else:
                cotangents += tensor.bytes
        reached |= wanted
        yield Moment(op.number, True, parameters, inputs, saved, cotangents, gradients)
