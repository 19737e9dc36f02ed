"""The ops that ran, written down in their order."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np

from tape.engine.cotangents import Cotangents, Into
from tape.engine.place import call_site, here
from tape.engine.record import VJP, Operands, Operation, Record, Source
from tape.engine.variable import Variable, new
from tape.engine.walk import Mapper, Step, walk
from tape.engine.watcher import Watcher


class Recording:
    """A flat list of records; ops that run inside `with` are added to it.

    Recordings are per thread and nest: the innermost one records, and what an outer one recorded
    is a leaf to it.

    Attributes
    ----------
    records : list of Record
    watchers, outwards : tuple of Watcher
        In the order in which they are told what is to come, and what was done.
    failure : str or None
        The error that ended the last walk, which had released what it passed.
    """

    def __init__(self, watchers: Sequence[Watcher] = ()) -> None:
        self.records: list[Record] = []
        self.watchers = tuple(watchers)
        self.outwards = self.watchers[::-1]
        self.in_steps = any([watcher.wants_steps for watcher in watchers])
        self.failure: str | None = None

    def __enter__(self) -> Self:
        here.recordings.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        stack = here.recordings  # a generator that is closed late is not the innermost
        del stack[-1 - stack[::-1].index(self)]

    def source(self, source: Source) -> Record | Variable | None:
        """The record or the leaf that an operand came from; both have a shape and a dtype."""
        return self.records[source] if isinstance(source, int) else source

    def record(
        self, op: Operation, operands: Operands, result: np.ndarray, vjp: VJP, flops: int
    ) -> Variable:
        """Write down that `op` made `result` of `operands`; it is returned as a variable.

        Raises
        ------
        TypeError
            If a gradient would have to go back through complex numbers.
        """
        wanted = False
        sources: list[Source] = []
        for x in operands:
            if x is not None and x._requires_grad:
                wanted = True
            sources.append(x.number if x is not None and x.tape is self else x)
        record = new(Record)
        record.dtype = dtype = result.dtype
        if wanted and dtype.kind != "f":
            if dtype.kind == "c":
                raise TypeError(f"no gradient goes through complex numbers, which {op.name} made")
            wanted = False
        record.op, record.sources, record.walked = op, tuple(sources), False
        record.shape, record.flops = result.shape, flops
        record.vjp, record.rule = vjp if wanted else None, getattr(vjp, "__code__", None)
        record.scope, record.call_site = here.scopes.path, call_site()
        output = new(op.tensor)
        output.data, output.tape, output.name, output.grad = result, self, None, None
        record._requires_grad = output._requires_grad = wanted
        record.number = output.number = len(self.records)
        self.records.append(record)
        for watcher in self.outwards:
            watcher.after_op(record, operands, result)
        return output

    def backward(
        self,
        output: Variable,
        cotangent: Any = None,
        *,
        into: Into = None,
        keep: bool = False,
        mapper: Mapper = None,
    ) -> None:
        """Walk the records in reverse and leave a gradient at every leaf that wants one.

        For each leaf x, the sum over elements of `cotangent` * d output / dx is added to `x.grad`.
        There, gradients appear only when the whole walk has succeeded.

        Parameters
        ----------
        output : Variable
            A result that was recorded here, usually the loss.
        cotangent : array_like, optional
            Of the shape of `output`; 1 if that is a scalar.
        into : mapping from Variable to ndarray, or callable, optional
            Where the gradients go instead of the leaves' `grad`, each as it arrives. In a mapping
            they are added to the array that is there, or put in as arrays of their own; a callable
            gets the leaf and an array of its own, which it sums. Threads that walk tapes of their
            own into sinks of their own may share parameters.
        keep : bool
            Keep what the records saved, for another walk.
        mapper : callable, optional
            Runs the parts of a VJP that make the cotangents of one operand each, as the builtin
            `map` runs a function on a list. They do not depend on each other, so threads may share
            them.

        Raises
        ------
        ValueError
            If `output` was not recorded here, it depends on nothing that wants a gradient, or
            `cotangent` is missing or has another shape.
        RuntimeError
            If an earlier walk without `keep=True` has released the records, or an array that an op
            saved has been changed since.
        """
        deque(
            walk(
                self, *self._start(output, cotangent, Cotangents(into, self.in_steps)), keep, mapper
            ),
            0,
        )

    def backward_steps(
        self, output: Variable, cotangent: Any = None, *, into: Into = None, keep: bool = False
    ) -> Iterator[Step]:
        """`backward`, one record at a time; what it hands out stays as it is handed out.

        Leaves get their `grad` when the last step has been taken; a walk that is left before
        leaves none.

        Yields
        ------
        Step
            A record, the cotangent that came in and those that go out to its operands.
        """
        return walk(self, *self._start(output, cotangent, Cotangents(into, True)), keep)

    def _start(
        self, output: Variable, cotangent: Any, cotangents: Cotangents
    ) -> tuple[Record, Cotangents]:
        """The record that a walk starts from, and what arrives there."""
        if output.tape is not self or output.number is None:
            raise ValueError(f"this tape did not record the output to walk back from: {output!r}")
        start = self.records[output.number]
        if not start._requires_grad:
            raise ValueError(f"{start} depends on no tensor with requires_grad=True")
        cotangents.add(start.number, self.first_cotangent(output.data, cotangent), owned=False)
        return start, cotangents

    def first_cotangent(self, output: np.ndarray, cotangent: Any) -> np.ndarray:
        """What a walk back from `output` starts with: an array like it, of ones for None."""
        return np.ones_like(output) if cotangent is None else cotangent
