"""A decoder-only Transformer language model, after GPT-2."""

from __future__ import annotations

import math
from typing import cast

import numpy as np

import ops
from models.layers import MLP, CausalSelfAttention, Dropout, Embedding, LayerNorm
from models.module import Module
from models.recompute import recompute as recomputed
from models.streams import stream
from tape import Tensor, scope


class Block(Module):
    """x + attention(norm(x)), then x + mlp(norm(x)): pre-LN, which trains without a warm-up's help.

    (batch, time, d_model) to the same shape. Weights start with deviation `std`, those of the two
    projections that write to the residual stream with `out_std`.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        rng: np.random.Generator,
        std: float,
        out_std: float,
        dropout: float = 0.0,
    ) -> None:
        self.norm1 = LayerNorm(d_model)
        self.attention = CausalSelfAttention(d_model, n_heads, rng, std, out_std)
        self.norm2 = LayerNorm(d_model)
        self.mlp = MLP(d_model, rng, std, out_std)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, rng: np.random.Generator | None = None) -> Tensor:
        x = x + self.dropout(self.attention(self.norm1(x)), rng)
        return cast(Tensor, x + self.dropout(self.mlp(self.norm2(x)), rng))


class Transformer(Module):
    """Token and learned position embeddings, pre-LN blocks, a final norm and a tied head.

    Weights start normal with deviation `std`, those that write to the residual stream with
    std / sqrt(2 n_layers), biases at 0.

    Source: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019.

    Parameters
    ----------
    vocab_size, context : int
        How many tokens there are, and how many the model looks back over.
    d_model, n_layers, n_heads : int
    dropout : float
        On the embedding and on what each layer adds to the residual stream.
    std : float
        GPT-2's 0.02 by default; narrower models learn faster from a larger one.
    seed : int
        Of the initial weights.
    recompute : bool
        Run each block once more on the walk back instead of saving what it computes.

    Raises
    ------
    ValueError
        If d_model is not a multiple of n_heads.
    """

    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        dropout: float = 0.0,
        std: float = 0.02,
        seed: int = 0,
        recompute: bool = False,
    ) -> None:
        rng = stream(seed, "weights")
        self.context = context
        self.token_embedding = Embedding(vocab_size, d_model, rng, std)
        self.position_embedding = Embedding(context, d_model, rng, std)
        self.dropout = Dropout(dropout)
        out_std = std / math.sqrt(2 * n_layers)
        blocks = [Block(d_model, n_heads, rng, std, out_std, dropout) for _ in range(n_layers)]
        self.blocks = [recomputed(block) for block in blocks] if recompute else blocks
        self.norm = LayerNorm(d_model)

    def forward(self, ids: np.ndarray, rng: np.random.Generator | None = None) -> Tensor:
        """Logits of the next token after each one.

        Parameters
        ----------
        ids : (batch, time) integers
            At most `context` of them in a sequence.
        rng : Generator, optional
            What dropout draws from; needed in training if there is any.

        Returns
        -------
        Tensor
            (batch, time, vocab_size).

        Raises
        ------
        ValueError
            If there are more tokens than the context holds.
        """
        x = self.features(ids, rng)
        with scope("head"):
            return ops.linear(x, self.token_embedding.weight)

    def features(self, ids: np.ndarray, rng: np.random.Generator | None = None) -> Tensor:
        """What the head reads: (batch, time, d_model), from the arguments of `forward`."""
        time = ids.shape[1]
        if time > self.context:
            raise ValueError(f"{time} tokens are more than the context of {self.context}")
        x = self.token_embedding(ids) + self.position_embedding(np.arange(time))
        x = self.dropout(x, rng)
        for block in self.blocks:
            x = block(x, rng)
        return cast(Tensor, self.norm(x))

    def loss(
        self, ids: np.ndarray, targets: np.ndarray, rng: np.random.Generator | None = None
    ) -> Tensor:
        """Mean cross-entropy of the targets, in nats per token; ids, targets : (batch, time)."""
        x = self.features(ids, rng)
        with scope("head"):
            return ops.linear_cross_entropy(x, self.token_embedding.weight, targets)
