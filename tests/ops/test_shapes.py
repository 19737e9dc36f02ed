"""What has not the axes that an op needs is refused before anything is computed."""

import numpy as np
import pytest

import ops
from ops.shapes import check_shape


def zeros(*shape):
    return np.zeros(shape)


REFUSED = [
    (ops.linear, (zeros(4), zeros(4)), r"weight (d_out, d_in) has the shape (4,)"),
    (ops.linear, (zeros(4), zeros(1, 2, 4)), r"weight (d_out, d_in) has the shape (1, 2, 4)"),
    (ops.linear, (zeros(), zeros(2, 4)), r"x (..., d_in) has the shape (), with d_in = 4"),
    (ops.linear, (zeros(2, 3), zeros(2, 4)), r"x (..., d_in) has the shape (2, 3), with d_in = 4"),
    (
        ops.linear,
        (zeros(4), zeros(2, 4), zeros(1)),
        r"bias (d_out) has the shape (1,), with d_out = 2",
    ),
    (ops.linear, (zeros(4), zeros(2, 4), zeros(1, 2)), r"bias (d_out) has the shape (1, 2)"),
    (ops.embedding, ([0], zeros(3)), r"weight (n, d) has the shape (3,)"),
    (ops.embedding, ([0], zeros(3, 2, 2)), r"weight (n, d) has the shape (3, 2, 2)"),
    (ops.layernorm, (zeros(),), r"x (..., n) has the shape ()"),
    (ops.layernorm, (zeros(2, 3), zeros(2, 3)), r"weight (n) has the shape (2, 3), with n = 3"),
    (ops.layernorm, (zeros(2, 3), zeros(1)), r"weight (n) has the shape (1,), with n = 3"),
    (ops.layernorm, (zeros(2, 3), None, zeros()), r"bias (n) has the shape (), with n = 3"),
    (ops.rmsnorm, (zeros(),), r"x (..., n) has the shape ()"),
    (ops.rmsnorm, (zeros(2, 3), zeros(2)), r"weight (n) has the shape (2,), with n = 3"),
    (ops.conv1d, (zeros(1, 5), zeros(1, 2)), r"weight (outputs, channels / groups, taps) has"),
    (ops.conv1d, (zeros(1, 5), zeros(2, 1, 2), zeros(1)), r"bias (outputs) has the shape (1,)"),
    (ops.causal_attention, (zeros(5, 12), 2), r"qkv (batch, time, width) has the shape (5, 12)"),
    (ops.scaled_dot_product_attention, (zeros(3, 4),) * 3, r"q (..., heads, queries, d_head) has"),
    (
        ops.scaled_dot_product_attention,
        (zeros(1, 3, 4), zeros(1, 3, 4), zeros(3, 4)),
        r"v (..., heads, keys, d_v) has the shape (3, 4), with keys = 3",
    ),
    (
        ops.scaled_dot_product_attention,
        (zeros(1, 3, 4), zeros(1, 3, 5), zeros(1, 3, 4)),
        r"k (..., heads, keys, d_head) has the shape (1, 3, 5), with d_head = 4",
    ),
    (
        ops.scaled_dot_product_attention,
        (zeros(1, 3, 4), zeros(1, 3, 4), zeros(2, 1, 3, 4)),
        r"v, before its heads, of shape (2,) does not broadcast to ()",
    ),
    (
        ops.scaled_dot_product_attention,
        (zeros(3, 1, 3, 4), zeros(2, 1, 3, 4), zeros(1, 3, 4)),
        r"k, before its heads, of shape (2,) does not broadcast to (3,)",
    ),
    *(
        (
            ops.scaled_dot_product_attention,
            (zeros(1, 2, 4), zeros(1, 3, 4), zeros(1, 3, 4), mask),
            rf"a mask of shape {mask.shape} does not broadcast to (1, 2, 3)",
        )
        for mask in (zeros(2), zeros(5, 1, 2, 3), zeros(3, 2, 3) > 0)
    ),
    (ops.softmax, (zeros(3), -1, True), r"x (..., queries, keys) has the shape (3,)"),
    *(
        (
            ops.softmax,
            (zeros(2, 3), -1, False, np.ones(shape, bool)),
            rf"a mask of shape {shape} does not broadcast to (2, 3)",
        )
        for shape in [(2,), (4, 2, 3), (1, 1, 1)]
    ),
    (ops.cross_entropy, (zeros(), 0), r"logits (..., n_classes) has the shape ()"),
    (ops.linear_cross_entropy, (zeros(4), zeros(4), 0), r"weight (n_classes, d) has"),
    (
        ops.linear_cross_entropy,
        (zeros(3), zeros(2, 4), 0),
        r"x (..., d) has the shape (3,), with d",
    ),
    (ops.rotary_embedding, (zeros(4),), r"x (..., time, d_head) has the shape (4,)"),
    (ops.rotary_embedding, (zeros(), 3), r"x (..., d_head) has the shape ()"),
]


@pytest.mark.parametrize(("op", "operands", "says"), REFUSED)
def test_what_has_other_axes_is_named(op, operands, says):
    with pytest.raises(ValueError) as error:
        op(*operands)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("axes", "shape"),
    [("x (n)", (3,)), ("x (m, n)", (2, 3)), ("x (..., n)", (3,)), ("x (..., n)", (1, 2, 3))],
)
def test_what_fits_passes(axes, shape):
    check_shape(zeros(*shape), axes, n=3)
    check_shape(None, axes, n=3)
