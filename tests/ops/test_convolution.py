"""Convolution for all options, and the ones that do not fit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ops
from ops import composed

from .running import value_and_gradients

SMALL = st.integers(1, 3)


@st.composite
def calls(draw):
    """The shapes of x and weight, and the options."""
    taps, width, groups, dilation = (draw(SMALL) for _ in range(4))
    padding = draw(st.integers(0, 3) | st.just("same"))
    stride = 1 if padding == "same" else draw(SMALL)
    span = dilation * (taps - 1) + 1
    zeros = span - 1 if padding == "same" else 2 * padding
    time = draw(st.integers(max(span - zeros, 1), span + 4))
    outer = draw(st.sampled_from([(), (1,), (2,)]))
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return (*outer, width * groups, time), (draw(SMALL) * groups, width, taps), options


@given(calls())
@settings(max_examples=50)
def test_any_options_give_what_the_composed_twin_gives(call):
    x_shape, weight_shape, options = call
    rng = np.random.default_rng(0)
    shapes = (x_shape, weight_shape, weight_shape[:1])
    operands = [rng.standard_normal(shape) for shape in shapes]
    y, gradients = value_and_gradients(lambda *x: ops.conv1d(*x, **options), *operands)
    twin, twin_gradients = value_and_gradients(lambda *x: composed.conv1d(*x, **options), *operands)
    for ours, theirs in zip([y, *gradients], [twin, *twin_gradients], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-11, strict=True)


@pytest.mark.parametrize(
    ("taps", "expected"), [([1.0, 10.0], [21, 32, 3]), ([1.0, 10.0, 100.0], [210, 321, 32])]
)
def test_same_keeps_the_time_with_the_odd_zero_at_the_end(taps, expected):
    y = ops.conv1d([[1.0, 2.0, 3.0]], [[taps]], padding="same")
    np.testing.assert_array_equal(y.data, [expected])


@pytest.mark.parametrize(
    ("x_shape", "options", "says"),
    [
        ((2, 4, 5), {"stride": 0}, "stride=0, dilation=1, groups=1 must be at least 1"),
        ((2, 4, 5), {"dilation": -1}, "dilation=-1"),
        ((2, 4, 5), {"groups": 0}, "groups=0"),
        ((2, 3, 5), {}, r"x of shape \(2, 3, 5\) and weight of shape \(6, 4, 2\) with groups=1"),
        ((2, 16, 5), {"groups": 4}, "with groups=4"),
        ((4,), {}, r"x of shape \(4,\)"),
        ((1, 2, 4, 5), {}, r"x of shape \(1, 2, 4, 5\)"),
        ((2, 4, 5), {"padding": "same", "stride": 2}, "padding='same' with stride=2"),
        ((2, 4, 5), {"padding": "full"}, "padding='full' with stride=1"),
        ((2, 4, 5), {"padding": -1}, "negative"),
        ((2, 4, 5), {"dilation": 5}, "window shape cannot be larger"),
    ],
)
def test_what_does_not_fit_is_named(x_shape, options, says):
    with pytest.raises(ValueError, match=says):
        ops.conv1d(np.zeros(x_shape), np.zeros((6, 4, 2)), **options)
