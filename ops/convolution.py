"""Convolution along time."""

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ops.shapes import check_shape
from tape import Array, Sample, ValueAndVJP, normal, op


def _flops(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: int = 1,
    padding: int | str = 0,
    dilation: int = 1,
    groups: int = 1,
) -> int:
    span = dilation * (weight.shape[-1] - 1) + 1
    n_windows = _n_windows(x.shape[-1] + sum(_pads(padding, span, stride)), span, stride)
    return 2 * math.prod(x.shape[:-2]) * n_windows * weight.size


@op(
    samples=(
        Sample(normal(2, 3, 7), normal(4, 3, 3), normal(4)),
        Sample(normal(2, 4, 9), normal(6, 2, 3), normal(6), 2, 1, 2, 2),
        Sample(normal(3, 6), normal(3, 1, 2), stride=3, padding=2, groups=3),
        Sample(normal(1, 2, 5), normal(2, 2, 3), padding="same", dilation=2),
        Sample(normal(2, 2, 3), normal(2, 2, 3), normal(2), padding="valid"),
        Sample(normal(0, 2, 3), normal(4, 2, 2), normal(4)),
    ),
    flops=_flops,
)
def conv1d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    /,
    stride: int = 1,
    padding: int | str = 0,
    dilation: int = 1,
    groups: int = 1,
) -> ValueAndVJP:
    """y[o, t] = bias[o] + sum of weight[o, c, tap] x[c, stride t + dilation tap], as in PyTorch.

    x : (batch, channels, time) or (channels, time), to which `padding` adds zeros: that many at
    either end, none if "valid", as many as keep the time if "same" (an odd one at the end);
    weight : (outputs, channels / groups, taps); bias : (outputs,);
    result : (batch, outputs, windows) or (outputs, windows). With `groups`, the outputs of each
    equal part see the channels of the same part.

    With W the windows of x, one in each column, y = weight W: dweight = g W^T, dW = weight^T g,
    dx sums dW over the windows that an element is in, and dbias sums g.

    Raises
    ------
    ValueError
        If the shapes and `groups` do not fit, a window is longer than the padded x, an option is
        out of its range, or padding is "same" with a stride.
    """
    if min(stride, dilation, groups) < 1:
        given = f"stride={stride}, dilation={dilation}, groups={groups}"
        raise ValueError(f"all of {given} must be at least 1")
    check_shape(weight, "weight (outputs, channels / groups, taps)")
    outputs, width, taps = weight.shape
    check_shape(bias, "bias (outputs)", outputs=outputs)
    if x.ndim not in (2, 3) or x.shape[-2] != width * groups or outputs % groups:
        raise ValueError(
            f"x of shape {x.shape} and weight of shape {weight.shape} with groups={groups} are "
            "not (batch, channels, time) and (outputs, channels / groups, taps)"
        )
    *outer, channels, time = x.shape
    batch, span = math.prod(outer), dilation * (taps - 1) + 1
    before, after = _pads(padding, span, stride)
    n_windows = _n_windows(before + time + after, span, stride)
    filters = weight.reshape(groups, outputs // groups, width * taps)

    def windows(padded: Array) -> Array:
        """A view of shape (taps, batch, channels, windows)."""
        found = sliding_window_view(padded, span, -1, writeable=True)
        return np.moveaxis(found[..., ::stride, ::dilation], -1, 0)

    def columns() -> Array:
        """W of each group; the VJP makes it anew, as it is `taps` times the size of x."""
        padded = np.pad(x.reshape(batch, channels, time), ((0, 0), (0, 0), (before, after)))
        table = windows(padded).transpose(2, 0, 1, 3)  # (channels, taps, batch, windows)
        return table.reshape(groups, width * taps, batch * n_windows)

    def vjp(g: Array) -> Any:
        g = g.reshape(batch, outputs, n_windows).swapaxes(0, 1)
        g = g.reshape(groups, outputs // groups, batch * n_windows)

        def dx() -> Array:
            dcolumns = (filters.swapaxes(1, 2) @ g).reshape(channels, taps, batch, n_windows)
            dpadded = np.zeros((batch, channels, before + time + after), g.dtype)
            # The windows of one tap do not overlap, so that += reaches each element once.
            for dx_of_tap, dcolumns_of_tap in zip(
                windows(dpadded), dcolumns.transpose(1, 2, 0, 3), strict=True
            ):
                dx_of_tap += dcolumns_of_tap
            return dpadded[..., before : before + time].reshape(x.shape)

        return (
            dx,
            lambda: (g @ columns().swapaxes(1, 2)).reshape(weight.shape),
            lambda: g.sum(2).reshape(outputs),
        )

    y = (filters @ columns()).reshape(outputs, batch, n_windows)
    if bias is not None:
        y += bias[:, None, None]
    return y.swapaxes(0, 1).reshape(*outer, outputs, n_windows), vjp


def _pads(padding: int | str, span: int, stride: int) -> tuple[int, int]:
    """Zeros before and after, for windows that span so many elements."""
    if padding == "valid":
        return 0, 0
    if padding == "same" and stride == 1:
        return (span - 1) // 2, span // 2
    if isinstance(padding, str):
        allowed = 'a number, "valid" or, with stride=1, "same"'
        raise ValueError(f"padding={padding!r} with stride={stride}: padding is {allowed}")
    return padding, padding


def _n_windows(length: int, span: int, stride: int) -> int:
    return (length - span) // stride + 1
