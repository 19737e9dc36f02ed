"""Sums over micro-batches that come to the same bits in whatever order these are done."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from threading import Lock
from typing import cast

import numpy as np

from tape import Tensor
from tape.engine.variable import Variable


class GradientSums:
    """Gradients that threads send from micro-batches, summed in the order of the micro-batches.

    A parameter that is used several times gets several gradients from each micro-batch: the first
    ones make a sum, the second ones another, and `total` adds these.
    """

    def __init__(self) -> None:
        self._sums: dict[Variable, list[OrderedSum]] = defaultdict(list)
        self._lock = Lock()

    def sink(self, micro_batch: int) -> Callable[[Variable, np.ndarray], None]:
        """What a walk back along the tape of a micro-batch hands its gradients to, one by one."""
        uses: Counter[Variable] = Counter()

        def add(parameter: Variable, gradient: np.ndarray) -> None:
            self.add(parameter, uses[parameter], micro_batch, gradient)
            uses[parameter] += 1

        return add

    def add(self, parameter: Variable, use: int, micro_batch: int, gradient: np.ndarray) -> None:
        """Take over what a micro-batch sends for a use of a parameter; uses come in order."""
        with self._lock:
            of_uses = self._sums[parameter]
            if use == len(of_uses):
                of_uses.append(OrderedSum())
        of_uses[use].add(micro_batch, gradient)

    def total(self, parameters: Iterable[Tensor]) -> dict[Tensor, np.ndarray]:
        """The gradients of those of `parameters` that got any; to be called once."""
        gradients = {}
        for parameter in parameters:
            if parameter in self._sums:
                gradient, *others = [of_use.finish() for of_use in self._sums.pop(parameter)]
                for other in others:
                    gradient += other
                gradients[parameter] = gradient
        return gradients


class OrderedSum:
    """The sum of numbered arrays in the order of their numbers, which begin at 0.

    An array that comes before its turn waits; whoever adds the one before it adds it as well, so
    that no thread has to wait for another.
    """

    def __init__(self) -> None:
        self._sum: np.ndarray | None = None
        self._waiting: dict[int, np.ndarray] = {}
        self._next = 0
        self._someone_adds = False
        self._lock = Lock()

    def add(self, number: int, array: np.ndarray) -> None:
        """Add an array, which may be written to."""
        with self._lock:
            self._waiting[number] = array
            if self._someone_adds:
                return
            self._someone_adds = True
        while (due := self._take_next()) is not None:
            self._include(due)

    def finish(self) -> np.ndarray:
        """The sum of all arrays, also of those after a number that never came."""
        for number in sorted(self._waiting):
            self._include(self._waiting.pop(number))
        return cast(np.ndarray, self._sum)

    def _take_next(self) -> np.ndarray | None:
        with self._lock:
            due = self._waiting.pop(self._next, None)
            self._someone_adds = due is not None
            self._next += self._someone_adds
            return due

    def _include(self, array: np.ndarray) -> None:
        if self._sum is None:
            self._sum = array
        else:
            self._sum += array
