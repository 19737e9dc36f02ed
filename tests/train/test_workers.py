"""Threads change the speed of a step and nothing else."""

import threading
import time
import traceback

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from models import Transformer
from tape import REGISTRY, Sample, Tape, Tensor, normal, op
from train.workers import Workers

VOCAB, CONTEXT, BATCH = 11, 6, 6
INPUTS, TARGETS = np.random.default_rng(0).integers(0, VOCAB, (2, BATCH, CONTEXT))


def model_of(dtype, dropout=0.0):
    model = Transformer(VOCAB, CONTEXT, d_model=8, n_layers=1, n_heads=2, dropout=dropout)
    return model.astype(dtype)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("micro_batch", [1, 2, 3, 6])
def test_gradients_are_those_of_the_whole_batch_in_one_go(n, micro_batch):
    model = model_of(np.float64)
    with Tape() as tape:
        expected_loss = model.loss(INPUTS, TARGETS)
    tape.backward(expected_loss)
    with Workers(n) as workers:
        loss, gradients = workers.gradients(model, INPUTS, TARGETS, micro_batch)
    assert loss == pytest.approx(expected_loss.item(), rel=1e-13)
    assert gradients.keys() == set(model.parameters())
    for path, parameter in model.named_parameters():
        np.testing.assert_allclose(
            gradients[parameter], parameter.grad, rtol=1e-11, atol=1e-15, err_msg=path
        )


def test_any_number_of_workers_gives_the_same_bits():
    model = model_of(np.float32, dropout=0.2)

    def run(n):
        with Workers(n) as workers:
            loss, gradients = workers.gradients(model, INPUTS, TARGETS, 1, seed=(4, 2))
        return [loss, *(gradients[parameter] for parameter in model.parameters())]

    first = run(1)
    for n in (1, 2, 2, 3, 9):
        for a, b in zip(first, run(n), strict=True):
            np.testing.assert_array_equal(a, b)


def test_dropout_follows_the_seed_and_the_sequence_and_not_the_worker():
    model = model_of(np.float64, dropout=0.5)

    def gradient(copies, n, seed):
        rows = [0] * copies
        with Workers(n) as workers:
            _, gradients = workers.gradients(model, INPUTS[rows], TARGETS[rows], 1, seed)
        return gradients[model.norm.weight]

    gradients = gradient(copies=6, n=1, seed=(4, 2))
    np.testing.assert_allclose(gradient(copies=6, n=3, seed=(4, 2)), gradients, rtol=1e-12)
    assert not np.isclose(gradient(copies=6, n=1, seed=(4, 3)), gradients).any()
    assert not np.isclose(gradient(copies=1, n=1, seed=(4, 2)), gradients).any()


def test_map_runs_at_once_and_answers_in_order():
    meeting = threading.Barrier(2, timeout=10)  # broken unless two threads are there

    def meet(delay):
        meeting.wait()
        time.sleep(delay)
        return delay

    with Workers(2) as workers:
        assert workers.map(meet, [0.02, 0.0]) == [0.02, 0.0]


def test_an_exception_in_a_worker_is_raised_with_its_traceback():
    def fail_late(item):
        time.sleep(0.02 if item == 1 else 0)
        if item:
            raise ArithmeticError(f"item {item}")

    with Workers(2) as workers:
        with pytest.raises(ArithmeticError, match="item 1") as error:
            workers.map(fail_late, [0, 1, 2])
        assert "fail_late" in [frame.name for frame in traceback.extract_tb(error.tb)]
        assert workers.map(abs, [-1, -2]) == [1, 2]


@pytest.fixture
def meeting_sum(monkeypatch):
    """An op whose cotangents are made by two threads at once, if there are two to do it."""
    monkeypatch.setattr("tape.registry.REGISTRY", dict(REGISTRY))
    meeting, makers = threading.Barrier(2), set()

    def made(g):
        if not makers:
            try:
                meeting.wait(timeout=0.5)
                makers.add(threading.current_thread())
            except threading.BrokenBarrierError:
                meeting.reset()
        return g

    @op(samples=(Sample(normal(2), normal(2)),))
    def add_when_met(a, b, /):
        return a + b, lambda g: (lambda: made(g), lambda: made(g))

    add_when_met.makers = makers
    return add_when_met


@pytest.mark.parametrize(
    ("micro_batch", "gradient"),
    [(1, (1 + 1 + 21) / 3), (3, 21)],
    ids=["done early", "without a micro-batch"],
)
def test_a_thread_with_nothing_to_do_makes_cotangents_for_another(
    meeting_sum, micro_batch, gradient
):
    class Model:
        weight = Tensor(np.ones(()), requires_grad=True)

        def parameters(self):
            return [self.weight]

        def loss(self, inputs, targets, rng):
            total = self.weight * 1
            for _ in range(20 if 2 in inputs else 0):
                total = meeting_sum(total, self.weight)
            return total

    batch = np.arange(3)[:, None]
    with Workers(2) as workers:
        _, gradients = workers.gradients(Model(), batch, batch, micro_batch)
    assert len(meeting_sum.makers) == 2
    assert gradients[Model.weight] == pytest.approx(gradient)


def test_workers_go_on_after_a_batch_that_failed():
    model, bad = model_of(np.float64), INPUTS.copy()
    bad[4, 3] = VOCAB
    with Workers(2) as workers:
        loss, gradients = workers.gradients(model, INPUTS, TARGETS, 1)
        with pytest.raises(IndexError, match="an id of 11 is outside") as error:
            workers.gradients(model, bad, TARGETS, 1)
        assert "in embedding(int64(1, 6)" in error.value.__notes__[0]
        loss_again, gradients_again = workers.gradients(model, INPUTS, TARGETS, 1)
    assert loss_again == loss
    for parameter in model.parameters():
        np.testing.assert_array_equal(gradients_again[parameter], gradients[parameter])


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize("raised", [None, KeyboardInterrupt])
def test_blas_has_one_thread_inside_and_its_own_number_again_after(raised):
    with threadpool_limits(2, "blas"):
        try:
            with Workers(2) as workers:
                assert blas_threads() == {1}
                assert workers.map(lambda _: blas_threads(), range(2)) == [{1}, {1}]
                if raised:
                    raise raised
        except KeyboardInterrupt:
            pass
        assert blas_threads() == {2}
