"""Layers: parameters, and the ops that use them."""

from __future__ import annotations

import math
from typing import cast

import numpy as np

import ops
from models.module import Module
from tape import Tensor


def _parameter(array: np.ndarray) -> Tensor:
    return Tensor(array.astype(np.float32), requires_grad=True)


class Linear(Module):
    """x weight^T + bias; (..., d_in) to (..., d_out).

    Parameters
    ----------
    d_in, d_out : int
    rng : Generator
        Draws the weight, normal with deviation `std`; the bias starts at 0.
    std : float, optional
        By default 1 / sqrt(d_in), which keeps the variance of x.
    bias : bool
    """

    def __init__(
        self,
        d_in: int,
        d_out: int,
        rng: np.random.Generator,
        std: float | None = None,
        bias: bool = True,
    ) -> None:
        std = 1 / math.sqrt(d_in) if std is None else std
        self.weight = _parameter(std * rng.standard_normal((d_out, d_in)))
        self.bias = _parameter(np.zeros(d_out)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return ops.linear(x, self.weight, self.bias)


class Embedding(Module):
    """A table of n rows, drawn normal with deviation `std`; (...) ids to (..., d_model)."""

    def __init__(self, n: int, d_model: int, rng: np.random.Generator, std: float = 1.0) -> None:
        self.weight = _parameter(std * rng.standard_normal((n, d_model)))

    def forward(self, ids: np.ndarray) -> Tensor:
        return ops.embedding(ids, self.weight)


class LayerNorm(Module):
    """Normalise the last axis, of length d_model, then scale and shift it."""

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        self.weight = _parameter(np.ones(d_model))
        self.bias = _parameter(np.zeros(d_model))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return ops.layernorm(x, self.weight, self.bias, self.eps)


class Dropout(Module):
    """In training, zero elements with probability p and scale the others up; else the identity.

    `forward` takes the generator that chooses, so that a step can be repeated and threads can
    share the module.
    """

    def __init__(self, p: float) -> None:
        if not 0 <= p < 1:
            raise ValueError(f"dropout is in [0, 1), not {p}")
        self.p = p

    def forward(self, x: Tensor, rng: np.random.Generator | None) -> Tensor:
        if not self.training or self.p == 0:
            return x
        if rng is None:
            raise ValueError("dropout in training needs a generator: pass rng=, or call eval()")
        return ops.dropout(x, self.p, rng)


class CausalSelfAttention(Module):
    """Heads in which each position attends to itself and those before it.

    (batch, time, d_model) to the same shape. The projections start with deviations `std` (into
    the heads) and `out_std` (out of them).

    Raises
    ------
    ValueError
        If d_model is not a multiple of n_heads.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        rng: np.random.Generator,
        std: float | None = None,
        out_std: float | None = None,
    ) -> None:
        if d_model % n_heads:
            raise ValueError(f"d_model {d_model} is not divisible by n_heads {n_heads}")
        self.n_heads = n_heads
        self.qkv = Linear(d_model, 3 * d_model, rng, std)
        self.out = Linear(d_model, d_model, rng, out_std)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.out(ops.causal_attention(self.qkv(x), self.n_heads)))


class MLP(Module):
    """Linear to 4 d_model, gelu in its tanh form, linear back."""

    def __init__(
        self,
        d_model: int,
        rng: np.random.Generator,
        std: float | None = None,
        out_std: float | None = None,
    ) -> None:
        self.up = Linear(d_model, 4 * d_model, rng, std)
        self.down = Linear(4 * d_model, d_model, rng, out_std)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.down(ops.gelu(self.up(x), approximate="tanh")))
