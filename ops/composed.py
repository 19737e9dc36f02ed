"""What the fused ops compute, written in primitive ops: the explanation, and the witness."""

import math
from typing import cast

import numpy as np

from ops.activations import relu, sigmoid
from ops.arithmetic import abs
from ops.extending import pad, repeat
from ops.linalg import matmul
from ops.reductions import Axis
from ops.selection import where
from ops.softmax import log_softmax
from ops.softmax import softmax as _softmax
from tape import Tensor


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`ops.linear`."""
    y = matmul(x, weight.T)
    return y if bias is None else y + bias


def conv1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padding: int | str = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Tensor:
    """`ops.conv1d`: the sum over the taps of a matrix product for each."""
    outputs, width, taps = weight.shape
    reach = dilation * (taps - 1)
    zeros = {"valid": 0, "same": reach}[padding] if isinstance(padding, str) else 2 * padding
    padded = pad(x, [(0, 0)] * (x.ndim - 1) + [(zeros // 2, zeros - zeros // 2)])
    *outer, _, time = padded.shape
    parts = padded.reshape((*outer, groups, width, time))
    filters = weight.reshape(groups, outputs // groups, width, taps)
    starts = range(0, reach + 1, dilation)
    products = (
        filters[..., tap] @ parts[..., start : start + time - reach : stride]
        for tap, start in enumerate(starts)
    )
    y = cast(Tensor, sum(products))
    y = y.reshape((*outer, outputs, y.shape[-1]))
    return y if bias is None else y + bias.reshape(outputs, 1)


def softmax(
    x: Tensor, axis: int = -1, causal: bool = False, mask: np.ndarray | None = None
) -> Tensor:
    """`ops.softmax`, for rows that are not masked throughout."""
    allowed = np.ones(x.shape, bool) if mask is None else np.broadcast_to(mask, x.shape)
    if causal:
        allowed = np.tril(allowed, x.shape[-1] - x.shape[-2])
    weights = where(allowed, (x - x.data.max(axis, keepdims=True)).exp(), 0.0)
    return weights / weights.sum(axis, keepdims=True)


def logsumexp(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """`ops.logsumexp`."""
    top: np.ndarray = x.data.max(axis, keepdims=True)
    y = (x - top).exp().sum(axis, keepdims=keepdims).log()
    return y + top.reshape(y.shape)


def norm(x: Tensor, ord: float = 2, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """`ops.norm`, where the powers are finite and the norm is not 0."""
    if ord == math.inf:
        return abs(x).max(axis, keepdims=keepdims)
    return (abs(x) ** ord).sum(axis, keepdims=keepdims) ** (1 / ord)


def var(x: Tensor, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """`ops.var`."""
    centred = x - x.mean(axis, keepdims=True)
    y = (centred * centred).mean(axis, keepdims=keepdims)
    n = x.size / y.size
    return y * (n / (n - ddof))


def std(x: Tensor, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """`ops.std`, where it is not 0."""
    return var(x, axis, ddof=ddof, keepdims=keepdims).sqrt()


def layernorm(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """`ops.layernorm`."""
    centred = x - x.mean(-1, keepdims=True)
    y = centred / ((centred * centred).mean(-1, keepdims=True) + eps).sqrt()
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def rmsnorm(x: Tensor, weight: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """`ops.rmsnorm`."""
    y = x / ((x * x).mean(-1, keepdims=True) + eps).sqrt()
    return y if weight is None else y * weight


def gelu_tanh(x: Tensor) -> Tensor:
    """`ops.gelu` with approximate="tanh"."""
    return 0.5 * x * (1 + (math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)).tanh())


def squared_relu(x: Tensor) -> Tensor:
    """`ops.squared_relu`."""
    return relu(x) ** 2


def silu(x: Tensor) -> Tensor:
    """`ops.silu`."""
    return x * sigmoid(x)


def swiglu(x: Tensor, gate: Tensor) -> Tensor:
    """`ops.swiglu`."""
    return x * silu(gate)


def cross_entropy(
    logits: Tensor,
    targets: np.ndarray,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
) -> Tensor:
    """`ops.cross_entropy`."""
    counted = np.flatnonzero(targets.reshape(-1) != ignore_index)
    rows = logits.reshape(-1, logits.shape[-1])[counted]
    log_p = log_softmax(rows)
    at_targets = log_p[np.arange(len(counted)), targets.reshape(-1)[counted]]
    smoothed = (1 - label_smoothing) * at_targets + label_smoothing * log_p.mean(-1)
    log_normaliser = logsumexp(rows, -1)
    return (z_loss * log_normaliser * log_normaliser - smoothed).mean()


def linear_cross_entropy(
    x: Tensor, weight: Tensor, targets: np.ndarray, ignore_index: int = -100
) -> Tensor:
    """`ops.linear_cross_entropy`."""
    return cross_entropy(matmul(x, weight.T), targets, ignore_index)


def scaled_dot_product_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | np.ndarray | None = None,
    causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """`ops.scaled_dot_product_attention`."""
    k, v = (repeat(x, q.shape[-3] // k.shape[-3], axis=-3) for x in (k, v))
    scores = q @ k.swapaxes(-1, -2) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if mask is None or mask.dtype == bool:
        return _softmax(scores, causal=causal, mask=mask) @ v
    return _softmax(scores + mask, causal=causal) @ v


def rotary_embedding(
    x: Tensor,
    positions: np.ndarray | None = None,
    base: float = 10000.0,
    interleaved: bool = False,
) -> Tensor:
    """`ops.rotary_embedding`: a rotation matrix for each pair."""
    half = x.shape[-1] // 2
    positions = np.arange(x.shape[-2]) if positions is None else positions
    angles = np.multiply.outer(positions, base ** (-np.arange(half) / half))
    cos, sin = np.cos(angles), np.sin(angles)
    turns = np.stack([cos, -sin, sin, cos], -1).reshape(*angles.shape, 2, 2).astype(x.dtype)
    if interleaved:
        pairs = x.reshape(*x.shape[:-1], half, 2, 1)
        return cast(Tensor, turns @ pairs).reshape(x.shape)
    pairs = x.reshape(*x.shape[:-1], 2, half, 1).swapaxes(-2, -3)
    return cast(Tensor, turns @ pairs).swapaxes(-2, -3).reshape(x.shape)


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
    scores = q @ k.swapaxes(-1, -2) * (1 / math.sqrt(q.shape[-1]))
    return merge_heads(_softmax(scores, causal=True) @ v)
