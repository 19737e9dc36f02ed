"""Sums of cotangents, and whose memory they are in."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from tape import Tensor
from tape.engine.cotangents import Cotangents, unbroadcast


@given(mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=4))
@settings(derandomize=True)
@pytest.mark.pitfall("broadcasting not summed back")
def test_trap_broadcasting_is_summed_back(shapes):
    shape = shapes.input_shapes[0]
    cotangent = np.arange(np.prod(shapes.result_shape, dtype=int), dtype=float)
    cotangent = cotangent.reshape(shapes.result_shape)

    # Where each element of the cotangent came from when an operand of `shape` was broadcast.
    n = int(np.prod(shape))
    origin = np.broadcast_to(np.arange(n).reshape(shape), cotangent.shape)
    expected = np.bincount(origin.ravel(), weights=cotangent.ravel(), minlength=n)

    np.testing.assert_array_equal(unbroadcast(cotangent, shape), expected.reshape(shape))
    assert unbroadcast(cotangent, shape).shape == shape


def test_a_cotangent_of_the_right_shape_is_not_copied():
    cotangent = np.ones((2, 3))

    assert unbroadcast(cotangent, (2, 3)) is cotangent


@pytest.mark.parametrize(
    ("cotangent", "operand"),
    [((2, 3), (3, 3)), ((1, 3), (2, 3)), ((3,), (1, 3)), ((2, 3), (2,)), ((), (1,)), ((0,), (2,))],
)
def test_a_cotangent_to_which_the_operand_does_not_broadcast_is_refused(cotangent, operand):
    with pytest.raises(ValueError) as error:
        unbroadcast(np.ones(cotangent), operand)
    assert str(cotangent) in str(error.value)
    assert str(operand) in str(error.value)


@pytest.mark.parametrize("owned", list(itertools.product([False, True], repeat=3)))
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.pitfall("a gradient buffer shared by two tensors")
def test_trap_a_buffer_that_is_somebody_elses_is_never_written_to(n, owned):
    leaf = Tensor([0.0, 0.0], requires_grad=True)
    given_in = [np.array([1.0, 8.0]), np.array([2.0, 16.0]), np.array([4.0, 32.0])][:n]
    before = [array.copy() for array in given_in]
    cotangents = Cotangents()

    for array, may_write in zip(given_in, owned, strict=False):
        cotangents.add(leaf, array, may_write)
    cotangents.leave()
    total = leaf.grad

    np.testing.assert_array_equal(total, sum(before))
    for array, original, may_write in zip(given_in, before, owned, strict=False):
        if not may_write:
            np.testing.assert_array_equal(array, original)
            assert not np.shares_memory(array, total)


@pytest.mark.parametrize("held_before", [False, True])
@pytest.mark.parametrize("owned", [False, True])
def test_what_reaches_a_leaf_is_summed_in_the_sink_as_it_arrives(owned, held_before):
    leaf = Tensor([0.0, 0.0], requires_grad=True)
    held = np.array([4.0, 32.0])
    sink = {leaf: held} if held_before else {}
    first, second = np.array([1.0, 8.0]), np.array([2.0, 16.0])
    cotangents = Cotangents(into=sink)

    cotangents.add(leaf, first, owned)
    np.testing.assert_array_equal(sink[leaf], [5, 40] if held_before else [1, 8])
    cotangents.add(leaf, second, owned)

    np.testing.assert_array_equal(sink[leaf], [7, 56] if held_before else [3, 24])
    assert (sink[leaf] is held) == held_before
    assert (sink[leaf] is first) == (owned and not held_before)
    assert owned or first[0] == 1
    np.testing.assert_array_equal(second, [2, 16])
    cotangents.leave()
    assert leaf.grad is None


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_trap_a_buffer_that_may_not_be_written_to_stays_as_it_was_however_fresh(n):
    given_in = [np.array([2.0**i, 8.0**i]) for i in range(n)]
    before = [array.copy() for array in given_in]
    leaf = Tensor([0.0, 0.0], requires_grad=True)
    cotangents = Cotangents(handed_out=True)

    for array in given_in:
        cotangents.add(leaf, array, owned=True)
    cotangents.leave()
    total = leaf.grad

    np.testing.assert_array_equal(total, sum(before))
    np.testing.assert_array_equal(given_in, before)
    assert not any(np.shares_memory(total, array) for array in given_in)


def test_a_sum_that_the_engine_made_is_added_to_in_place(monkeypatch):
    made, empty_like = [], np.empty_like
    monkeypatch.setattr(np, "empty_like", lambda x: made.append(x) or empty_like(x))
    cotangents = Cotangents(handed_out=True)

    for _ in range(4):
        cotangents.add(0, np.ones(2), owned=True)

    assert len(made) == 1
    np.testing.assert_array_equal(cotangents.sums[0], 4)


def test_what_reaches_a_leaf_is_handed_to_a_callable_as_an_array_of_its_own():
    leaf, handed = Tensor([0.0, 0.0], requires_grad=True), []
    cotangents = Cotangents(into=lambda *given: handed.append(given))
    mine, yours = np.array([1.0, 8.0]), np.array([2.0, 16.0])

    cotangents.add(leaf, mine, owned=True)
    cotangents.add(leaf, yours, owned=False)
    cotangents.leave()

    assert [x for x, _ in handed] == [leaf, leaf]
    assert handed[0][1] is mine
    assert not np.shares_memory(handed[1][1], yours)
    np.testing.assert_array_equal(handed[1][1], yours)
    assert leaf.grad is None and cotangents.gradient_of(leaf) is None


def test_views_that_cannot_be_written_to_are_summed():
    leaf = Tensor(np.zeros((2, 3)), requires_grad=True)
    cotangents = Cotangents()

    cotangents.add(leaf, np.broadcast_to(1.0, (2, 3)), owned=False)
    cotangents.add(leaf, np.arange(6.0).reshape(3, 2).T, owned=False)
    cotangents.leave()
    total = leaf.grad

    np.testing.assert_array_equal(total, [[1, 3, 5], [2, 4, 6]])
    assert total.flags.owndata and total.flags.writeable


def test_numbers_are_summed_in_arrays():
    cotangents = Cotangents()
    for _ in range(3):
        cotangents.add(0, np.array(2.0), owned=False)
    total = cotangents.sums[0]
    assert isinstance(total, np.ndarray)
    assert total == 6


def test_a_sum_of_float16_is_made_in_float32():
    total = unbroadcast(np.ones((5000, 2), np.float16), (2,))
    np.testing.assert_array_equal(total, 5000)
    assert total.dtype == np.float16
