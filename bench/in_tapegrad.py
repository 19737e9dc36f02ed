"""tapegrad's side of the benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.configurations import Configuration
from train.allocator import keep_freed_memory
from train.optim import AdamW, clipping
from train.workers import Workers

BETAS, WEIGHT_DECAY, RATE, MAX_NORM = (0.9, 0.95), 0.1, 1e-3, 1.0


def train_step(configuration: Configuration, workers: int) -> Callable[[], tuple[float, float]]:
    """Forward, backward, clipping and AdamW; each run gives the seconds and the loss."""
    keep_freed_memory()
    model = configuration.model()
    optimizer = AdamW(model.named_parameters(), *BETAS, WEIGHT_DECAY)
    inputs, targets = configuration.batch()
    pool = Workers(workers).__enter__()  # until the process ends

    def step() -> tuple[float, float]:
        began = time.perf_counter()
        loss, gradients = pool.gradients(model, inputs, targets, configuration.micro_batch)
        _, scale = clipping(gradients, MAX_NORM)
        optimizer.step(gradients, RATE, scale, pool.map)
        return time.perf_counter() - began, loss

    return step
