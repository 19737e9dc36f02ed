"""Work on micro-batches shared among threads.

NumPy and BLAS release Python's lock, so threads that each run whole micro-batches, on tapes of
their own and with one BLAS thread each, keep all cores busy in every op; a threaded BLAS would
leave all but one idle in whatever is not a matrix product. A thread that finds no micro-batch left
helps the others on their way back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from threading import Semaphore
from typing import Self, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from models import Transformer, stream
from tape import Tape, Tensor
from train.sums import GradientSums

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """A pool of threads; a context manager, inside which BLAS has one thread.

    Parameters
    ----------
    n : int
        How many threads. Neither their number nor their timing changes a bit of the results.
    """

    def __init__(self, n: int) -> None:
        self.n = n

    def __enter__(self) -> Self:
        # A run that diverges is reported once, by its loss, not by warnings of every thread.
        self._threads = ThreadPoolExecutor(
            self.n, initializer=partial(np.seterr, over="ignore", invalid="ignore")
        )
        self._blas = threadpool_limits(1, "blas")
        return self

    def __exit__(self, *exception: object) -> None:
        self._threads.shutdown()
        self._blas.restore_original_limits()

    def map(self, fn: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """`fn` of every item, in order; raises what the first failing call raised."""
        return list(self._threads.map(fn, items))

    def gradients(
        self,
        model: Transformer,
        inputs: np.ndarray,
        targets: np.ndarray,
        micro_batch: int,
        seed: Sequence[int] = (0,),
    ) -> tuple[float, dict[Tensor, np.ndarray]]:
        """Mean loss over a batch and its gradients, the sum of those of its micro-batches.

        Parameters
        ----------
        inputs, targets : (batch, time) integers
        micro_batch : int
            Sequences taken at once; divides the batch.
        seed : sequence of int
            Of dropout, and the numbers of the batch; each micro-batch adds its own.

        Returns
        -------
        loss : float
            In nats per token.
        gradients : dict from parameter to ndarray
        """
        parts = micro_batches(inputs, targets, micro_batch, seed)
        n = len(parts)
        sums = GradientSums()
        finished = count(1)
        idle = Semaphore(max(0, self.n - n))

        def take(i: int) -> float:
            with Tape(guard=False) as tape:  # nothing here writes to what ops saved
                loss = model.loss(*parts[i])
            tape.backward(loss, 1 / n, into=sums.sink(i), mapper=partial(self._map_with_help, idle))
            if n - next(finished) < self.n:  # there are fewer to do than threads
                idle.release()
            return loss.item()

        losses = self.map(take, range(n))
        return sum(losses) / n, sums.total(model.parameters())

    def _map_with_help(
        self, idle: Semaphore, fn: Callable[[Item], Result], items: Sequence[Item]
    ) -> list[Result]:
        """`map` in this thread, but for items that one of the `idle` threads takes."""

        def help(item: Item) -> Result:
            try:
                return fn(item)
            finally:
                idle.release()

        helped = {
            i: self._threads.submit(help, items[i])
            for i in range(1, len(items))
            if idle.acquire(blocking=False)
        }
        own = {i: fn(items[i]) for i in range(len(items)) if i not in helped}
        return [own[i] if i in own else helped[i].result() for i in range(len(items))]


def micro_batches(
    inputs: np.ndarray, targets: np.ndarray, size: int, seed: Sequence[int]
) -> list[tuple[np.ndarray, np.ndarray, np.random.Generator]]:
    """A batch cut into pieces of `size` sequences, each with a generator of its own for dropout."""
    return [
        (
            inputs[start : start + size],
            targets[start : start + size],
            stream(seed[0], "dropout", *seed[1:], i),
        )
        for i, start in enumerate(range(0, len(inputs), size))
    ]
