"""What the fused ops compute, written in primitive ops: the explanation, and the witness."""

import math

import numpy as np

from ops.arithmetic import where
from ops.linalg import matmul
from ops.softmax import log_softmax
from ops.softmax import softmax as _softmax
from tape import Tensor


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`ops.linear`."""
    y = matmul(x, weight.T)
    return y if bias is None else y + bias


def softmax(x: Tensor, axis: int = -1, causal: bool = False, mask: np.ndarray | None = None):
    """`ops.softmax`, for rows that are not masked throughout."""
    allowed = np.ones(x.shape, bool) if mask is None else np.broadcast_to(mask, x.shape)
    if causal:
        allowed = np.tril(allowed, x.shape[-1] - x.shape[-2])
    weights = where(allowed, (x - x.data.max(axis, keepdims=True)).exp(), 0.0)
    return weights / weights.sum(axis, keepdims=True)


def layernorm(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """`ops.layernorm`."""
    centred = x - x.mean(-1, keepdims=True)
    y = centred / ((centred * centred).mean(-1, keepdims=True) + eps).sqrt()
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def gelu_tanh(x: Tensor) -> Tensor:
    """`ops.gelu` with approximate="tanh"."""
    return 0.5 * x * (1 + (math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)).tanh())


def cross_entropy(logits: Tensor, targets: np.ndarray, ignore_index: int = -100) -> Tensor:
    """`ops.cross_entropy`."""
    rows = logits.reshape(-1, logits.shape[-1])
    counted = np.flatnonzero(targets.reshape(-1) != ignore_index)
    return -log_softmax(rows)[counted, targets.reshape(-1)[counted]].mean()


def attention(q: Tensor, k: Tensor, v: Tensor, causal: bool = True) -> Tensor:
    """softmax(q k^T / sqrt(d_head)) v; with fewer queries than keys, the queries are the last.

    q : (..., queries, d_head); k, v : (..., keys, d_head); result : (..., queries, d_head).
    """
    scores = q @ k.swapaxes(-1, -2) * (1 / math.sqrt(q.shape[-1]))
    return _softmax(scores, causal=causal) @ v


def split_heads(qkv: Tensor, n_heads: int) -> Tensor:
    """(batch, time, 3 d_model) to (3, batch, head, time, d_head): queries, keys and values."""
    batch, time, width = qkv.shape
    return qkv.reshape(batch, time, 3, n_heads, width // (3 * n_heads)).transpose(2, 0, 3, 1, 4)


def merge_heads(y: Tensor) -> Tensor:
    """(batch, head, time, d_head) to (batch, time, d_model)."""
    batch, n_heads, time, d_head = y.shape
    return y.transpose(0, 2, 1, 3).reshape(batch, time, n_heads * d_head)


def causal_attention(qkv: Tensor, n_heads: int) -> Tensor:
    """`ops.causal_attention`."""
    q, k, v = split_heads(qkv, n_heads)
    return merge_heads(attention(q, k, v))
