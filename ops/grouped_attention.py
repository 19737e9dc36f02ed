"""Attention of queries to keys and values from elsewhere: masked, and with heads in groups."""

import math
from typing import Any, cast

import numpy as np

from ops.shapes import check_broadcasts, check_shape
from tape import Array, Extreme, Sample, ValueAndVJP, booleans, normal, op

LAST_ROW_MASKED = np.array([[0.5, -np.inf], [-np.inf, -np.inf]])
HUGE, TIED = np.array([[[1e4, 0], [0, -1e4]]]), np.array([[[1.0, -1], [1, 1], [-1, 1]]])


def _flops(q: Array, k: Array, v: Array, *mask_and_settings: Any, **options: Any) -> int:
    """Of q k^T and P v, for all pairs of a query and a key: masked ones are computed too."""
    return cast(int, 2 * math.prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1]))


@op(
    samples=(
        Sample(normal(2, 2, 3, 4), normal(2, 2, 5, 4), normal(2, 2, 5, 3)),
        Sample(normal(2, 4, 3, 2), normal(2, 2, 5, 2), normal(2, 2, 5, 3), causal=True),
        Sample(normal(2, 5, 4), normal(2, 3, 4), normal(2, 3, 4), causal=True, scale=0.3),
        Sample(normal(2, 6, 3, 2), normal(2, 3, 5, 2), normal(2, 3, 5, 2), normal(2, 6, 3, 5)),
        Sample(normal(2, 2, 3, 2), normal(1, 4, 2), normal(1, 4, 2), normal(2, 1, 4), causal=True),
        Sample(normal(2, 4, 3, 2), normal(2, 2, 5, 2), normal(2, 2, 5, 2), booleans(2, 4, 3, 5)),
        Sample(normal(1, 2, 3), normal(1, 2, 3), normal(1, 2, 3), np.array([[True], [False]])),
        Extreme(normal(1, 2, 3), normal(1, 2, 3), normal(1, 2, 3), LAST_ROW_MASKED),
        Extreme(HUGE, TIED, normal(1, 3, 2), scale=1.0),
        Sample(normal(2, 2, 0, 3), normal(2, 2, 4, 3), normal(2, 2, 4, 3)),
        Sample(normal(2, 2, 3), normal(2, 0, 3), normal(2, 0, 3)),
    ),
    flops=_flops,
    discrete=("mask",),
    floating=True,
)
def scaled_dot_product_attention(
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None = None,
    /,
    causal: bool = False,
    scale: float | None = None,
) -> ValueAndVJP:
    """softmax(scale q k^T + mask) v for each head.

    With P the softmax: dv = P^T g, dP = g v^T, dmask = P (dP - sum(dP P)), dq = scale dmask k,
    dk = scale dmask^T q; and sum(dP P) = sum(g y).

    Parameters
    ----------
    q : (..., n_heads, queries, d_head)
    k, v : (..., n_kv_heads, keys, d_head) and (..., n_kv_heads, keys, d_v)
        Each head serves n_heads / n_kv_heads query heads that lie side by side. The axes before
        the heads may be broadcast to those of q.
    mask : array that broadcasts to (..., n_heads, queries, keys), optional
        Boolean, True where a query may attend; or floating, added to the scores. A row without
        any key left gives zeros, forward and backward.
    causal : bool
        Query i attends to keys up to its own only. The last query is at the last key, as in
        `softmax`; PyTorch has the first query at the first key.
    scale : float, optional
        By default 1 / sqrt(d_head).

    Returns
    -------
    (..., n_heads, queries, d_v)

    Raises
    ------
    ValueError
        If the shapes do not fit, the heads of k and v are not equally many, or n_heads is not a
        multiple of them.
    TypeError
        If the mask is neither boolean nor floating, or is no array.

    Sources: Vaswani et al., "Attention Is All You Need", 2017; Ainslie et al., "GQA: Training
    Generalized Multi-Query Transformer Models from Multi-Head Checkpoints", 2023.
    """
    check_shape(q, "q (..., heads, queries, d_head)")
    *lead, n_heads, queries, d_head = q.shape
    check_shape(k, "k (..., heads, keys, d_head)", d_head=d_head)
    n_kv_heads, keys = k.shape[-3:-1]
    check_shape(v, "v (..., heads, keys, d_v)", keys=keys)
    for name, x in (("k", k), ("v", v)):
        check_broadcasts(x.shape[:-3], tuple(lead), f"{name}, before its heads,")
    if v.shape[-3] != n_kv_heads or n_heads % n_kv_heads:
        raise ValueError(
            f"{n_heads} query heads for {n_kv_heads} heads of keys and {v.shape[-3]} of values"
        )
    if mask is not None and (mask.dtype.kind not in "bf" or mask.ndim == 0):
        found = mask.dtype if mask.ndim else mask.item()
        raise TypeError(f"a mask is an array, boolean or floating to be added, not {found}")
    if scale is None:
        scale = 1 / math.sqrt(d_head)
    shape, scores_shape = q.shape, (*lead, n_heads, queries, keys)
    if mask is not None:
        check_broadcasts(mask.shape, scores_shape, "a mask")
    # The queries of a group of heads, end to end, are one matrix: k and v are not repeated.
    grouped = (*lead, n_kv_heads, n_heads // n_kv_heads * queries)
    q = q.reshape(*grouped, d_head)
    p = ((q * scale) @ k.swapaxes(-1, -2)).reshape(scores_shape)
    if mask is not None and mask.dtype.kind == "f":
        p += mask
    elif mask is not None:
        np.copyto(p, -np.inf, where=~mask)
    if causal:
        np.copyto(p, -np.inf, where=~np.tri(queries, keys, keys - queries, dtype=bool))
    p -= p.max(-1, keepdims=True, initial=np.finfo(p.dtype).min)
    np.exp(p, out=p)
    p /= np.maximum(p.sum(-1, keepdims=True), 1)  # the sum is 0 where all is masked, else above 1
    p = p.reshape(*grouped, keys)
    y = p @ v

    def vjp(g: Array) -> Any:
        g = g.reshape(y.shape)
        ds = g @ v.swapaxes(-1, -2)
        ds -= np.einsum("...i,...i->...", g, y)[..., None]
        ds *= p
        return (
            lambda: (scale * (ds @ k)).reshape(shape),
            lambda: scale * (ds.swapaxes(-1, -2) @ q),
            lambda: p.swapaxes(-1, -2) @ g,
            lambda: ds.reshape(scores_shape),
        )

    return y.reshape(*shape[:-1], v.shape[-1]), vjp
