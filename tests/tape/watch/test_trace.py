"""What a traced tape remembers of arrays that are gone."""

import gc
import weakref

import numpy as np
import pytest

import ops
from tape import Tape, Tensor
from tape.watch.portrait import Portrait

RNG = np.random.default_rng(0)


def leaf(*shape):
    return Tensor(RNG.standard_normal(shape), requires_grad=True)


def test_portraits_are_those_of_the_steps():
    w = leaf(3, 4)
    with Tape(trace=True) as tape:
        h = ops.exp(w)
        loss = (h * h + h).sum()
    steps = list(tape.backward_steps(loss, into={}))
    assert set(tape.trace.steps) == {step.record.number for step in steps}
    for step in steps:
        traced = tape.trace.steps[step.record.number]
        assert traced.cotangent == Portrait.of(step.cotangent)
        assert traced.cotangents == tuple(
            g if g is None else Portrait.of(g) for g in step.cotangents
        )
        assert traced.shapes == tuple(step.shapes)
    assert tape.trace.results[h.number] == Portrait.of(h.data)


def test_trap_what_went_out_is_not_the_sum_that_it_became_part_of():
    w = leaf(3)
    with Tape(trace=True) as tape:
        loss = (ops.exp(w) + w).sum()
    tape.backward(loss)
    (sent,) = tape.trace.steps[0].cotangents
    assert sent == Portrait.of(np.exp(w.data))
    assert tape.trace.gradients[w] == Portrait.of(w.grad)


@pytest.mark.parametrize("into", [None, {}])
def test_gradients_are_the_same_as_without(into):
    w, x = leaf(4, 3), leaf(4, 3)

    def gradients(trace):
        w.grad = x.grad = None
        sink = None if into is None else {}
        with Tape(trace=trace) as tape:
            h = ops.softmax(w * x)
            loss = ((h + w) * h).sum()
        tape.backward(loss, into=sink)
        return [leaf.grad if sink is None else sink[leaf] for leaf in (w, x)]

    for traced, plain in zip(gradients(True), gradients(False), strict=True):
        np.testing.assert_array_equal(traced, plain)


def test_a_traced_tape_holds_no_array():
    with Tape(trace=True) as tape:
        h = ops.exp(leaf(5))
        loss = h.sum()
    array = weakref.ref(h.data)
    tape.backward(loss, into={})
    del h
    gc.collect()
    assert array() is None
    assert tape.trace.results


def test_complex_results_are_shown_by_their_magnitudes():
    with Tape(trace=True) as tape:
        _ = Tensor(np.array([3 + 4j, 0])) * 1
    assert [p.high for p in (tape.trace.results[0], *tape.trace.leaves.values())] == [5, 5, 1]
    assert tape.trace.results[0].of_magnitudes
