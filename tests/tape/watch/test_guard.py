"""What records hold for the walk back: found, weighed, and watched for changes."""

import sys
import weakref
from functools import partial

import numpy as np
import pytest

import ops
from tape import Sample, Tape, Tensor, normal, op
from tape.watch.guard import Saved, arrays_in

RNG = np.random.default_rng(0)
SAMPLES = (Sample(normal(2)),)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def leaf(*shape, name=None):
    return Tensor(floats(*shape), requires_grad=True, name=name)


def here():
    """ "file:line" of the caller, as records know it."""
    return f"{__file__}:{sys._getframe(1).f_lineno}"


# An array that was changed. Each of these returns the last result, the line that made it, an
# array that somebody may change, and what the error calls the array that was saved.


def a_leaf(w):
    y, line = w * 2.0 * floats(2, 3), here()
    return y, line, y.tape.records[0].sources[0].data, "multiply(w, leaf)", "operand 0 (w)"


def a_leaf_without_a_name(w):
    x = floats(2, 3)
    y, line = w * x, here()
    return y, line, x, "multiply(w, leaf)", "operand 1"


def an_intermediate_result(w):
    h = w + 1.0
    y, line = h * floats(2, 3), here()
    return y, line, h.data, "multiply(#0, leaf)", "operand 0"


def its_own_result(w):
    y, line = ops.exp(w), here()
    return y, line, y.data, "exp(w)", "result"


def a_result_that_was_cut_from_another(w):
    h = w + 1.0
    part = h[0]
    y, line = part * part, here()
    return y, line, h.data[0], "multiply(#1, #1)", "operand"


def an_index(w):
    index = np.array([0, 1, 1])
    y, line = w[index], here()
    return y, line, index, "getitem(w)", "own int64(3,)"


def an_index_within_a_tuple(w):
    index = np.array([0, 1, 1])
    y, line = w[:, index], here()
    return y, line, index, "getitem(w)", "own int64(3,)"


def ids(w):
    ids = np.array([[0, 1], [1, 1]])
    y, line = ops.embedding(ids, w), here()
    return y, line, ids, "embedding(leaf, w)", "operand 0 int64(2, 2)"


def a_condition(w):
    condition = np.array([True, False, True])
    y, line = ops.where(condition, w, 0.0), here()
    return y, line, condition, "where(leaf, w, leaf)", "operand 0 bool(3,)"


CHANGES = (
    a_leaf,
    a_leaf_without_a_name,
    an_intermediate_result,
    its_own_result,
    a_result_that_was_cut_from_another,
    an_index,
    an_index_within_a_tuple,
    ids,
    a_condition,
)


@pytest.mark.parametrize("compute", CHANGES)
@pytest.mark.pitfall("an array changed after it was saved")
def test_trap_an_array_changed_after_it_was_saved_is_named_and_no_gradient_is_left(compute):
    w, reached_before = leaf(2, 3, name="w"), leaf()
    w.grad = np.ones((2, 3), np.float32)

    with Tape() as tape:
        y, line, array, call, what = compute(w)
        loss = y.sum() * reached_before
    array[...] = 1 - array
    with pytest.raises(RuntimeError, match="changed since") as error:
        tape.backward(loss)

    for part in (call, line, f"changed since: {what}"):
        assert part in str(error.value)
    np.testing.assert_array_equal(w.grad, np.ones((2, 3)))
    assert reached_before.grad is None


@pytest.mark.parametrize("compute", CHANGES)
def test_an_array_that_was_not_changed_or_changed_back_is_not_reported(compute):
    w = leaf(2, 3, name="w")

    with Tape() as tape:
        y, _, array, _, _ = compute(w)
    before = array.copy()
    array[...] = 1 - array
    array[...] = before
    tape.backward(y, np.ones(y.shape))

    assert w.grad.any()


@pytest.mark.parametrize(
    "view",
    [
        lambda base: base[1:3],
        lambda base: base[::2, 1:].T,
        lambda base: base[1:3].T[::-1],
        lambda base: base[1, 1, ...],
        lambda base: np.broadcast_to(base[1], (3, 3)),
    ],
    ids=["rows", "strided and transposed", "reversed", "one element", "broadcast"],
)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_trap_an_array_changed_through_the_array_that_it_is_a_view_of(view, elsewhere):
    base, places = floats(4, 3), np.arange(12).reshape(4, 3)
    w = Tensor(view(base), requires_grad=True, name="w")
    inside = np.isin(places, view(places))

    with Tape() as tape:
        y = w * w
    base[~inside if elsewhere else inside] = 7.0

    if elsewhere:
        tape.backward(y, np.ones(w.shape))
        np.testing.assert_array_equal(w.grad, 2 * w.data)
    else:
        with pytest.raises(RuntimeError, match=r"multiply\(w, w\).*changed since: operand . \(w\)"):
            tape.backward(y, np.ones(w.shape))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.uint64, bool])
