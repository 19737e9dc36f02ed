"""The floor under a train step: the time of its matrix products alone, at sgemm's own speed."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from statistics import mean, median

import numpy as np

from bench.configurations import Configuration
from train.workers import Workers

REPEATS = 3
SECONDS = 0.01
"""A shape is timed this often at least, and for this long at least."""

Shape = tuple[int, int, int]


def matrix_products(configuration: Configuration) -> dict[Shape, float]:
    """How often a train step multiplies an (m, k) by a (k, n) matrix, for each (m, k, n).

    Attention counts the causal half of its products, as a fraction of whole ones.
    """
    vocab_size, length, d_model, n_layers, n_heads = configuration.shape
    linears = (
        (d_model, 3 * d_model, n_layers),  # queries, keys and values
        (d_model, d_model, n_layers),  # out of attention
        (d_model, 4 * d_model, n_layers),  # up
        (4 * d_model, d_model, n_layers),  # down
        (d_model, vocab_size, 1),  # head
    )
    rows = configuration.micro_batch * length
    micro_batches = configuration.batch_size // configuration.micro_batch
    products: dict[Shape, float] = defaultdict(float)
    for d_in, d_out, count in linears:
        products[rows, d_in, d_out] += count * micro_batches  # y
        products[rows, d_out, d_in] += count * micro_batches  # dx
        products[d_out, rows, d_in] += count * micro_batches  # dweight
    d_head = d_model // n_heads
    heads = configuration.batch_size * n_layers * n_heads
    causal = (length + 1) / (2 * length)
    products[length, d_head, length] += 2 * heads * causal  # q k^T and dP
    products[length, length, d_head] += 4 * heads * causal  # P v, dv, dq and dk
    return products


def train_step(configuration: Configuration, workers: int) -> Callable[[], float]:
    """Each run gives the seconds that the matrix products of a step take on all workers."""
    products = matrix_products(configuration)
    rng = np.random.default_rng(0)
    operands = [
        [
            [rng.standard_normal(size, np.float32) for size in ((m, k), (k, n), (m, n))]
            for m, k, n in products
        ]
        for _ in range(workers)
    ]

    def alone(arrays: list[list[np.ndarray]]) -> float:
        """Seconds for all products of a step on one worker."""
        return sum(
            count * _seconds(*abc) for count, abc in zip(products.values(), arrays, strict=True)
        )

    def step() -> float:
        with Workers(workers) as pool:
            return mean(pool.map(alone, operands)) / workers

    return step


def _seconds(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> float:
    taken: list[float] = []
    while len(taken) < REPEATS or sum(taken) < SECONDS:
        began = time.perf_counter()
        np.matmul(a, b, out=out)
        taken.append(time.perf_counter() - began)
    return median(taken)
