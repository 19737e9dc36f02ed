"""PyTorch's side of `bench.overhead`, in eager mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from bench.overhead_cases import Loss, timed


class PyTorch:
    """The programs on its autograd."""

    tanh, sigmoid, relu = torch.tanh, torch.sigmoid, torch.relu

    def constant(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array)

    def step(self, loss: Loss, arrays: Sequence[np.ndarray]) -> Callable[[], list[np.ndarray]]:
        parameters = [torch.from_numpy(array.copy()).requires_grad_() for array in arrays]

        def step() -> list[np.ndarray]:
            for parameter in parameters:
                parameter.grad = None
            loss(*parameters).backward()
            return [parameter.grad.numpy() for parameter in parameters]

        return step


def cases() -> Callable[[], list[tuple[float, float]]]:
    """As `timed`, on one thread."""
    torch.set_num_threads(1)
    return timed(PyTorch())
