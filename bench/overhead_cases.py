"""Programs of many small ops, each written once for all libraries."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, Protocol

import numpy as np

Loss = Callable[..., Any]
"""From parameters to a scalar."""

REPEATS = 7
"""Times that each program runs in a turn, of which the median counts."""


class Library(Protocol):
    """What a program asks of a library; its tensors have operators, slices, `sum` and `mean`."""

    tanh: Callable[[Any], Any]
    sigmoid: Callable[[Any], Any]
    relu: Callable[[Any], Any]

    def constant(self, array: np.ndarray) -> Any:
        """A tensor that wants no gradient."""

    def step(self, loss: Loss, arrays: Sequence[np.ndarray]) -> Callable[[], list[np.ndarray]]:
        """What takes the loss of parameters and walks back, and returns their gradients."""


def floats(*shape: int, scale: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(sum(shape))
    return (scale * rng.standard_normal(shape)).astype(np.float32)


def chain(library: Library) -> tuple[Loss, list[np.ndarray]]:
    """200 times tanh(h w + b), h of shape (8, 16)."""
    x = library.constant(floats(8, 16))

    def loss(w: Any, b: Any) -> Any:
        h = x
        for _ in range(200):
            h = library.tanh(h @ w + b)
        return (h * h).sum()

    return loss, [0.9 * np.eye(16, dtype=np.float32), floats(16, scale=0.1)]


def lstm(library: Library) -> tuple[Loss, list[np.ndarray]]:
    """An LSTM cell unrolled over 50 steps, batch 8, width 32."""
    steps, batch, width = 50, 8, 32
    inputs = [library.constant(floats(batch, width, scale=1 / (t + 1))) for t in range(steps)]
    start = library.constant(np.zeros((batch, width), np.float32))

    def loss(w: Any, u: Any, b: Any) -> Any:
        h = c = start
        for x in inputs:
            gates = x @ w + h @ u + b
            forget, enter, leave = (
                library.sigmoid(gates[:, i * width : (i + 1) * width]) for i in range(3)
            )
            c = forget * c + enter * library.tanh(gates[:, 3 * width :])
            h = leave * library.tanh(c)
        return (h * h).sum()

    shapes = (width, 4 * width), (width, 4 * width), (4 * width,)
    return loss, [floats(*shape, scale=width**-0.5) for shape in shapes]


def mlp(library: Library) -> tuple[Loss, list[np.ndarray]]:
    """A network of widths 2-16-16-1 on 64 points, and its mean square error."""
    x, y = library.constant(floats(64, 2)), library.constant(floats(64, 1))

    def loss(*parameters: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h = library.relu(x @ w1 + b1)
        h = library.relu(h @ w2 + b2)
        error = h @ w3 + b3 - y
        return (error * error).mean()

    widths = (2, 16, 16, 1)
    pairs = pairwise(widths)
    return loss, [
        array for n, m in pairs for array in (floats(n, m, scale=n**-0.5), floats(m, scale=0.1))
    ]


PROGRAMS = (chain, lstm, mlp)


def timed(library: Library) -> Callable[[], list[tuple[float, float]]]:
    """Each run gives, for each program, the seconds and the sum of absolute gradients."""
    steps = [library.step(*program(library)) for program in PROGRAMS]

    def run() -> list[tuple[float, float]]:
        found = []
        for step in steps:
            taken = []
            for _ in range(REPEATS):
                began = time.perf_counter()
                gradients = step()
                taken.append(time.perf_counter() - began)
            found.append((median(taken), float(sum(np.abs(g).sum() for g in gradients))))
        return found

    return run
