"""Causal self-attention, fused."""

import math

import numpy as np

from tape import Sample, normal, op

Array = np.ndarray

BLOCK = 64
"""Queries worked on together. Keys after the last of them are never touched."""


def _causal_attention_flops(qkv: Array, n_heads: int) -> int:
    """Of q k^T and P v, for each query and the keys up to its own."""
    batch, time, width = qkv.shape
    d_head, pairs = width // (3 * n_heads), time * (time + 1) // 2
    return 2 * 2 * batch * n_heads * pairs * d_head


@op(
    samples=(
        Sample(normal(2, 5, 12), n_heads=2),
        Sample(normal(1, 1, 6), n_heads=1),
        Sample(normal(1, 2 * BLOCK + 3, 6), n_heads=2),
        Sample(normal(1, 3, 6, scale=40), n_heads=1),
        Sample(normal(0, 5, 12), n_heads=2),
        Sample(normal(2, 0, 12), n_heads=2),
    ),
    flops=_causal_attention_flops,
)
def causal_attention(qkv: Array, /, n_heads: int):
    """softmax(q k^T / sqrt(d_head)) v for each head, each query seeing the keys up to its own.

    qkv : (batch, time, 3 d_model), the queries, keys and values of all heads side by side;
    result : (batch, time, d_model), the heads side by side.

    With P the softmax and s = 1 / sqrt(d_head): dv = P^T g, dP = g v^T,
    dS = P (dP - sum(dP P)), dq = s dS k, dk = s dS^T q; and sum(dP P) = sum(g y).

    Raises
    ------
    ValueError
        If the width of qkv is not a multiple of 3 n_heads.

    Source: Vaswani et al., "Attention Is All You Need", 2017; the blocks are those of Dao et al.,
    "FlashAttention", 2022.
    """
    batch, time, width = qkv.shape
    if width % (3 * n_heads):
        raise ValueError(f"the width {width} of qkv is not a multiple of 3 n_heads = {3 * n_heads}")
    d_head = width // (3 * n_heads)
    q, k, v = _split(qkv, n_heads)
    q = q * (1 / math.sqrt(d_head))
    y = np.empty((batch, time, n_heads, d_head), qkv.dtype)
    heads = y.transpose(0, 2, 1, 3)  # (batch, head, time, d_head), a view
    future = np.triu(np.full((BLOCK, BLOCK), -np.inf, qkv.dtype), 1)
    ones = np.ones((time, 1), qkv.dtype)
    blocks = [slice(start, min(start + BLOCK, time)) for start in range(0, time, BLOCK)]
    # Exponentials of scores this small need no shift by the maximum, which costs two passes.
    small = _longest(q) * _longest(k) < math.log(np.finfo(qkv.dtype).max) / 2
    saved = []  # of each block, P before its rows are divided by their sums, and the sums
    for block in blocks:
        n, seen = block.stop - block.start, slice(0, block.stop)
        p = q[:, :, block] @ k[:, :, seen].swapaxes(-1, -2)
        p[..., block] += future[:n, :n]
        if not small:
            p -= p.max(-1, keepdims=True)
        np.exp(p, out=p)
        total = p @ ones[seen]
        # Dividing the product is cheaper than dividing P, which is wider.
        np.divide(p @ v[:, :, seen], total, out=heads[:, :, block])
        saved.append((p, total))

    def vjp(g: Array) -> Array:
        g = g.reshape(y.shape)
        g_heads = g.transpose(0, 2, 1, 3)
        along = np.einsum("bthd,bthd->bht", g, y)[..., None]
        dqkv = np.empty((batch, time, width), g.dtype)
        dq, into_dk, into_dv = _split(dqkv, n_heads)
        dk, dv = np.zeros((2, *q.shape), g.dtype)  # sums are faster where heads are contiguous
        for block, (p, total) in zip(blocks, saved, strict=True):
            seen = slice(0, block.stop)
            g_block = g_heads[:, :, block] / total
            dv[:, :, seen] += p.swapaxes(-1, -2) @ g_block
            ds = g_block @ v[:, :, seen].swapaxes(-1, -2)
            ds -= along[:, :, block] / total
            ds *= p
            dq[:, :, block] = ds @ k[:, :, seen]
            dk[:, :, seen] += ds.swapaxes(-1, -2) @ q[:, :, block]
        dq *= 1 / math.sqrt(d_head)
        into_dk[...], into_dv[...] = dk, dv
        return dqkv

    return y.reshape(batch, time, n_heads * d_head), vjp


def _longest(x: Array) -> float:
    """The largest 2-norm along the last axis."""
    return math.sqrt(np.einsum("...i,...i->...", x, x).max(initial=0))


def _split(qkv: Array, n_heads: int) -> tuple[Array, Array, Array]:
    """Queries, keys and values as views of shape (batch, head, time, d_head)."""
    batch, time, width = qkv.shape
    q, k, v = qkv.reshape(batch, time, 3, n_heads, width // (3 * n_heads)).transpose(2, 0, 3, 1, 4)
    return q, k, v
