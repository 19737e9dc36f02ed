"""The Transformer's forward pass on one sequence as it grows, in plain NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from models.layers import LayerNorm
from models.transformer import Block, Transformer
from tape import Tensor

Array = np.ndarray
Function = Callable[[Array], Array]


class Decoder:
    """What `Transformer` computes without dropout, a few tokens of one sequence at a time.

    Keys and values of the tokens so far are kept, so that only new tokens are computed. There is
    no op in it: for a single token, preparing for a walk back takes longer than the arithmetic.

    Parameters
    ----------
    model : Transformer
        The matrices of its layers are copied, its embeddings are not.

    Attributes
    ----------
    length : int
        How many tokens it has read; set it to 0 for another sequence.
    """

    def __init__(self, model: Transformer) -> None:
        self.length = 0
        self.context = model.context
        self._embedding = model.token_embedding.weight.data
        self._positions = model.position_embedding.weight.data
        self._blocks = [_Block(block, model.context) for block in model.blocks]
        self._norm = _normalise(model.norm)
        self._head = _linear(model.token_embedding.weight)

    def read(self, ids: Sequence[int]) -> Array:
        """Logits of the token after `ids`, which come after all that was read: (vocab_size,).

        Raises
        ------
        ValueError
            If these are more tokens than the context holds.
        """
        start, stop = self.length, self.length + len(ids)
        if stop > self.context:
            raise ValueError(f"{stop} tokens are more than the context of {self.context}")
        x = self._embedding[ids] + self._positions[start:stop]  # (time, d_model)
        for block in self._blocks:
            x = block(x, start)
        self.length = stop
        return cast(Array, self._head(self._norm(x[-1:]))[0])


class _Block:
    """`Block`, with room for the keys and values of as many tokens as the context holds."""

    def __init__(self, block: Block, context: int) -> None:
        attention, mlp = block.attention, block.mlp
        self.norm1, self.norm2 = _normalise(block.norm1), _normalise(block.norm2)
        self.qkv = _linear(attention.qkv.weight, attention.qkv.bias)
        self.out = _linear(attention.out.weight, attention.out.bias)
        self.up = _linear(mlp.up.weight, mlp.up.bias)
        self.down = _linear(mlp.down.weight, mlp.down.bias)
        self.n_heads = attention.n_heads
        d_model, dtype = len(attention.out.weight), attention.out.weight.dtype
        shape = (2, self.n_heads, context, d_model // self.n_heads)
        self.keys, self.values = np.empty(shape, dtype)

    def __call__(self, x: Array, start: int) -> Array:
        """For the tokens from `start` on: (time, d_model) to the same shape."""
        x = x + self.attend(self.norm1(x), start)
        return x + self.down(_gelu(self.up(self.norm2(x))))

    def attend(self, x: Array, start: int) -> Array:
        time, stop = len(x), start + len(x)
        qkv = self.qkv(x).reshape(time, 3, self.n_heads, -1).transpose(1, 2, 0, 3)
        q, self.keys[:, start:stop], self.values[:, start:stop] = qkv
        k, v = self.keys[:, :stop], self.values[:, :stop]  # (head, tokens so far, d_head)
        scores = (q * (1 / math.sqrt(q.shape[-1]))) @ k.swapaxes(1, 2)
        if time > 1:
            scores[:, ~np.tri(time, stop, start, dtype=bool)] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        y = weights @ v / weights.sum(-1, keepdims=True)
        return self.out(y.swapaxes(0, 1).reshape(x.shape))


def _linear(weight: Tensor, bias: Tensor | None = None) -> Function:
    # A product with a single row reads a matrix faster along its rows: hence the copy.
    matrix = weight.data.T.copy()
    return lambda x: x @ matrix if bias is None else x @ matrix + bias.data


def _normalise(layer: LayerNorm) -> Function:
    weight, bias, eps = layer.weight.data, layer.bias.data, layer.eps

    def normalise(x: Array) -> Array:
        n = x.shape[-1]
        centred = x - x.sum(-1, keepdims=True) / n
        variance = np.vecdot(centred, centred)[:, None] / n
        return cast(Array, centred / np.sqrt(variance + eps) * weight + bias)

    return normalise


def _gelu(x: Array) -> Array:
    scale = math.sqrt(2 / math.pi)
    return cast(Array, x * (0.5 + 0.5 * np.tanh(x * (scale + (0.044715 * scale) * (x * x)))))
