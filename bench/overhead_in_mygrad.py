"""MyGrad's side of `bench.overhead`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mygrad
import numpy as np
from mygrad.nnet.activations import relu, sigmoid
from threadpoolctl import threadpool_limits

from bench.overhead_cases import Loss, timed


class MyGrad:
    """The programs on its graph."""

    tanh = staticmethod(mygrad.tanh)
    sigmoid = staticmethod(sigmoid)
    relu = staticmethod(relu)

    def constant(self, array: np.ndarray) -> mygrad.Tensor:
        return mygrad.tensor(array, constant=True)

    def step(self, loss: Loss, arrays: Sequence[np.ndarray]) -> Callable[[], list[np.ndarray]]:
        parameters = [mygrad.tensor(array) for array in arrays]

        def step() -> list[np.ndarray]:
            for parameter in parameters:
                parameter.null_grad()
            loss(*parameters).backward()
            return [parameter.grad for parameter in parameters]

        return step


def cases() -> Callable[[], list[tuple[float, float]]]:
    """As `timed`, on one thread."""
    threadpool_limits(1)
    return timed(MyGrad())
