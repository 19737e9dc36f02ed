"""tapegrad's side of `bench.overhead`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

import ops
from bench.overhead_cases import PROGRAMS, Loss, floats, timed
from tape import Tape, Tensor

CALLS = 10_000


class Tapegrad:
    """The programs on a tape."""

    tanh, sigmoid, relu = ops.tanh, ops.sigmoid, ops.relu

    def __init__(self, guard: bool) -> None:
        self.guard = guard

    def constant(self, array: np.ndarray) -> Tensor:
        return Tensor(array)

    def step(self, loss: Loss, arrays: Sequence[np.ndarray]) -> Callable[[], list[np.ndarray]]:
        parameters = [Tensor(array, requires_grad=True) for array in arrays]

        def step() -> list[np.ndarray]:
            for parameter in parameters:
                parameter.grad = None
            with Tape(guard=self.guard) as tape:
                found = loss(*parameters)
            tape.backward(found)
            return [parameter.grad for parameter in parameters]

        return step


def cases(guard: bool) -> Callable[[], list[tuple[float, float]]]:
    """As `timed`, on one thread."""
    threadpool_limits(1)
    return timed(Tapegrad(guard))


def numbers_of_ops() -> list[int]:
    """How many records each program makes."""
    library = Tapegrad(guard=False)
    numbers = []
    for program in PROGRAMS:
        loss, arrays = program(library)
        with Tape(guard=False) as tape:
            loss(*(Tensor(array, requires_grad=True) for array in arrays))
        numbers.append(len(tape))
    return numbers


def adds() -> Callable[[], tuple[float, float]]:
    """Each run gives the seconds of a call of `ops.add` off the tape, and of `np.add`."""
    array = floats(8, 16)
    tensor = Tensor(array)

    def seconds(add: Callable[..., object], x: object) -> float:
        began = time.perf_counter()
        for _ in range(CALLS):
            add(x, x)
        return (time.perf_counter() - began) / CALLS

    return lambda: (seconds(ops.add, tensor), seconds(np.add, array))
