"""PyTorch's side of the benchmarks: the same model, as its users would run it."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from bench.configurations import Configuration
from bench.in_tapegrad import BETAS, MAX_NORM, RATE, WEIGHT_DECAY
from tests.torch_transformer import TorchTransformer


def twin(configuration: Configuration, threads: int) -> TorchTransformer:
    """The model of a configuration, with the same weights, on so many threads."""
    torch.set_num_threads(threads)
    state = configuration.model().state_dict()
    return TorchTransformer(*configuration.shape).load_arrays(state)


def train_step(
    configuration: Configuration, threads: int, micro_batch: int, compiled: bool = False
) -> Callable[[], tuple[float, float]]:
    """Forward, backward, clipping and fused AdamW; each run gives the seconds and the loss."""
    model = twin(configuration, threads)
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": WEIGHT_DECAY},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=RATE,
        betas=BETAS,
        fused=True,
    )
    inputs, targets = map(torch.from_numpy, configuration.batch())
    loss_of = torch.compile(model.loss) if compiled else model.loss
    share = micro_batch / configuration.batch_size

    def step() -> tuple[float, float]:
        began = time.perf_counter()
        total = 0.0
        for start in range(0, configuration.batch_size, micro_batch):
            part = slice(start, start + micro_batch)
            loss = loss_of(inputs[part], targets[part]) * share
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        optimizer.zero_grad()
        return time.perf_counter() - began, total

    return step
