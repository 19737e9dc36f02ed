"""Rotary position embedding: positions as angles."""

from collections.abc import Sequence

import numpy as np

from ops.shapes import check_shape
from tape import Array, Sample, ValueAndVJP, normal, op


@op(
    samples=(
        Sample(normal(2, 3, 4)),
        Sample(normal(2, 3, 6), interleaved=True),
        Sample(normal(3, 4), positions=np.array([7, 0, 7], np.int32), base=100.0),
        Sample(normal(2, 2, 3, 4), positions=np.array([[[4, 5, 6]], [[0, 1, 2]]])),
        Sample(normal(2, 4), positions=np.array(5), interleaved=True),
        Sample(normal(3, 2, scale=1e4)),
        Sample(normal(2, 0, 4)),
    ),
    floating=True,
)
def rotary_embedding(
    x: Array,
    /,
    positions: Array | Sequence[int] | int | None = None,
    base: float = 10000.0,
    interleaved: bool = False,
) -> ValueAndVJP:
    """Turn pair i of the last axis by the angle position * base^(-2 i / d_head).

    (a, b) becomes (a cos - b sin, b cos + a sin), so that the dot product of a query and a key
    depends on the distance of their positions only. dx = g, turned by minus the angle.

    Parameters
    ----------
    x : (..., time, d_head), d_head even
    positions : integers that broadcast to (..., time), optional
        By default 0 to time - 1.
    interleaved : bool
        Pair i is elements 2 i and 2 i + 1, as in the paper; by default elements i and
        i + d_head / 2, as in GPT-NeoX and Llama. Weights trained for one do not fit the other.

    Raises
    ------
    ValueError
        If d_head is odd, or x has no axis of time and no positions are given.

    Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.
    """
    check_shape(x, "x (..., time, d_head)" if positions is None else "x (..., d_head)")
    d_head = x.shape[-1]
    if d_head % 2:
        raise ValueError(f"the last axis is turned in pairs, and its length {d_head} is odd")
    if positions is None:
        positions = np.arange(x.shape[-2])
    # In float64: an angle of float32 is off by a radian at position 10^7.
    frequencies = base ** (np.arange(0, -d_head, -2) / d_head)
    angles = np.asarray(positions)[..., None] * frequencies  # (..., time, d_head / 2)
    cos, sin = np.cos(angles).astype(x.dtype), np.sin(angles).astype(x.dtype)
    if interleaved:
        first, second = slice(0, None, 2), slice(1, None, 2)
    else:
        first, second = slice(d_head // 2), slice(d_head // 2, None)

    def turn(x: Array, sin: Array) -> Array:
        y = np.empty_like(x)
        a, b = x[..., first], x[..., second]
        y[..., first] = a * cos - b * sin
        y[..., second] = b * cos + a * sin
        return y

    return turn(x, sin), lambda g: turn(g, -sin)
