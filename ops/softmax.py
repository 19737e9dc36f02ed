"""Softmax, its logarithm, and the logarithm of its denominator."""

import math
from collections.abc import Callable

import numpy as np

from ops.reductions import OF_NONE, REDUCTIONS, Axis, squeezed
from ops.shapes import check_broadcasts, check_shape, one_axis
from tape import Array, Extreme, Sample, ValueAndVJP, booleans, normal, op


@op(
    samples=(
        Sample(normal(3, 4)),
        Sample(normal(2, 3, 4), axis=1),
        Sample(normal(5), axis=0),
        Sample(normal(2, 4, 4), causal=True),
        Sample(normal(2, 3, 5), causal=True),
        Sample(normal(2, 3, 4), mask=booleans(3, 4)),
        Sample(normal(2, 2, 3), mask=np.array([[True, False, True], [False, False, False]])),
        Sample(normal(2, 3, 3), causal=True, mask=np.array([True, False, True])),
        Sample(normal(3, 4, scale=1e4)),
        Sample(normal(0, 4)),
    ),
    floating=True,
)
def softmax(
    x: Array, /, axis: int = -1, causal: bool = False, mask: Array | None = None
) -> ValueAndVJP:
    """y_i = exp(x_i) / sum_j exp(x_j) along an axis; dx = y (g - sum(g y)).

    Parameters
    ----------
    x : (..., n)
    causal : bool
        For x of shape (..., queries, keys), query i has weight on keys up to its own only. The
        last query is at the last key, so that with fewer queries than keys (a cache) the first
        keys are seen by all.
    mask : boolean array that broadcasts to x, optional
        True where there may be weight, as in PyTorch's scaled_dot_product_attention. A row with
        no True gives zeros, forward and backward.

    Raises
    ------
    TypeError
        If the mask is not boolean: one to be added to x is not meant; or `axis` is no integer.
    AxisError
        If x has no such axis; none if it is 0-d.
    ValueError
        If the mask does not broadcast to x, or x has too few axes to be causal.
    """
    axis = one_axis(x, axis)
    allowed = None if mask is None else np.asarray(mask)
    if allowed is not None:
        if allowed.dtype != bool:
            raise TypeError(f"a mask is boolean, not {allowed.dtype}")
        check_broadcasts(allowed.shape, x.shape, "a mask")
    if causal:
        check_shape(x, "x (..., queries, keys)")
        queries, keys = x.shape[-2:]
        seen = np.tri(queries, keys, keys - queries, dtype=bool)
        allowed = seen if allowed is None else seen & allowed
    if allowed is not None:
        x = np.where(allowed, x, -np.inf)
    if x.size == 0:
        return x.copy(), lambda g: g
    top = x.max(axis, keepdims=True)
    y = np.asarray(x - np.where(np.isneginf(top), 0, top))
    np.exp(y, out=y)
    total = y.sum(axis, keepdims=True)
    y /= np.where(total == 0, 1, total)

    def vjp(g: Array) -> Array:
        along = np.vecdot(g, y, axis=axis)  # type: ignore[call-overload]
        dx = g - np.expand_dims(along, axis)
        dx *= y
        return dx

    return y, vjp


@op(
    samples=(
        Sample(normal(3, 4)),
        Sample(normal(2, 3, 4), axis=1),
        Sample(normal(5), axis=0),
        Sample(normal(3, 4, scale=1e4)),
        Sample(normal(3, 0)),
    ),
    floating=True,
)
def log_softmax(x: Array, /, axis: int = -1) -> ValueAndVJP:
    """y_i = x_i - log sum_j exp(x_j) along an axis; dx = g - exp(y) sum(g).

    Raises
    ------
    TypeError, AxisError
        If `axis` is no integer, or x has no such axis.
    """
    axis = one_axis(x, axis)
    if x.size == 0:
        return x.copy(), lambda g: g
    shifted = x - x.max(axis, keepdims=True)
    y = shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))
    return y, lambda g: g - np.exp(y) * g.sum(axis, keepdims=True)


@op(
    samples=(
        *REDUCTIONS,
        OF_NONE,
        Sample(normal(3, 4, scale=1e4), axis=1),
        Extreme(np.array([[-np.inf, 0.5], [-np.inf, -np.inf], [0.0, np.inf]]), axis=1),
    ),
    floating=True,
)
def logsumexp(x: Array, /, axis: Axis = None, keepdims: bool = False) -> ValueAndVJP:
    """y = log sum exp(x); dx = g exp(x) / sum exp(x).

    Where all elements are -inf, y is -inf and dx is NaN, as in PyTorch; of no elements y is -inf.
    """
    top = x.max(axis, keepdims=True, initial=-np.inf)
    weights = np.exp(x - np.where(np.isinf(top), 0, top))
    total = weights.sum(axis, keepdims=True)
    y = np.log(np.maximum(total, 1)) + top  # less only where top is -inf
    return squeezed(y, axis, keepdims), lambda g: weights / total * g.reshape(total.shape)


def exponentiate(scores: Array, again: Callable[[], Array]) -> tuple[Array, Array | int]:
    """Replace scores by exp(scores - top), in place; their sums along the last axis, and top.

    The top is 0 where the sums show that nothing overflowed or was lost, which saves two passes
    over the scores. Where they do not, it is the largest score of each row, and the scores, which
    are gone, come from `again`.

    scores : (..., n); sums, top : (..., 1).
    """
    ones = np.ones((scores.shape[-1], 1), scores.dtype)
    least = math.sqrt(np.finfo(scores.dtype).tiny)
    with np.errstate(over="ignore", invalid="ignore"):
        np.exp(scores, out=scores)
        total = scores @ ones
    if least < total.min(initial=1) and total.max(initial=1) < 1 / least:
        return total, 0
    scores[...] = again()
    top = scores.max(-1, keepdims=True)
    scores -= top
    np.exp(scores, out=scores)
    return scores @ ones, top
