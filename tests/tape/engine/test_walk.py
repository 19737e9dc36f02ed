"""The walk back, one record at a time."""

import itertools
import weakref

import numpy as np
import pytest

import ops
from tape import Sample, Step, Tape, Tensor, normal, op

RNG = np.random.default_rng(0)
SAMPLES = (Sample(normal(2)),)


def leaf(*shape, dtype=np.float32, name=None):
    return Tensor(np.asarray(RNG.standard_normal(shape), dtype), requires_grad=True, name=name)


def many_paths_to_one_leaf():
    w = leaf(3)
    y = w * 0.1
    for factor in RNG.standard_normal(20):
        y = y + w * float(factor)
    return y


def many_paths_to_one_result():
    h = leaf(3) * leaf(3)
    y = ops.exp(h)
    for factor in RNG.standard_normal(20):
        y = y - h * float(factor)
    return y


def one_tensor_in_all_places():
    w = leaf(3)
    h = w * w
    return h * h + (h - h) + (w + w) / w


def broadcast():
    return leaf(3, 1) * leaf(2, 1, 4) + leaf() - leaf(4) * leaf(3, 1)


def mixed_dtypes():
    single, double = leaf(3), leaf(3, dtype=np.float64)
    return single * double + single * double * double


def products_and_a_loss():
    w, v = leaf(4, 4), leaf(4)
    h = ops.tanh(w @ w + v)
    return ops.mean((h @ w + h) * (h[0] + v))


def results_that_share_a_source():
    @op(samples=SAMPLES)
    def halves(x, /):
        n = len(x) // 2
        return [
            (x[:n], lambda g: np.concatenate([g, 0 * g])),
            (x[n:], lambda g: np.concatenate([0 * g, g])),
        ]

    first, second = halves(leaf(4) * leaf(4))
    return first * second + first


def cotangents_that_share_memory():
    @op(samples=SAMPLES)
    def shared(a, b, c, /):
        def vjp(g):
            h = g * 2
            return h, h, h[...]

        return 2 * (a + b + c), vjp

    a, b = leaf(3), leaf(3)
    return shared(a, b, a * b) + a * b + shared(b, b, a)


NETWORKS = (
    many_paths_to_one_leaf,
    many_paths_to_one_result,
    one_tensor_in_all_places,
    broadcast,
    mixed_dtypes,
    products_and_a_loss,
    results_that_share_a_source,
    cotangents_that_share_memory,
)


@pytest.mark.parametrize("network", NETWORKS)
def test_what_the_steps_hand_out_adds_up_to_what_backward_leaves_and_stays_as_it_was(network):
    with Tape() as tape:
        y = network()
    cotangent = RNG.standard_normal(y.shape).astype(y.dtype)
    gradients = {}
    tape.backward(y, cotangent, into=gradients, keep=True)

    sums, handed_out = {y.number: cotangent}, []
    for step in tape.backward_steps(y, cotangent, into={}):
        np.testing.assert_array_equal(step.cotangent, sums.pop(step.record.number))
        for source, array in zip(step.record.sources, step.cotangents, strict=True):
            if array is not None:
                sums[source] = sums[source] + array if source in sums else array.copy()
                handed_out.append((array, array.copy()))
        handed_out.append((step.cotangent, step.cotangent.copy()))

    assert sums.keys() == gradients.keys()
    for tensor, gradient in gradients.items():
        np.testing.assert_array_equal(sums[tensor], gradient, strict=True)
    for array, as_it_was in handed_out:
        np.testing.assert_array_equal(array, as_it_was)


@pytest.mark.parametrize("network", NETWORKS)
def test_trap_a_gradient_shares_no_memory_with_what_the_steps_handed_out(network):
    with Tape() as tape:
        y = network()
    sink = {}
    arrays = [
        array
        for step in tape.backward_steps(y, np.ones(y.shape), into=sink)
        for array in (step.cotangent, *step.cotangents)
        if array is not None
    ]

    for array, gradient in itertools.product(arrays, sink.values()):
        assert not np.shares_memory(array, gradient)


def test_steps_go_from_the_output_down_and_pass_over_what_it_does_not_depend_on():
    w = leaf(3)

    with Tape() as tape:
        y = w * 2.0
        ops.exp(w)
        Tensor([1.0]) + 1.0
        loss = y.sum()
        ops.exp(loss)
    steps = list(tape.backward_steps(loss))

    assert [step.record for step in steps] == [tape.records[3], tape.records[0]]
    assert all(isinstance(step, Step) for step in steps)


def test_operands_that_want_no_gradient_are_handed_none():
    w = leaf(2, 3, name="w")

    with Tape() as tape:
        y = ops.linear(np.ones((1, 3), np.float32), w)
    (step,) = tape.backward_steps(y, np.ones((1, 2)))

    x, weight, bias = step.cotangents
    assert x is None and bias is None
    np.testing.assert_array_equal(weight, np.ones((2, 3)))


