"""The tape: what it records, and the gradients that a walk back along it leaves."""

import doctest
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import ops
from tape import Sample, Tape, Tensor, current_tape, normal, op, scope

RNG = np.random.default_rng(0)
SAMPLES = (Sample(normal(2)),)


def leaf(*shape, dtype=np.float32, name=None):
    return Tensor(np.asarray(RNG.standard_normal(shape), dtype), requires_grad=True, name=name)


def here():
    """ "file:line" of the caller, as records know it."""
    return f"{__file__}:{sys._getframe(1).f_lineno}"


def op_with_vjp(vjp, name="planted"):
    """An op that adds its two operands and has the rule `vjp`."""

    def planted(a, b, /):
        return a + b, vjp

    planted.__name__ = name
    return op(samples=SAMPLES)(planted)


def test_the_examples_in_its_docstrings_run():
    failed, attempted = doctest.testmod(sys.modules[Tape.__module__])
    assert attempted and not failed


# What is recorded


def test_records_stand_in_the_order_of_the_ops_and_know_their_sources():
    w, x = leaf(3, name="w"), Tensor(np.ones((2, 3), np.float32))

    with Tape() as tape, scope("loss"):
        loss = (w * x).sum()

    product, total = tape.records
    assert (len(tape), loss.tape, loss.number) == (2, tape, 1)
    assert repr(tape) == "<Tape of 2 records>"
    assert (product.sources, total.sources) == ((w, x), (0,))
    assert (product.op, product.shape, product.dtype) == (ops.multiply, (2, 3), np.float32)
    assert [str(product), str(total)] == [
        "#0 multiply(w, leaf) -> float32(2, 3) in loss",
        "#1 sum(#0) -> float32() in loss",
    ]


def test_an_op_outside_a_tape_is_not_recorded():
    y = leaf(2) * 2.0

    assert (y.tape, y.number, y.requires_grad) == (None, None, False)


# Tapes within tapes and threads


@pytest.mark.pitfall("state left behind by an exception inside a tape")
def test_trap_an_exception_inside_a_tape_leaves_no_state_behind():
    with Tape() as outer:
        with pytest.raises(ZeroDivisionError), Tape() as inner:
            assert current_tape() is inner
            raise ZeroDivisionError
        assert current_tape() is outer
    assert current_tape() is None


def test_tapes_may_close_in_any_order():
    first, second, third = Tape(), Tape(), Tape()
    with first:
        second.__enter__()
        third.__enter__()
        with first:
            assert current_tape() is first
        assert current_tape() is third
    third.__exit__()
    assert current_tape() is second
    second.__exit__()
    assert current_tape() is None


def test_a_gradient_through_complex_numbers_is_refused():
    w = Tensor(np.ones(2), requires_grad=True)
    with Tape(), pytest.raises(TypeError, match="complex numbers, which multiply made"):
        w * 1j
    with Tape():
        assert (np.ones(2) * Tensor(1j)).dtype == np.complex128, "but nothing wants one here"


def test_the_innermost_tape_records_and_what_an_outer_one_recorded_is_a_leaf_to_it():
    w = leaf(3)

    with Tape() as outer:
        y = w * 2.0
        with Tape() as inner:
            loss = (y * y).sum()
        z = y * loss
    inner.backward(loss)

    assert (len(outer), len(inner)) == (2, 2)
    assert inner.records[0].sources == (y, y)
    assert outer.records[1].sources == (0, loss)
    np.testing.assert_array_equal(y.grad, 2 * y.data)
    assert w.grad is None
    assert z.tape is outer