@pytest.mark.parametrize(
    "layout",
    [
        np.array,
        np.transpose,
        lambda x: x[::2],
        lambda x: x[:, ::-1, 1:],
        lambda x: x.swapaxes(0, 1),
        lambda x: x[1, 2, 0],
        lambda x: x[1, 2, 0, ...],
    ],
    ids=["C", "Fortran", "strided", "reversed", "swapped axes", "scalar", "0-d"],
)
def test_a_change_of_any_one_element_is_seen_and_taking_it_back_too(layout, dtype):
    array = np.asarray(layout(RNG.integers(0, 2, (4, 3, 2)).astype(dtype)))
    saved = Saved(array)

    assert not saved.changed
    for place in np.ndindex(array.shape):
        array[place] = not array[place]
        assert saved.changed
        array[place] = not array[place]
        assert not saved.changed


def test_the_smallest_change_is_seen():
    array = np.array([1.0, 2.0])
    saved = Saved(array)

    array[1] = np.nextafter(array[1], 3)

    assert saved.changed


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0, 3)])
def test_trap_empty_arrays_are_saved_and_never_changed(shape):
    w = leaf(*shape)

    with Tape() as tape:
        y = w * w
    w.data[...] = 7
    tape.backward(y, np.ones(shape))

    assert w.grad.shape == shape


def test_an_array_that_no_vjp_needs_may_be_changed():
    w, b = leaf(3), leaf(3)

    with Tape() as tape:
        y = (w + b).T - w
    for x in (w, b, y):
        x.data[...] = 7
    tape.backward(y, [1.0, 2.0, 3.0])

    np.testing.assert_array_equal(b.grad, [1, 2, 3])


def test_trap_an_array_changed_after_it_was_saved_goes_unseen_without_the_guard():
    w = leaf(3)

    with Tape(guard=False) as tape:
        y = w * w
    w.data[...] = [1, 2, 3]
    tape.backward(y, [1.0, 1.0, 1.0])

    np.testing.assert_array_equal(w.grad, [2, 4, 6])
    assert tape.guard is None


def test_trap_an_array_changed_after_it_was_saved_between_two_walks_or_two_steps():
    w, v = leaf(3, name="w"), leaf(3, name="v")

    with Tape() as tape:
        loss = ((w * w) * v).sum()
    tape.backward(loss, keep=True)
    once = w.grad.copy()
    tape.backward(loss, keep=True)
    np.testing.assert_array_equal(w.grad, 2 * once)

    steps = tape.backward_steps(loss, keep=True)
    assert [next(steps).record.number for _ in range(2)] == [2, 1]
    w.data += 1
    with pytest.raises(RuntimeError, match=r"#0 multiply\(w, w\)"):
        next(steps)
    with pytest.raises(RuntimeError, match=r"#0 multiply\(w, w\)"):
        tape.backward(loss)
    np.testing.assert_array_equal(w.grad, 2 * once)


def test_a_leaf_that_was_given_another_array_is_not_a_changed_one():
    w = leaf(3)
    before = w.data

    with Tape() as tape:
        y = w * w
    w.data = np.zeros(3, np.float32)
    tape.backward(y, np.ones(3))

    np.testing.assert_array_equal(w.grad, 2 * before)


# What is saved


X, Y, Z = np.eye(3)[0], np.ones(2), np.zeros(())


def holds(*values):
    def vjp(g):
        return g, values

    return vjp


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (X, [X]),
        (None, []),
        (lambda g: g, []),
        (holds(X, 2.0, "x", None, Y), [X, Y]),
        (holds([X, (Y, [Z])]), [X, Y, Z]),
        (holds(holds(X), holds(Y, holds(Z))), [X, Y, Z]),
        (partial(holds(X), Y, key=Z), [X, Y, Z]),
        (holds(np.add, len, Tensor), []),
    ],
)
def test_arrays_are_found_in_closures_sequences_and_partial_functions(value, found):
    assert [id(x) for x in arrays_in(value)] == [id(x) for x in found]


def test_a_vjp_that_calls_itself_is_no_endless_search():
    x = X

    def vjp(g):
        return g * x if g.ndim else vjp(g[None])

    assert [id(array) for array in arrays_in(vjp)] == [id(X)]


def test_two_functions_that_call_each_other_are_no_endless_search():
    x = X

    def even(g):
        return odd(g) * x

    def odd(g):
        return even(g)

    assert [id(array) for array in arrays_in(even)] == [id(X)]


def test_a_variable_that_was_not_assigned_holds_nothing():
    @op(samples=SAMPLES)
    def scaled(x, /, factor=None):
        if factor is not None:
            a_factor = np.full_like(x, factor)
        return x, lambda g: g * x if factor is None else g * a_factor

    with Tape() as tape:
        scaled(leaf(3))

    assert [saved.what for saved in tape.guard.saved[0]] == ["result"]


def test_what_a_vjp_has_as_a_default_is_saved():
    @op(samples=SAMPLES)
    def cubed(x, /):
        return x**3, lambda g, slope=3 * x**2: g * slope

    with Tape() as tape:
        cubed(leaf(3))

    assert [str(saved) for saved in tape.guard.saved[0]] == ["own float32(3,)"]