def test_gradients_appear_when_the_last_step_has_been_taken():
    w = leaf(3)

    with Tape() as tape:
        loss = (w * 2.0).sum()
    steps = tape.backward_steps(loss)
    assert [next(steps).record.number, next(steps).record.number] == [1, 0]
    assert w.grad is None
    assert next(steps, None) is None

    np.testing.assert_array_equal(w.grad, [2, 2, 2])


def test_a_walk_that_is_left_leaves_no_gradients_and_with_keep_another_can_be_made():
    w, v = leaf(3), leaf(3)

    with Tape() as tape:
        loss = (w * 2.0 * v).sum()
    for step in tape.backward_steps(loss, keep=True):
        if step.record.op is ops.multiply:  # v has its cotangent, w has not
            break
    assert w.grad is None and v.grad is None

    tape.backward(loss)
    np.testing.assert_allclose(w.grad, 2 * v.data)


def test_into_and_keep_mean_what_they_mean_to_backward():
    w = leaf(3)
    sink = {w: np.ones(3, np.float32)}

    with Tape() as tape:
        loss = (w * 2.0).sum()
    for keep in ({"keep": True}, {}):
        list(tape.backward_steps(loss, 2.0, into=sink, **keep))

    np.testing.assert_array_equal(sink[w], [9, 9, 9])
    assert w.grad is None
    with pytest.raises(RuntimeError, match=r"#1 sum\(#0\).*released.*keep=True"):
        list(tape.backward_steps(loss, into=sink))


@pytest.mark.parametrize("walk", [Tape.backward, Tape.backward_steps])
def test_the_walk_holds_nothing_of_the_steps_that_were_taken_but_sums(walk):
    """The leaf w is an operand of four ops in a chain."""
    to_the_chain, to_w, alive = [], [], []

    def alive_of(arrays):
        return [i for i, array in enumerate(arrays) if array() is not None]

    @op(samples=SAMPLES)
    def link(x, w, /):
        def vjp(g):
            alive.append((alive_of(to_the_chain), alive_of(to_w)))
            dx, dw = g * 1, g * 2
            to_the_chain.append(weakref.ref(dx))
            to_w.append(weakref.ref(dw))
            return dx, dw

        return x * 1, vjp

    w = leaf(3)
    with Tape() as tape:
        y = link(link(link(link(leaf(3), w), w), w), w)
    for _ in walk(tape, y, np.ones(3)) or ():
        del _

    assert [chain for chain, _ in alive] == [[], [0], [1], [2]], "what has just been handed out"
    assert [sums for _, sums in alive[2:]] in ([[0], [0]], [[], []]), "the sum, at most"
    np.testing.assert_array_equal(w.grad, [8, 8, 8])


def test_a_step_says_how_large_the_cotangents_are():
    w = leaf(2, name="w")
    w.data[...] = 3, 4

    with Tape() as tape:
        y = w * 2.0
    (step,) = tape.backward_steps(y, [3.0, 4.0])

    assert str(step) == (
        "#0 multiply(w, leaf) -> float32(2,); norm of cotangent: 5 in, 10, None out"
    )


KEPT = {"one": np.ones((2, 3)), "both": np.ones((4, 3))}


def one_array_twice(g):
    h = g.copy()
    return h, h


@pytest.mark.parametrize(
    ("vjp", "in_place"),
    [
        (lambda g: (g.copy(), g.copy()), 2),
        (lambda g: (lambda: g.copy(), lambda: g * 1), 2),
        (lambda g: (g, g.copy()), 1),
        (lambda g: (g[...], lambda: g), 0),
        (one_array_twice, 0),
        (lambda g: (KEPT["one"], KEPT["one"] * 1), 1),
        (lambda g: (lambda: KEPT["one"], lambda: KEPT["one"]), 0),
        (lambda g: (KEPT["both"][:2], KEPT["both"][2:]), 0),
        (lambda g: (np.broadcast_to(g[0], (2, 3)), np.ones((5, 2, 3))), 1),
    ],
)
def test_trap_an_array_is_added_to_in_place_only_if_nobody_else_has_it(monkeypatch, vjp, in_place):
    made, empty_like = [], np.empty_like
    monkeypatch.setattr(np, "empty_like", lambda x: made.append(x) or empty_like(x))

    @op(samples=SAMPLES)
    def sender(a, b, /):
        return a + b, vjp

    with Tape() as tape:
        a, b = (leaf(2, 3, dtype=np.float64) * 1.0 for _ in range(2))
        y = (a + b) + sender(a, b)
    tape.backward(y, np.ones((2, 3)))

    assert 2 - len(made) == in_place, "a new array is made where it may not be written to"
    assert all((kept == 1).all() for kept in KEPT.values())
