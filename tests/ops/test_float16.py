"""float16: computed in float32 and rounded once, forward and back."""

import numpy as np
import pytest

import ops
from tape import REGISTRY, Extreme, Tape, Tensor

from .running import bound, random_like, value_and_gradients

CASES = [
    pytest.param(op, sample, id=f"{op.name}-{i}")
    for op in REGISTRY.values()
    if op.__module__.startswith("ops.") and not op.as_given
    for i, sample in enumerate(op.samples)
    if not isinstance(sample, Extreme)
]


def close(found, exact):
    """Within the rounding of float16, and of float32 among terms as large as the largest."""
    finite = exact[np.isfinite(exact)]
    with np.errstate(over="ignore"):
        rounded = exact.astype(np.float16)
    np.testing.assert_allclose(
        found, rounded, rtol=2e-3, atol=1e-5 * np.abs(finite).max(initial=0) + 1e-6
    )


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize(("op", "sample"), CASES)
def test_value_and_gradients_are_those_of_float64_rounded(op, sample):
    half, call = bound(op, sample, np.float16)
    exact = [x.astype(np.float64) if getattr(x, "dtype", None) == np.float16 else x for x in half]
    y, gradients = value_and_gradients(lambda *x: call(op, *x), *half)
    g = random_like(y)
    expected, exact_gradients = value_and_gradients(
        lambda *x: call(op, *x), *exact, cotangent=g.astype(np.float64)
    )
    assert {x.dtype for x in [y, *gradients]} <= {np.dtype(np.float16)}
    if not np.isfinite(y).all():
        return
    close(y, expected)
    for found, exact_gradient in zip(gradients, exact_gradients, strict=True):
        close(found, exact_gradient)


N = 5000
WIDE = 12 * np.random.default_rng(0).standard_normal((3, 512))

LONG = {
    "mean of 70,000 ones": (ops.mean, [np.ones(70_000)]),
    "sum": (ops.sum, [np.ones(N)]),
    "layernorm": (lambda x: ops.layernorm(x), [WIDE]),
    "rmsnorm": (lambda x: ops.rmsnorm(x), [WIDE]),
    "var": (lambda x: x.var(-1), [WIDE]),
    "std": (lambda x: x.std(-1), [WIDE]),
    "norm": (lambda x: ops.norm(x, axis=-1), [WIDE]),
    "softmax": (ops.softmax, [np.zeros((2, N))]),
    "log_softmax": (ops.log_softmax, [np.zeros((2, N))]),
    "logsumexp": (ops.logsumexp, [np.zeros(N)]),
    "cross_entropy": (lambda x: ops.cross_entropy(x, np.arange(2)), [np.zeros((2, N))]),
    "many rows": (lambda x: ops.cross_entropy(x, np.zeros(N, int)), [np.zeros((N, 2))]),
    "cumsum": (lambda x: ops.cumsum(x), [np.ones(N)]),
    "ties": (ops.max, [np.ones(N)]),
    "bias of linear": (ops.linear, [np.ones((N, 1)), np.ones((1, 1)), np.zeros(1)]),
    "broadcast bias": (ops.add, [np.zeros((N, 2)), np.ones(2)]),
    "repeated indices": (lambda x: x[np.zeros(N, int)], [np.ones(2)]),
    "rows of a table": (lambda w: ops.embedding(np.zeros(N, int), w), [np.ones((2, 2))]),
    "one row added to": (
        lambda x, v: ops.index_add(x, v, np.zeros(N, int)),
        [np.ones(2), np.ones(N)],
    ),
    "tile": (lambda x: ops.tile(x, N), [np.ones(1)]),
    "repeat": (lambda x: ops.repeat(x, N), [np.ones(1)]),
    "broadcast_to": (lambda x: ops.broadcast_to(x, (N, 1)), [np.ones(1)]),
    "pad": (lambda x: ops.pad(x, (0, N), mode="edge"), [np.ones(2)]),
    "einsum": (lambda a, b: ops.einsum("ij,k->k", a, b), [np.ones((70, 70)), np.ones(2)]),
    "matmul": (ops.matmul, [np.ones((1, N)), np.ones((N, 1))]),
    "conv1d": (ops.conv1d, [np.ones((1, N)), np.ones((1, 1, 1)), np.zeros(1)]),
    "attention": (
        lambda q, k, v: ops.scaled_dot_product_attention(q, k, v),
        [np.zeros((1, 1, 2)), np.zeros((1, N, 2)), np.ones((1, N, 2))],
    ),
    "causal attention": (lambda x: ops.causal_attention(x, 1), [np.ones((1, 3000, 3))]),
    "head": (
        lambda x, w: ops.linear_cross_entropy(x, w, np.zeros(N, int)),
        [np.ones((N, 1)), np.ones((2, 1))],
    ),
    "dropout": (lambda x: ops.dropout(x, 0.1, 0), [np.ones(N)]),
    "rotary": (lambda x: ops.rotary_embedding(x, positions=[3001]), [np.ones((1, 64))]),
}


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("case", LONG)
@pytest.mark.pitfall("sums in float16")
def test_trap_sums_do_not_stop_at_2048_nor_angles_turn_wrong(case):
    function, operands = LONG[case]
    half = [x.astype(np.float16) for x in operands]
    cotangent = np.ones(function(*operands).shape)
    y, gradients = value_and_gradients(function, *half, cotangent=cotangent)
    exact = [x.astype(np.float64) for x in half]
    expected, exact_gradients = value_and_gradients(function, *exact, cotangent=cotangent)
    close(y, expected)
    for found, exact_gradient in zip(gradients, exact_gradients, strict=True):
        close(found, exact_gradient)


def test_the_angle_of_a_late_position_is_right_in_float32_too():
    x = np.array([[1.0, 0.0]], np.float32)
    for position in (10**6, 10**7 + 1, 2**24 + 1):
        y = ops.rotary_embedding(x, positions=[position]).data
        np.testing.assert_allclose(y, [[np.cos(position), np.sin(position)]], atol=1e-6)


def test_a_tape_says_float16_and_shows_the_rule_of_the_op():
    x = Tensor(np.ones(3, np.float16), requires_grad=True)
    with Tape() as tape:
        y = ops.exp(x)
    assert tape.records[0].dtype == np.float16
    assert tape.records[0].rule is ops.exp.fn(np.ones(1))[1].__code__
    tape.backward(y, np.ones(3))
    assert x.grad.dtype == np.float16
