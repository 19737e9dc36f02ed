"""The side of HIPS autograd in `bench.overhead`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import grad
from threadpoolctl import threadpool_limits

from bench.overhead_cases import Loss, timed


class Autograd:
    """The programs as functions that it differentiates."""

    tanh = staticmethod(anp.tanh)

    def sigmoid(self, x: Any) -> Any:
        return 0.5 * (anp.tanh(0.5 * x) + 1)

    def relu(self, x: Any) -> Any:
        return anp.maximum(x, 0)

    def constant(self, array: np.ndarray) -> np.ndarray:
        return array

    def step(self, loss: Loss, arrays: Sequence[np.ndarray]) -> Callable[[], list[np.ndarray]]:
        gradient = grad(lambda parameters: loss(*parameters))
        return lambda: gradient(list(arrays))


def cases() -> Callable[[], list[tuple[float, float]]]:
    """As `timed`, on one thread."""
    threadpool_limits(1)
    return timed(Autograd())