def test_memory_is_weighed_anew_after_a_walk_that_released_it():
    w = leaf(3)
    with Tape() as tape:
        for _ in range(20):
            tape.backward(ops.tanh(w).sum())
    weights = [
        tape.guard.saved_bytes[record.number] for record in tape.records if record.op is ops.tanh
    ]
    assert weights == [12] * 20


def test_memory_that_a_walk_kept_is_not_weighed_again():
    with Tape() as tape:
        y = ops.tanh(leaf(3))
        tape.backward(y, np.ones(3), keep=True)
        ops.exp(y) * y
    assert tape.guard.saved_bytes == [12, 12, 0]


def test_the_saved_arrays_of_a_record_are_listed_once_each_by_what_they_are():
    @op(samples=SAMPLES)
    def everything(x, y, /):
        result, own, again = x * y, x + y, (x, x)
        return result, lambda g: (g * y * own / result * again[0], g)

    x = Tensor(floats(3).astype(np.float64), requires_grad=True, name="x")
    with Tape() as tape:
        everything(x, floats(3))

    assert {str(saved) for saved in tape.guard.saved[0]} == {
        "operand 0 (x) float64(3,)",
        "operand 1 float64(3,)",
        "result float64(3,)",
        "own float64(3,)",
    }
    assert len(tape.guard.saved[0]) == 4


def rows(both):
    return both[:2], both[2:]


def columns(both):
    return both[:, :2], both[:, 2:]


@pytest.mark.parametrize(
    ("halves", "looked_at"),
    [
        (rows, np.asarray),
        (columns, np.asarray),
        (rows, np.transpose),
        (columns, np.transpose),
    ],
)
def test_operands_that_are_views_of_one_array_are_told_apart(halves, looked_at):
    @op(samples=SAMPLES)
    def product(a, b, /):
        seen = looked_at(b)
        return a * b, lambda g: (g * looked_at(seen), None)

    a, b = (Tensor(half, requires_grad=True) for half in halves(floats(4, 4)))
    b.name = "b"

    with Tape() as tape:
        y = product(a, b)
    b.data[0, 0] = 7

    with pytest.raises(RuntimeError, match=r"changed since: operand 1 \(b\)"):
        tape.backward(y, np.ones(y.shape))


def test_the_list_of_what_was_saved_stays_when_the_arrays_go():
    w = leaf(3, name="w")

    with Tape() as tape:
        h = w + 1.0
        y = h * h
        array = weakref.ref(h.data)
        del h
    tape.backward(y, np.ones(3), keep=True)
    assert array() is not None
    tape.backward(y, np.ones(3))

    assert array() is None
    (saved,) = tape.guard.saved[1]
    assert (saved.array, saved.shape, saved.dtype) == (None, (3,), np.float32)
    assert not saved.changed
    assert tape.guard.saved_bytes[1] == 12


# What it weighs


def test_saved_bytes_are_what_a_record_is_the_first_to_hold():
    w, x = leaf(3, 4), Tensor(floats(3, 4))

    with Tape() as tape:
        product = w * x  # of leaves, which are there anyway
        total = product + w  # nothing
        bounded = ops.tanh(total)  # its result: 3 x 4 x 4 bytes
        both = bounded * total  # tanh holds `bounded` already, so `total`: 48
        row = both[0]  # nothing, and its result is a view
        more = ops.tanh(row)  # its result: 4 x 4 bytes
        last = row * more  # `row`, and with it all of `both`: 48
        same = last * w[1]  # `last`: 16; the row of w is a view of a leaf
        loss = same.sum()  # nothing
    weights = list(tape.guard.saved_bytes)
    tape.backward(loss)

    assert weights == [0, 0, 48, 48, 0, 16, 48, 0, 16, 0]
    assert tape.guard.saved_bytes == weights, "the walk forgets nothing"


def test_a_read_only_cotangent_is_locked_for_the_walk_and_stays_read_only():
    x = leaf(3)
    with Tape() as tape:
        y = x * 2
    locked, unlocked = floats(3), floats(3)
    locked.setflags(write=False)
    tape.backward(y, locked, keep=True)
    tape.backward(y, unlocked)
    assert not locked.flags.writeable
    assert unlocked.flags.writeable


def test_an_op_on_constants_holds_and_weighs_nothing():
    with Tape() as tape:
        h = Tensor(floats(3)) + 1.0
        ops.exp(h) * h

    assert (tape.guard.saved, tape.guard.saved_bytes) == ([[]] * 3, [0] * 3)


def test_the_results_of_one_op_count_what_they_share_once():
    @op(samples=SAMPLES)
    def twice(x, /):
        own = x + 1
        return [(x * 2, lambda g: g * own), (x * 3, lambda g: g * own)]

    with Tape() as tape:
        twice(leaf(5))

    assert tape.guard.saved_bytes == [20, 0]
