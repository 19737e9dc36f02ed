"""What PyTorch computes for each op, given its operands as torch tensors and its options as is."""

import operator
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

import ops


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


def _cross_entropy(logits, targets, ignore_index=-100):
    rows = logits.reshape(-1, logits.shape[-1])
    return F.cross_entropy(rows, targets.reshape(-1).long(), ignore_index=ignore_index)


def _dropout(x, p, rng):
    kept = ops.dropout(np.ones(x.shape), p, rng).data > 0  # which are dropped is ours to choose
    return torch.where(torch.from_numpy(np.asarray(kept)), x / (1 - p), 0.0)


def _getitem(x, index):
    places = np.arange(x.numel()).reshape(x.shape)[index]  # torch has no negative steps
    return x.reshape(-1)[torch.from_numpy(places.copy())]


TWINS: dict[str, Callable[..., torch.Tensor]] = {
    "add": operator.add,
    "causal_attention": _causal_attention,
    "concatenate": lambda arrays, axis=0: torch.cat(arrays, axis),
    "cross_entropy": _cross_entropy,
    "divide": operator.truediv,
    "dropout": _dropout,
    "embedding": lambda ids, weight: F.embedding(ids.long(), weight),
    "exp": torch.exp,
    "gelu": F.gelu,
    "getitem": _getitem,
    "layernorm": lambda x, *affine, eps=1e-5: F.layer_norm(x, x.shape[-1:], *affine, eps=eps),
    "linear": F.linear,
    "log": torch.log,
    "log_softmax": lambda x, axis=-1: x.log_softmax(axis),
    "matmul": torch.matmul,
    "max": lambda x, axis=(), keepdims=False: x.amax(axis, keepdims),
    "mean": lambda x, axis=None, keepdims=False: x.mean(axis, keepdims),
    "multiply": operator.mul,
    "negative": torch.neg,
    "power": operator.pow,
    "reshape": torch.reshape,
    "softmax": _softmax,
    "sqrt": torch.sqrt,
    "subtract": operator.sub,
    "sum": lambda x, axis=None, keepdims=False: x.sum(axis, keepdims),
    "tanh": torch.tanh,
    "transpose": lambda x, axes=None: x.permute(axes or tuple(reversed(range(x.ndim)))),
    "where": torch.where,
}
