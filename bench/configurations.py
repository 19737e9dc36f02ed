"""The models that the benchmarks run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models import Transformer


@dataclass(frozen=True)
class Configuration:
    """A Transformer, and what it is fed."""

    vocab_size: int
    context: int
    d_model: int
    n_layers: int
    n_heads: int

    def model(self) -> Transformer:
        """One with weights of its own, the same each time."""
        return Transformer(self.vocab_size, self.context, self.d_model, self.n_layers, self.n_heads)

    def ids_and_targets(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """`n` sequences of random tokens, (n, context), and as many targets."""
        rng = np.random.default_rng(0)
        return tuple(rng.integers(0, self.vocab_size, (2, n, self.context)))


CONFIGURATIONS = {
    "A": Configuration(4096, 256, d_model=256, n_layers=6, n_heads=8),
    "B": Configuration(2048, 128, d_model=128, n_layers=4, n_heads=4),
}
