"""What passed on a tape, in portraits: results forward, cotangents and gradients back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tape.engine.record import Operands, Record
from tape.engine.variable import Variable
from tape.engine.walk import Step
from tape.engine.watcher import Watcher
from tape.watch.portrait import Portrait


class Trace(Watcher):
    """The portraits that a traced tape takes; it holds none of the arrays.

    Attributes
    ----------
    results : dict from int to Portrait
        Of every record, what it made.
    leaves : dict from Variable to Portrait
        Of every leaf, what it was when an op first read it.
    steps : dict from int to TracedStep
        Of every record that was walked, the cotangents.
    gradients : dict from Variable to Portrait
        Of every leaf that the walk reached, the gradient that it left there.
    """

    wants_steps = True

    def __init__(self) -> None:
        self.results: dict[int, Portrait] = {}
        self.leaves: dict[Variable, Portrait] = {}
        self.steps: dict[int, TracedStep] = {}
        self.gradients: dict[Variable, Portrait] = {}
        self._reached: dict[Variable, None] = {}

    def after_op(self, record: Record, operands: Operands, result: np.ndarray) -> None:
        self.results[record.number] = Portrait.of(result)
        for source in record.sources:
            if isinstance(source, Variable) and source not in self.leaves:
                self.leaves[source] = Portrait.of(source.data)

    def after_step(self, step: Step) -> None:
        self.steps[step.record.number] = TracedStep.of(step)
        for source, g in zip(step.record.sources, step.cotangents, strict=True):
            if isinstance(source, Variable) and g is not None:
                self._reached[source] = None

    def after_walk(self, gradient_of: Callable[[Variable], np.ndarray | None]) -> None:
        for leaf in self._reached:
            gradient = gradient_of(leaf)
            if gradient is not None:
                self.gradients[leaf] = Portrait.of(gradient)
        self._reached.clear()


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
        return cls(Portrait.of(step.cotangent), sent, tuple(step.shapes))
