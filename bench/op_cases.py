"""The ops that are timed one by one, on what they meet in configuration A, and how."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

import ops
from bench.configurations import CONFIGURATIONS
from tape import Op, Sample, integers, normal

REPEATS = 3
"""Times that each op runs in a turn, of which the median counts."""

A = CONFIGURATIONS["A"]
BATCH, TIME, WIDTH, HEADS, VOCAB = A.micro_batch, A.context, A.d_model, A.n_heads, A.vocab_size

X = normal(BATCH, TIME, WIDTH)
HIDDEN = normal(BATCH, TIME, 4 * WIDTH)
PER_HEAD = normal(BATCH, HEADS, TIME, WIDTH // HEADS)
SCALES = normal(WIDTH)
TABLE = normal(VOCAB, WIDTH, scale=0.1)


def _linear(x: Callable, d_in: int, d_out: int) -> tuple[Op, Sample]:
    return ops.linear, Sample(x, normal(d_out, d_in), normal(d_out))


CASES: tuple[tuple[Op, Sample], ...] = (
    _linear(X, WIDTH, 3 * WIDTH),  # queries, keys and values
    _linear(X, WIDTH, 4 * WIDTH),  # up
    _linear(HIDDEN, 4 * WIDTH, WIDTH),  # down
    (ops.causal_attention, Sample(normal(BATCH, TIME, 3 * WIDTH), n_heads=HEADS)),
    (ops.scaled_dot_product_attention, Sample(PER_HEAD, PER_HEAD, PER_HEAD, causal=True)),
    (ops.softmax, Sample(normal(BATCH, HEADS, TIME, TIME))),
    (ops.layernorm, Sample(X, SCALES, SCALES)),
    (ops.rmsnorm, Sample(X, SCALES)),
    (ops.gelu, Sample(HIDDEN, approximate="tanh")),
    (ops.swiglu, Sample(HIDDEN, HIDDEN)),
    (ops.add, Sample(X, X)),
    (ops.embedding, Sample(integers(0, VOCAB, BATCH, TIME), TABLE)),
    (ops.cross_entropy, Sample(normal(BATCH * TIME, VOCAB), integers(0, VOCAB, BATCH * TIME))),
    (ops.linear_cross_entropy, Sample(X, TABLE, integers(0, VOCAB, BATCH, TIME))),
    (ops.conv1d, Sample(normal(BATCH, WIDTH, TIME), normal(WIDTH, WIDTH, 3), padding=1)),
)
"""Each op with its operands and options."""


def drawn(op: Op, sample: Sample) -> tuple[list[np.ndarray], Callable[..., object]]:
    """What `Op.bind` makes of a case in float32, the same each time."""
    return op.bind(sample, np.random.default_rng(0), np.float32)


def cotangent(shape: tuple[int, ...]) -> np.ndarray:
    """Of a result of that shape, the same each time."""
    return np.random.default_rng(1).standard_normal(shape, np.float32)


def timed(steps: Sequence[Callable[[], list[np.ndarray]]]) -> Callable[[], list[list[float]]]:
    """Each run gives the seconds of each step, and the sum of its gradients' absolute values."""

    def run() -> list[list[float]]:
        return [_measured(step) for step in steps]

    return run


def _measured(step: Callable[[], list[np.ndarray]]) -> list[float]:
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        gradients = step()
        taken.append(time.perf_counter() - began)
    return [float(np.median(taken)), float(sum(np.abs(gradient).sum() for gradient in gradients))]
