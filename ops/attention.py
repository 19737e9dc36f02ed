"""Causal self-attention, fused."""

import math
from functools import partial
from typing import cast

import numpy as np

from ops.shapes import check_shape
from ops.softmax import exponentiate
from tape import Array, Sample, ValueAndVJP, normal, op

BLOCK = 64
"""Queries worked on together. Keys after the last of them are never touched."""


def _causal_attention_flops(qkv: Array, n_heads: int) -> int:
    """Of q k^T and P v, for each query and the keys up to its own."""
    batch, time, width = qkv.shape
    d_head, pairs = width // (3 * n_heads), time * (time + 1) // 2
    return cast(int, 2 * 2 * batch * n_heads * pairs * d_head)


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
    floating=True,
)
def causal_attention(qkv: Array, /, n_heads: int) -> ValueAndVJP:
    """softmax(q k^T / sqrt(d_head)) v for each head, each query seeing the keys up to its own.

    qkv : (batch, time, 3 d_model), the queries, keys and values of all heads side by side;
    result : (batch, time, d_model), the heads side by side.

    With P the softmax and s = 1 / sqrt(d_head): dv = P^T g, dP = g v^T,
    dS = P (dP - sum(dP P)), dq = s dS k, dk = s dS^T q; and sum(dP P) = sum(g y).

    Raises
    ------
    ValueError
        If qkv has other axes, or its width is not a multiple of 3 n_heads.

    Source: Vaswani et al., "Attention Is All You Need", 2017; the blocks are those of Dao et al.,
    "FlashAttention", 2022.
    """
    check_shape(qkv, "qkv (batch, time, width)")
    batch, time, width = qkv.shape
    if n_heads < 1 or width % (3 * n_heads):
        raise ValueError(f"the width {width} of qkv is not a multiple of 3 n_heads = {3 * n_heads}")
    d_head = width // (3 * n_heads)
    scale = 1 / math.sqrt(d_head)
    side_by_side = qkv.reshape(batch, time, 3, n_heads, d_head)
    q, k, v = side_by_side.transpose(2, 0, 3, 1, 4).copy()  # products are faster on heads apart
    q *= scale
    y = np.empty((batch, time, n_heads, d_head), qkv.dtype)
    y_heads = y.transpose(0, 2, 1, 3)  # (batch, head, time, d_head), a view
    future = np.triu(np.full((BLOCK, BLOCK), -np.inf, qkv.dtype), 1)

    def scores_of(block: slice) -> Array:
        scores = q[:, :, block] @ k[:, :, : block.stop].swapaxes(-1, -2)
        n = block.stop - block.start
        scores[..., block] += future[:n, :n]
        return scores

    saved = []  # of each block, P before its rows are divided by their sums, and the sums
    for start in range(0, time, BLOCK):
        block = slice(start, min(start + BLOCK, time))
        p = scores_of(block)
        total, _ = exponentiate(p, partial(scores_of, block))
        # Dividing the product is cheaper than dividing P, which is wider.
        np.divide(p @ v[:, :, : block.stop], total, out=y_heads[:, :, block])
        saved.append((block, p, total))

    def vjp(g: Array) -> Array:
        g = g.reshape(y.shape)
        along = np.einsum("bthd,bthd->bht", g, y)[..., None]
        g = g.transpose(0, 2, 1, 3)
        dqkv = np.empty((3, *q.shape), g.dtype)
        dq, dk, dv = dqkv
        for block, p, total in reversed(saved):
            seen = slice(0, block.stop)
            g_block = g[:, :, block] / total
            ds = g_block @ v[:, :, seen].swapaxes(-1, -2)
            ds -= along[:, :, block] / total
            ds *= p
            np.matmul(ds, k[:, :, seen], out=dq[:, :, block])
            towards = (p.swapaxes(-1, -2), g_block, dv), (ds.swapaxes(-1, -2), q[:, :, block], dk)
            for weights, values, sums in towards:
                if block.stop == time:  # the first one here, which sees all keys
                    np.matmul(weights, values, out=sums)
                else:
                    sums[:, :, seen] += weights @ values
        dq *= scale
        return dqkv.transpose(1, 3, 0, 2, 4).reshape(batch, time, width)

    return y.reshape(batch, time, n_heads * d_head), vjp
