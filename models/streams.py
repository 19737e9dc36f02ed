"""Random streams that share a seed and nothing else."""

from __future__ import annotations

import numpy as np


def stream(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """A generator for one purpose of a seed: "weights", "order", "dropout", ...

    `default_rng(0)`, `default_rng([0])` and `default_rng([0, 0])` are one stream. Here purpose and
    numbers are a spawn key, so that no two streams coincide, nor does one with `default_rng(seed)`.

    Parameters
    ----------
    seed : int
        At least 0.
    purpose : str
    *numbers : int
        Which one of that purpose, such as the step and the micro-batch.
    """
    key = (int.from_bytes(purpose.encode()), *numbers)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
