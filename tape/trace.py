"""What passed on a tape, in portraits: results forward, cotangents and gradients back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tape.portrait import Portrait
from tape.record import Record
from tape.step import Step
from tape.tensor import Tensor


class Trace:
    """The portraits that a traced tape takes; it holds none of the arrays.

    Attributes
    ----------
    results : dict from int to Portrait
        Of every record, what it made.
    leaves : dict from Tensor to Portrait
        Of every leaf, what it was when an op first read it.
    steps : dict from int to TracedStep
        Of every record that was walked, the cotangents.
    gradients : dict from Tensor to Portrait
        Of every leaf that the walk reached, the gradient that it left there.
    """

    def __init__(self) -> None:
        self.results: dict[int, Portrait] = {}
        self.leaves: dict[Tensor, Portrait] = {}
        self.steps: dict[int, TracedStep] = {}
        self.gradients: dict[Tensor, Portrait] = {}

    def ran(self, record: Record, result: np.ndarray) -> None:
        """Take in a record as it is made."""
        self.results[record.number] = Portrait.of(result)
        for source in record.sources:
            if isinstance(source, Tensor) and source not in self.leaves:
                self.leaves[source] = Portrait.of(source.data)

    def watch(
        self, steps: Iterator[Step], into: Mapping[Tensor, np.ndarray] | None
    ) -> Iterator[Step]:
        """The steps of a walk, taken in as they pass; `into` is where the walk sums gradients."""
        reached: dict[Tensor, None] = {}
        for step in steps:
            self.steps[step.record.number] = TracedStep.of(step)
            reached |= {x: None for x, *_ in step.arrivals() if isinstance(x, Tensor)}
            yield step
        for leaf in reached:
            self.gradients[leaf] = Portrait.of(leaf.grad if into is None else into[leaf])


@dataclass(frozen=True, slots=True)
class TracedStep:
    """A step of the walk back in portraits.

    Attributes
    ----------
    cotangent : Portrait
        Of what came in.
    cotangents : tuple of Portrait or None
        Of what went out to each operand.
    shapes : tuple of tuple of int or None
        As in `Step`.
    """

    cotangent: Portrait
    cotangents: tuple[Portrait | None, ...]
    shapes: tuple[tuple[int, ...] | None, ...]

    @classmethod
    def of(cls, step: Step) -> TracedStep:
        """The portraits of a step's arrays, as they are now."""
        sent = tuple(None if g is None else Portrait.of(g) for g in step.cotangents)
        return cls(Portrait.of(step.cotangent), sent, step.shapes)
