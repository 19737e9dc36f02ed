"""tapegrad's side of the benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

from bench.configurations import Configuration
from tape import Tensor
from train.allocator import keep_freed_memory
from train.optim import AdamW, clipping
from train.workers import Workers

BETAS, WEIGHT_DECAY, RATE, MAX_NORM = (0.9, 0.95), 0.1, 1e-3, 1.0


class Training:
    """A model in training, with what a step of it is made of.

    Attributes
    ----------
    model : Transformer
    batch : tuple of (batch, time) integers
        Inputs and targets.
    pool : Workers
        Open until the process ends.
    """

    def __init__(self, configuration: Configuration, workers: int) -> None:
        keep_freed_memory()
        self.model = configuration.model()
        self.batch = configuration.batch()
        self.pool = Workers(workers).__enter__()
        self._micro_batch = configuration.micro_batch
        self._optimizer = AdamW(self.model.named_parameters(), *BETAS, WEIGHT_DECAY)

    def gradients(self) -> tuple[float, dict[Tensor, np.ndarray]]:
        """The loss and its gradients."""
        return self.pool.gradients(self.model, *self.batch, self._micro_batch)

    def update(self, gradients: Mapping[Tensor, np.ndarray]) -> None:
        """Clipping and AdamW."""
        _, scale = clipping(gradients, MAX_NORM)
        self._optimizer.step(gradients, RATE, scale, self.pool.map)


def train_step(configuration: Configuration, workers: int) -> Callable[[], tuple[float, float]]:
    """Forward, backward, clipping and AdamW; each run gives the seconds and the loss."""
    training = Training(configuration, workers)

    def step() -> tuple[float, float]:
        began = time.perf_counter()
        loss, gradients = training.gradients()
        training.update(gradients)
        return time.perf_counter() - began, loss

    return step
