"""The models that the benchmarks run, and what they are fed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models import Transformer


@dataclass(frozen=True)
class Configuration:
    """A Transformer and a batch for it.

    Attributes
    ----------
    vocab_size, context, d_model, n_layers, n_heads : int
        As in `Transformer`.
    batch_size : int
        Sequences in a train step.
    micro_batch : int
        Sequences that a worker takes at once.
    """

    vocab_size: int
    context: int
    d_model: int
    n_layers: int
    n_heads: int
    batch_size: int
    micro_batch: int

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """What makes a model: the arguments of `Transformer`, in their order."""
        return self.vocab_size, self.context, self.d_model, self.n_layers, self.n_heads

    def model(self) -> Transformer:
        """One with weights of its own, the same each time."""
        return Transformer(*self.shape)

    def batch(self, n: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Random tokens, (n, context), and as many targets; those of a step if n is left out."""
        size = (2, n or self.batch_size, self.context)
        return tuple(np.random.default_rng(0).integers(0, self.vocab_size, size))


CONFIGURATIONS = {
    "A": Configuration(4096, 256, 256, n_layers=6, n_heads=8, batch_size=16, micro_batch=4),
    "B": Configuration(2048, 128, 128, n_layers=4, n_heads=4, batch_size=32, micro_batch=16),
    "C": Configuration(8192, 512, 512, n_layers=6, n_heads=8, batch_size=4, micro_batch=1),
}
"""5.85, 1.07 and 23 million parameters."""
