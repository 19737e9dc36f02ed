"""What PyTorch computes for each op, given its operands as torch tensors and its options as is."""

import operator
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

import ops


def _remainder(a, b):
    return torch.remainder(torch.as_tensor(a, dtype=getattr(b, "dtype", None)), b)


def _softmax(x, axis=-1, causal=False, mask=None):
    allowed = torch.ones(x.shape, dtype=torch.bool)
    if causal:
        allowed = allowed.tril(x.shape[-1] - x.shape[-2])
    if mask is not None:
        allowed = allowed & torch.from_numpy(mask)
    return x.masked_fill(~allowed, -torch.inf).softmax(axis).nan_to_num(0.0)


def _causal_attention(qkv, n_heads):
    q, k, v = (x.unflatten(-1, (n_heads, -1)).transpose(1, 2) for x in qkv.chunk(3, -1))
    return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)


def _concatenate(arrays, axis=0):
    if axis is None:
        arrays, axis = [x.flatten() for x in arrays], 0
    return torch.cat(arrays, axis)


def _cross_entropy(logits, targets, ignore_index=-100, label_smoothing=0.0, z_loss=0.0):
    rows, classes = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1).long()
    penalty = rows[classes != ignore_index].logsumexp(-1).square().mean()
    return z_loss * penalty + F.cross_entropy(
        rows, classes, ignore_index=ignore_index, label_smoothing=label_smoothing
    )


def _dot(a, b):
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return torch.tensordot(a, b, ([-1], [max(b.ndim - 2, 0)]))


def _dropout(x, p, rng):
    kept = ops.dropout(np.ones(x.shape), p, rng).data > 0  # which are dropped is ours to choose
    return torch.where(torch.from_numpy(np.asarray(kept)), x / (1 - p), 0.0)


def _places(x, index):
    """Which elements of the flattened x an index means: torch has no negative steps."""
    return torch.from_numpy(np.array(np.arange(x.numel()).reshape(x.shape)[index], order="C"))


def _index_add(x, values, index):
    places = _places(x, index)
    added = torch.as_tensor(values, dtype=x.dtype).expand(places.shape)
    return x.flatten().index_add(0, places.flatten(), added.flatten()).view(x.shape)


def _index_set(x, values, index):
    places, y = _places(x, index), x.flatten().clone()
    values = torch.as_tensor(values, dtype=x.dtype).expand(places.shape)
    for place, value in zip(places.flatten(), values.flatten(), strict=True):
        y[place] = value
    return y.view(x.shape) + 0 * values.sum()  # a gradient, of zeros, where no value is set


def _logsumexp(x, axis=None, keepdims=False):
    return x.logsumexp(tuple(range(x.ndim)) if axis is None else axis, keepdims)


def _pad(x, pad_width, mode="constant", constant_values=0):
    widths = np.broadcast_to(pad_width, (x.ndim, 2))[::-1].flatten().tolist()
    if mode == "constant":
        return F.pad(x, widths, value=constant_values)
    mode = {"edge": "replicate", "reflect": "reflect", "wrap": "circular"}[mode]
    return F.pad(x[None, None], widths, mode)[0, 0]


def _matrix(x):
    """A vector as each row of a square matrix; anything else as it is."""
    return x.expand(len(x), len(x)) if x.ndim == 1 else x


def _prod(x, axis=None, keepdims=False):
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis).tolist()
    for i in axes:
        x = x.prod(i, keepdim=True)
    return x if keepdims else x.squeeze(tuple(axes))


def _rotary_embedding(x, positions=None, base=10000.0, interleaved=False):
    """The paper's complex form: pair i is multiplied by e^(i position theta_i)."""
    half = x.shape[-1] // 2
    positions = torch.arange(x.shape[-2]) if positions is None else torch.from_numpy(positions)
    theta = torch.tensor(base, dtype=x.dtype).pow(torch.arange(half, dtype=x.dtype) / -half)
    angles = positions.to(x.dtype)[..., None] * theta
    layout = (half, 2) if interleaved else (2, half)
    pairs = x.unflatten(-1, layout).movedim(-1 if interleaved else -2, 0)
    turned = torch.complex(*pairs) * torch.polar(torch.ones_like(angles), angles)
    return torch.stack([turned.real, turned.imag], -1 if interleaved else -2).flatten(-2)


def _scaled_dot_product_attention(q, k, v, mask=None, causal=False, scale=None):
    shape = (*q.shape[:-1], k.shape[-2])
    seen = torch.ones(shape, dtype=torch.bool)
    if causal:
        seen = seen.tril(shape[-1] - shape[-2])  # torch's is_causal aligns the first with the first
    if mask is None or mask.dtype == torch.bool:
        allowed = seen if mask is None else seen & mask
    else:
        allowed = mask.masked_fill(~seen, -torch.inf)
    k, v = (x.expand(*q.shape[:-3], *x.shape[-3:]) for x in (k, v))
    return F.scaled_dot_product_attention(q, k, v, allowed, scale=scale, enable_gqa=True)