def test_another_thread_sees_no_tape_and_no_scope():
    w = leaf(3)

    def record_one():
        before = current_tape()
        with Tape() as tape:
            _ = w * 2.0
        return before, tape.records[0].scope

    with Tape() as tape, scope("main"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(record_one).result() == (None, "")
    assert len(tape) == 0


def test_threads_with_tapes_and_sinks_of_their_own_share_parameters():
    w = leaf(3)
    batches = RNG.standard_normal((2, 50, 3)).astype(np.float32)
    together = threading.Barrier(2, timeout=30)

    def gradient(batch):
        sink = {}
        for x in batch:
            with Tape() as tape:
                together.wait()
                loss = (w * x).sum()
            tape.backward(loss, into=sink)
        return sink[w]

    with ThreadPoolExecutor(2) as pool:
        gradients = list(pool.map(gradient, batches))

    np.testing.assert_allclose(gradients, batches.sum(1), rtol=1e-4, atol=1e-5)
    assert w.grad is None


# The sums that a walk makes


@pytest.mark.parametrize("options", [{"guard": False}, {"keep_results": True}])
def test_a_tape_that_watches_more_or_less_finds_the_same_gradients(options):
    w, x = leaf(4, 4), leaf(4)
    gradients = {}, {}

    for tape, sink in zip((Tape(), Tape(**options)), gradients, strict=True):
        with tape:
            loss = (ops.tanh(w @ w + x) * x).sum()
        tape.backward(loss, into=sink)

    for tensor in (w, x):
        np.testing.assert_array_equal(gradients[0][tensor], gradients[1][tensor])


def test_trap_100_000_chained_ops_need_no_recursion_and_no_patience():
    w = leaf(2)
    start = time.perf_counter()

    with Tape() as tape:
        y = w
        for _ in range(100_000):
            y = y * -1.0
    tape.backward(y, [3.0, 5.0], keep=True)
    seen = weakref.ref(tape)
    del tape, y

    assert seen() is None, "a tape goes with its last name: no cycle keeps it"
    np.testing.assert_array_equal(w.grad, [3.0, 5.0])
    assert time.perf_counter() - start < 60, "some 2 s, were the walk not quadratic"


@pytest.mark.pitfall("broadcasting not summed back")
def test_trap_broadcasting_is_summed_back():
    a, b, c = leaf(3, 1), leaf(2, 1, 4), leaf()
    g = RNG.standard_normal((2, 3, 4)).astype(np.float32)

    with Tape() as tape:
        y = a * b + c
    tape.backward(y, g)

    np.testing.assert_allclose(a.grad, (g * b.data).sum((0, 2))[:, None], rtol=1e-5)
    np.testing.assert_allclose(b.grad, (g * a.data).sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(c.grad, g.sum(), rtol=1e-5)


@pytest.mark.pitfall("two inputs that are the same tensor")
def test_trap_two_inputs_that_are_the_same_tensor_both_count():
    x = leaf(3)

    with Tape() as tape:
        y = x * x + (x - x) + (x + x)
    tape.backward(y, np.ones(3))

    np.testing.assert_allclose(x.grad, 2 * x.data + 2, rtol=1e-6)


@pytest.mark.pitfall("tied weights")
def test_trap_tied_weights_get_the_gradient_of_both_uses():
    tied = leaf(5, 3)
    table, head = (Tensor(tied.data, requires_grad=True) for _ in range(2))
    ids = np.array([1, 4, 1])

    for embedding, unembedding in ((tied, tied), (table, head)):
        with Tape() as tape:
            loss = ops.cross_entropy(ops.embedding(ids, embedding) @ unembedding.T, ids)
        tape.backward(loss)

    np.testing.assert_allclose(tied.grad, table.grad + head.grad, rtol=1e-5, atol=1e-7)


@pytest.mark.pitfall("a branch the loss does not reach")
def test_trap_a_branch_the_loss_does_not_reach_is_not_walked():
    w, unreached = leaf(3), leaf(3)
    called = []
    planted = op_with_vjp(called.append)

    with Tape() as tape:
        y = w * 2.0
        planted(y, unreached)
        loss = y.sum()
        planted(loss, unreached)
    tape.backward(loss)

    assert called == []
    assert unreached.grad is None
    np.testing.assert_array_equal(w.grad, [2, 2, 2])


def test_constants_get_no_gradient():
    w, constant = leaf(3), Tensor(np.ones(3, np.float32))

    with Tape() as tape:
        loss = (w * constant).sum()
    tape.backward(loss)

    assert constant.grad is None


def test_gradients_of_several_walks_add_up():
    w = leaf(3)

    for factor in (2.0, 3.0):
        with Tape() as tape:
            loss = (w * factor).sum()
        tape.backward(loss)

    np.testing.assert_array_equal(w.grad, [5, 5, 5])


def test_a_walk_into_a_dict_sums_there_and_leaves_grad_alone():
    w, b = leaf(3), leaf(3)
    buffer = np.ones(3, np.float32)
    sink = {w: buffer}

    for _ in range(2):
        with Tape() as tape:
            loss = (w * 2.0 + b).sum()
        tape.backward(loss, into=sink)

    assert sink[w] is buffer, "an array that is there is summed in place"
    np.testing.assert_array_equal(buffer, [5, 5, 5])
    np.testing.assert_array_equal(sink[b], [2, 2, 2])
    assert w.grad is None and b.grad is None


def test_what_is_left_to_map_is_made_only_for_operands_that_want_it():
    w, b, x = leaf(2, 3), leaf(2), Tensor(RNG.standard_normal((4, 3)).astype(np.float32))
    left = []

    def noting(fn, items):
        left.append(len(items))
        return map(fn, items)

    with Tape() as tape:
        loss = ops.linear(x, w, b).sum()
    tape.backward(loss, mapper=noting)

    assert left == [0, 2], "of the sum, and of linear's weight and bias"
    np.testing.assert_allclose(w.grad, np.ones((2, 1)) * x.data.sum(0), rtol=1e-5)
    np.testing.assert_array_equal(b.grad, [4, 4])


# Whose memory a gradient is in


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "data",
    [np.zeros(()), np.zeros((0, 3)), np.zeros((1, 1)), np.zeros((4, 6)).T, np.zeros((4, 6))[::2]],
    ids=["0-d", "empty", "one element", "column-major", "strided"],
)
@pytest.mark.pitfall("0-d and empty arrays")
def test_trap_0d_empty_and_non_contiguous_leaves_get_gradients_like_themselves(data, dtype):
    w, b = (Tensor(data.astype(dtype), requires_grad=True) for _ in range(2))
    cotangent = RNG.standard_normal((*data.shape, 2)).astype(dtype)[..., 0]  # non-contiguous

    with Tape() as tape:
        y = (w + b).T.T
    tape.backward(y, cotangent)

    for tensor in (w, b):
        assert type(tensor.grad) is np.ndarray
        assert (tensor.grad.shape, tensor.grad.dtype) == (data.shape, dtype)
        assert tensor.grad.flags.owndata and tensor.grad.flags.writeable
        assert not np.shares_memory(tensor.grad, cotangent)
        np.testing.assert_array_equal(tensor.grad, cotangent)


@pytest.mark.parametrize("dtypes", [(np.float32, np.float64), (np.float64, np.float32)])
def test_gradients_of_mixed_dtypes_are_cast_back_to_those_of_their_leaves(dtypes):
    a, b = (leaf(2, 3, dtype=dtype) for dtype in dtypes)

    with Tape() as tape:
        loss = (a @ b.T).sum()
    tape.backward(loss)

    assert (a.grad.dtype, b.grad.dtype) == dtypes


def give_twice(g):
    return g, g


def give_and_view(g):
    return g, g[...]


def fresh_twice(g):
    h = g.copy()
    return h, h


def halves_of_one(g):
    h = np.concatenate([g, g])
    return h[: len(g)], h[len(g) :]


def fresh_and_view(g):
    h = g.copy()
    return h, h[...]


def fresh_and_function(g):
    h = g.copy()
    return h, lambda: h


def one_array_from_two_functions(g):
    h = g.copy()
    return lambda: h, lambda: h


def function_of_a_fresh_array(g):
    h = g.copy()
    return h, lambda: h * 1


SHARING = (
    give_twice,
    give_and_view,
    fresh_twice,
    halves_of_one,
    fresh_and_view,
    fresh_and_function,
    one_array_from_two_functions,
    function_of_a_fresh_array,
)


@pytest.mark.parametrize("vjp", SHARING)
@pytest.mark.parametrize("other_uses", ["before", "after", "both"])
@pytest.mark.pitfall("a gradient buffer shared by two tensors")
def test_trap_a_gradient_buffer_is_not_shared_by_two_tensors(vjp, other_uses):
    @op(samples=SAMPLES)
    def same(x, /):
        return x, lambda g: g

    a, b = leaf(2, 3), leaf(2, 3)
    cotangent = np.ones((2, 3), np.float32)

    with Tape() as tape:
        before = a * 10.0 + b
        y = op_with_vjp(vjp)(same(a), b)
        after = a + b * 10.0
        if other_uses != "after":
            y = y + before
        if other_uses != "before":
            y = y + after
    tape.backward(y, cotangent)

    expected = {"before": (11, 2), "after": (2, 11), "both": (12, 12)}[other_uses]
    for tensor, value in zip((a, b), expected, strict=True):
        np.testing.assert_array_equal(tensor.grad, np.full((2, 3), value))
    np.testing.assert_array_equal(cotangent, np.ones((2, 3)))

    a.grad[...] = 7
    np.testing.assert_array_equal(b.grad, np.full((2, 3), expected[1]))


def test_trap_no_array_that_was_saved_or_handed_in_is_changed():
    w, x, cotangent = leaf(3, 3), leaf(3, 3), np.eye(3, dtype=np.float32)
    for array in (w.data, x.data, cotangent):
        array.flags.writeable = False

    with Tape() as tape:
        h = w * x + w.T + x
        h.data.flags.writeable = False
        y = (h * h + h).reshape(9).reshape(3, 3)
    tape.backward(y, cotangent, keep=True)
    first = w.grad.copy()
    tape.backward(y, cotangent)

    np.testing.assert_array_equal(w.grad, 2 * first)


# What it costs


def test_a_timed_tape_knows_what_ops_and_vjps_took():
    @op(samples=SAMPLES)
    def slow(a, b, /):
        def vjp(g):
            def da():
                time.sleep(0.02)
                return g

            time.sleep(0.02)
            return da, lambda: time.sleep(60)  # nobody wants this one

        time.sleep(0.02)
        return a + b, vjp

    with Tape(timed=True) as tape:
        loss = slow(leaf(3), np.ones(3)).sum()
    assert 0.02 <= tape.clock.forward[0] < 1
    assert tape.clock.back == {}

    for _ in tape.backward_steps(loss):
        time.sleep(0.02)
    assert 0.04 <= tape.clock.back[0] < 1
    assert 0 < tape.clock.back[1] < 0.02, "what is done between the steps is not counted"


# What a walk releases


@pytest.mark.parametrize("keep", [False, True])
def test_records_release_what_they_saved_while_the_walk_goes_on(keep):
    saved, alive = [], []

    @op(samples=SAMPLES)
    def early(x, /):
        def vjp(g):
            alive.append(saved[0]() is not None)
            return g

        return x + 1, vjp

    @op(samples=SAMPLES)
    def late(x, /):
        factor = np.full_like(x, 2)
        saved.append(weakref.ref(factor))
        return x * factor, lambda g: g * factor

    with Tape() as tape:
        loss = late(early(leaf(3))).sum()
    assert saved[0]() is not None
    tape.backward(loss, keep=keep)

    assert alive == [keep]


def test_an_op_on_constants_saves_nothing():
    saved = []

    @op(samples=SAMPLES)
    def scaled(x, /):
        factor = np.full_like(x, 2)
        saved.append(weakref.ref(factor))
        return x * factor, lambda g: g * factor

    with Tape() as tape:
        scaled(Tensor([1.0]))

    assert len(tape) == 1
    assert saved[0]() is None


@pytest.mark.parametrize("keep_results", [False, True])
def test_the_tape_holds_results_only_when_it_is_told_to(keep_results):
    w = leaf(3)

    with Tape(keep_results=keep_results) as tape:
        y = w + 1.0
        result = weakref.ref(y.data)
        y = y + 1.0
    tape.backward(y, np.ones(3))

    assert (result() is not None) is keep_results
    assert (tape.results is not None) is keep_results
    assert not keep_results or tape.results.arrays[1] is y.data


def test_a_second_walk_doubles_with_keep_and_is_an_error_without():
    w, v = leaf(3), leaf(3)

    with Tape() as tape:
        y = w * 2.0
        loss = (y * v).sum()
        tape.backward(loss, keep=True)
        once = w.grad.copy()
        tape.backward(loss)
        other_loss = (y * v).sum()
    np.testing.assert_array_equal(w.grad, 2 * once)

    v.grad = None
    for again in (loss, other_loss):
        with pytest.raises(RuntimeError, match=r"#\d+ \w+\(.*released.*keep=True"):
            tape.backward(again)
    assert v.grad is None, "the walk reached v before it failed"
    np.testing.assert_array_equal(w.grad, 2 * once)


# Errors


@pytest.mark.parametrize(
    ("vjp", "kind", "says"),
    [
        (lambda g: (g, g.astype(np.float64)), TypeError, "float64 for an operand of float32"),
        (lambda g: (g, g[:1]), ValueError, r"shape \(1, 3\) for an operand of \(2, 3\)"),
        (lambda g: (g, g.T), ValueError, r"shape \(3, 2\) for an operand of \(2, 3\)"),
        (lambda g: g, ValueError, "1 cotangents for 2 operands"),
        (lambda g: (g, g, g), ValueError, "3 cotangents for 2 operands"),
        (lambda g: (g, "g"), TypeError, "no array of numbers"),
        (lambda g: (g, lambda: {}[0]), KeyError, "0"),
    ],
)
def test_a_faulty_vjp_is_named_and_leaves_no_partial_gradient(vjp, kind, says):
    a, b, reached_before = leaf(2, 3), leaf(2, 3), leaf(2, 3)
    a.grad = np.ones((2, 3), np.float32)

    with Tape() as tape:
        with scope("blocks"), scope("3"):
            y, line = op_with_vjp(vjp, "faulty")(a, b), here()
        loss = (y * reached_before * a).sum()
    with pytest.raises(kind, match=says) as error:
        tape.backward(loss)

    (note,) = error.value.__notes__
    for part in ("faulty(float32(2, 3), float32(2, 3))", line, "blocks.3"):
        assert part in note
    np.testing.assert_array_equal(a.grad, np.ones((2, 3)))
    assert b.grad is None and reached_before.grad is None


def test_an_error_in_the_forward_of_an_op_names_the_call_its_line_and_scope():
    x, y = leaf(2, 3), leaf(4, dtype=np.float64)

    with pytest.raises(ValueError) as error, scope("blocks.3"):
        _ = (line := here(), x + y)

    (note,) = error.value.__notes__
    assert "add(float32(2, 3), float64(4,))" in note
    assert line in note
    assert "blocks.3" in note


def recorded(*shape):
    with Tape() as tape:
        return tape, leaf(*shape) * 1.0


def without_gradient():
    with Tape() as tape:
        return tape, Tensor([1.0]) * 2.0


@pytest.mark.parametrize(
    ("tape", "output", "cotangent", "says"),
    [
        (*recorded(2, 3), None, r"shape \(2, 3\) needs a cotangent"),
        (*recorded(2, 3), np.ones(3), r"shape \(3,\) for an output of \(2, 3\)"),
        (*recorded(), np.ones(1), r"shape \(1,\) for an output of \(\)"),
        (Tape(), recorded()[1], None, "this tape did not record"),
        (Tape(), leaf(), None, "this tape did not record"),
        (*without_gradient(), None, r"#0 multiply.* requires_grad=True"),
    ],
)
@pytest.mark.parametrize("walk", [Tape.backward, Tape.backward_steps])
def test_a_walk_that_cannot_start_says_why_at_once(walk, tape, output, cotangent, says):
    with pytest.raises(ValueError, match=says):
        walk(tape, output, cotangent)


def chain_with(vjp):
    """x times 2, then an op with `vjp`, then times 3; the array that the op keeps is `KEPT`."""

    @op(samples=SAMPLES)
    def link(x, /):
        return x * 1, vjp

    x = leaf(3, dtype=np.float64)
    with Tape() as tape:
        y = link(x * 2.0) * 3.0
    return tape, x, y


@pytest.mark.parametrize("hand_out", [lambda w: w, lambda w: (w,), lambda w: lambda: w])
@pytest.mark.parametrize("into", [None, {}])
@pytest.mark.pitfall("a rule that keeps the array it returns")
def test_trap_an_array_that_a_vjp_keeps_is_not_written_to(hand_out, into):
    kept = {"w": np.ones(3)}  # where no closure shows it

    @op(samples=SAMPLES)
    def keeps(x, /):
        return x * 1, lambda g: hand_out(kept["w"])

    x = leaf(3, dtype=np.float64)
    with Tape() as tape:
        y = keeps(x) + x * 2.0 + keeps(x) + x
    tape.backward(y, np.ones(3), into=into)
    np.testing.assert_array_equal(kept["w"], 1)
    gradient = x.grad if into is None else into[x]
    np.testing.assert_array_equal(gradient, 5)
    gradient += 1
    np.testing.assert_array_equal(kept["w"], 1)


@pytest.mark.parametrize("owned", [True, False])
def test_a_vjp_that_writes_to_its_cotangent_fails_by_name(owned):
    tape, _, y = chain_with(lambda g: np.multiply(g, 2, out=g))
    cotangent = np.ones(3) if owned else np.ones((2, 3))[0]
    with pytest.raises(ValueError, match="read-only") as error:
        tape.backward(y, cotangent)
    assert "in the VJP of link(float64(3,))" in error.value.__notes__[0]
    assert cotangent.flags.writeable


def test_a_walk_that_failed_is_named_by_those_that_are_tried_again():
    tape, x, y = chain_with(lambda g: g[:, None])
    for expected, says in (
        (ValueError, "cotangent of shape"),
        (RuntimeError, r"ValueError: a cot"),
    ):
        with pytest.raises(expected, match=says):
            tape.backward(y, np.ones(3))
    with pytest.raises(RuntimeError, match=r"walk that ended in ValueError: .*; run the ops"):
        tape.backward(y, np.ones(3))
    assert x.grad is None


def test_a_walk_that_failed_and_kept_its_records_may_be_tried_again():
    faults = [ValueError("once")]

    def vjp(g):
        if faults:
            raise faults.pop()
        return g

    tape, x, y = chain_with(vjp)
    with pytest.raises(ValueError, match="once"):
        tape.backward(y, np.ones(3), keep=True)
    tape.backward(y, np.ones(3))
    np.testing.assert_array_equal(x.grad, 6)
    with pytest.raises(RuntimeError, match="pass keep=True"):
        tape.backward(y, np.ones(3))


def test_a_complex_cotangent_is_refused():
    tape, _, y = chain_with(lambda g: g)
    with pytest.raises(TypeError, match="a complex cotangent for an output of float64"):
        tape.backward(y, np.ones(3) * 1j)


@pytest.mark.parametrize("into", [None, {}])
@pytest.mark.parametrize("of_leaf", [True, False])
@pytest.mark.pitfall("sums in float16")
def test_trap_gradients_of_float16_add_up_beyond_2048(of_leaf, into):
    n = 5000
    x, bias = (Tensor(np.ones(shape, np.float16), True) for shape in ((n,), ()))
    with Tape() as tape:
        used = bias if of_leaf else bias * 1.0
        y = x + used
        for _ in range(n // 2):
            y = y + used
    tape.backward(y, np.ones(n) / n, into=into)
    gradient = bias.grad if into is None else into[bias]
    assert gradient.dtype == np.float16
    np.testing.assert_allclose(gradient, 1 + n // 2, rtol=2e-3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    "combine",
    [lambda x: np.ones(3) * x.sum(), lambda x: x[0] * np.ones((2, 1)), lambda x: x - x.max()],
)
def test_trap_a_number_that_was_broadcast_gets_its_sum_back(combine, dtype):
    x = Tensor(np.array([1, 2, 3], dtype), requires_grad=True)
    with Tape() as tape:
        y = combine(x)
    (*_, first) = tape.backward_steps(y, np.ones(y.shape), keep=True)
    assert isinstance(first.cotangent, np.ndarray)
    tape.backward(y, np.ones(y.shape), into={})


def test_a_walk_that_succeeds_forgets_the_failure_of_another():
    tape, _, y = chain_with(lambda g: g[:, None])
    with pytest.raises(ValueError, match="cotangent of shape"):
        tape.backward(y, np.ones(3), keep=True)
    assert tape.failure is None
    with tape:
        other = Tensor(np.ones(3), requires_grad=True) * 2
    with pytest.raises(ValueError, match="cotangent of shape"):
        tape.backward(y, np.ones(3))
    with pytest.raises(RuntimeError) as again:
        tape.backward(y, np.ones(3))
    assert tape.failure.startswith("ValueError: ")
    assert str(again.value).count("ended in") == 1
    tape.backward(other, np.ones(3))
    assert tape.failure is None


def test_three_cotangents_of_float16_add_up_in_float32():
    x = Tensor(np.ones(1, np.float16), requires_grad=True)
    with Tape() as tape:
        one, another, many = x * 1, x * 1, x * 2048
        loss = one + another + many
    tape.backward(loss, np.ones(1))
    np.testing.assert_array_equal(x.grad, 2050)


def test_cotangents_of_float16_are_rounded_and_add_up_in_a_dict():
    x = Tensor(np.ones(1, np.float16), requires_grad=True)
    into = {}
    with Tape() as tape:
        h = x * 1.5
        loss = h * 2048 + h
    for walks in (1, 2):
        tape.backward(loss, np.ones(1), into=into, keep=True)
        # 2,049 is none of float16's numbers; 2,048 times 1.5 is.
        np.testing.assert_array_equal(into[x], walks * 3072)
    assert into[x].dtype == np.float16


def test_results_without_axes_are_arrays_on_the_tape_and_off_it():
    x = leaf(3)
    with Tape():
        on_the_tape = ops.sum(x)
    for y in (on_the_tape, ops.sum(x), ops.sum(x, 0), ops.multiply(2.0, 3.0)):
        assert type(y.data) is np.ndarray


def test_a_cotangent_of_fewer_digits_than_its_op_computed_with_is_refused():
    a, b = leaf(2, dtype=np.float64), leaf(2, dtype=np.float64)
    with Tape() as tape:
        y = op_with_vjp(lambda g: (g, g.astype(np.float32)))(a, b)
    with pytest.raises(TypeError, match="a cotangent of float32 for an operand of float64"):
        tape.backward(y, np.ones(2))


def test_what_is_left_to_map_is_made_there_and_once():
    made, mapped = [], []

    def vjp(g):
        return lambda: made.append("a") or g * 1, lambda: made.append("b") or g * 2

    def mapper(fn, items):
        found = [fn(item) for item in items]
        mapped.append(list(made))
        return found

    with Tape() as tape:
        y = op_with_vjp(vjp)(leaf(2), leaf(2))
    tape.backward(y, np.ones(2), mapper=mapper)
    assert made == ["a", "b"] and mapped == [["a", "b"]]


def test_an_operand_that_was_left_out_is_nothing_to_map():
    x, w = leaf(2, 3), leaf(4, 3)
    with Tape() as tape:
        y = ops.linear(x, w)
    tape.backward(y, np.ones((2, 4)), mapper=map)
    np.testing.assert_allclose(w.grad, np.ones((4, 1)) * x.data.sum(0), rtol=1e-5)


def test_an_error_of_an_op_on_a_sequence_names_its_items():
    with pytest.raises(ValueError) as error:
        ops.concatenate([leaf(2, 3), leaf(2)])
    assert error.value.__notes__[0].startswith("in concatenate(float32(2, 3), float32(2,)), called")


def test_a_backslash_in_a_name_stays_one():
    with Tape() as tape:
        leaf(2, name=r"a\b").sum()
    assert str(tape.records[0]) == r"#0 sum(a\b) -> float32()"
