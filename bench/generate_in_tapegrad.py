"""tapegrad's side of `bench.generate`."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from bench.configurations import Configuration
from models import generate


def generation(
    configuration: Configuration, threads: int, prompt: list[int], n_tokens: int
) -> Callable[[], tuple[float, list[int]]]:
    """The likeliest continuation of `prompt`; each run gives the seconds and the tokens."""
    threadpool_limits(threads)
    model, rng = configuration.model(), np.random.default_rng(0)

    def run() -> tuple[float, list[int]]:
        began = time.perf_counter()
        tokens = list(generate(model, prompt, n_tokens, rng, temperature=0))
        return time.perf_counter() - began, tokens

    return run