def _take(x, indices, axis=None):
    x, axis = (x.flatten(), 0) if axis is None else (x, axis % x.ndim)
    return x[(slice(None),) * axis + (torch.as_tensor(indices).long(),)]


def _take_along_axis(x, indices, axis=-1):
    n = x.numel() if axis is None else x.shape[axis]
    return x.take_along_dim(torch.as_tensor(indices).long() % n, axis)


TWINS: dict[str, Callable[..., torch.Tensor]] = {
    "abs": torch.abs,
    "arctan": torch.arctan,
    "astype": lambda x, dtype: x.to(getattr(torch, np.dtype(dtype).name)),
    "copy": torch.clone,
    "remainder": _remainder,
    "add": operator.add,
    "broadcast_to": lambda x, shape: x.expand(shape),
    "causal_attention": _causal_attention,
    "clip": torch.clamp,
    "concatenate": _concatenate,
    "cos": torch.cos,
    "conv1d": F.conv1d,
    "cross_entropy": _cross_entropy,
    "cumsum": lambda x, axis=None: x.flatten().cumsum(0) if axis is None else x.cumsum(axis),
    "divide": operator.truediv,
    "dot": _dot,
    "dropout": _dropout,
    "einsum": lambda subscripts, *arrays, optimize=True: torch.einsum(subscripts, *arrays),
    "embedding": lambda ids, weight: F.embedding(ids.long(), weight),
    "erf": torch.erf,
    "exp": torch.exp,
    "expand_dims": lambda x, axis: x.reshape(np.expand_dims(np.empty(x.shape), axis).shape),
    "expm1": torch.expm1,
    "flip": lambda x, axis=None: x.flip(tuple(range(x.ndim)) if axis is None else axis),
    "gelu": F.gelu,
    "getitem": lambda x, index: x.flatten()[_places(x, index)],
    "index_add": _index_add,
    "index_set": _index_set,
    "layernorm": lambda x, *affine, eps=1e-5: F.layer_norm(x, x.shape[-1:], *affine, eps=eps),
    "linear": F.linear,
    "linear_cross_entropy": lambda x, weight, *targets, **options: _cross_entropy(
        F.linear(x, weight), *targets, **options
    ),
    "log": torch.log,
    "log1p": torch.log1p,
    "log_softmax": lambda x, axis=-1: x.log_softmax(axis),
    "logsumexp": _logsumexp,
    "matmul": torch.matmul,
    "max": lambda x, axis=(), keepdims=False: x.amax(axis, keepdims),
    "maximum": torch.maximum,
    "mean": lambda x, axis=None, keepdims=False: x.mean(axis, keepdims),
    "min": lambda x, axis=(), keepdims=False: x.amin(axis, keepdims),
    "minimum": torch.minimum,
    "moveaxis": torch.movedim,
    "multiply": operator.mul,
    "negative": torch.neg,
    "norm": torch.linalg.vector_norm,
    "pad": _pad,
    "power": operator.pow,
    "outer": lambda a, b: torch.outer(a.flatten(), b.flatten()),
    "prod": _prod,
    "reciprocal": torch.reciprocal,
    "relu": torch.relu,
    "repeat": lambda x, repeats, axis=None: x.repeat_interleave(torch.as_tensor(repeats), axis),
    "reshape": torch.reshape,
    "rmsnorm": lambda x, *weight, eps=1e-5: F.rms_norm(x, x.shape[-1:], *weight, eps=eps),
    "rotary_embedding": _rotary_embedding,
    "scaled_dot_product_attention": _scaled_dot_product_attention,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "sin": torch.sin,
    "softmax": _softmax,
    "softplus": lambda x: -F.logsigmoid(-x),
    "split": lambda x, indices, axis=0: x.tensor_split(indices, axis),
    "sqrt": torch.sqrt,
    "square": torch.square,
    "squared_relu": lambda x: torch.relu(x).square(),
    "squeeze": lambda x, axis=None: x.squeeze() if axis is None else x.squeeze(axis),
    "stack": lambda arrays, axis=0: torch.stack(arrays, axis),
    "std": lambda x, axis=None, *, ddof=0, **kept: x.std(axis, correction=ddof, **kept),
    "subtract": operator.sub,
    "sum": lambda x, axis=None, keepdims=False: x.sum(axis, keepdims),
    "swapaxes": torch.swapaxes,
    "swiglu": lambda x, gate: x * F.silu(gate),
    "take": _take,
    "take_along_axis": _take_along_axis,
    "tanh": torch.tanh,
    "tile": lambda x, reps: x.tile(np.atleast_1d(reps).tolist()),
    "transpose": lambda x, axes=None: x.permute(axes or tuple(reversed(range(x.ndim)))),
    "tril": lambda x, k=0: _matrix(x).tril(k),
    "triu": lambda x, k=0: _matrix(x).triu(k),
    "var": lambda x, axis=None, *, ddof=0, **kept: x.var(axis, correction=ddof, **kept),
    "where": torch.where,
}
