"""How long ops and VJPs take, as a timed tape knows it."""

import numpy as np

import ops
from models import MLP, recompute
from tape import Tape, Tensor


def test_of_several_results_the_first_has_what_the_op_took(monkeypatch):
    now = iter([2.0, 8.0, 8.5])
    monkeypatch.setattr("tape.watch.clock.time.perf_counter", lambda: next(now))
    with Tape(timed=True) as tape:
        ops.split(np.ones(4), 2)
    assert tape.clock.forward == {0: 6.0, 1: 0.5}


def test_a_part_of_a_model_that_runs_as_one_record_is_timed_as_one():
    module = recompute(MLP(4, np.random.default_rng(0)))
    with Tape(timed=True) as tape:
        y = module(Tensor(np.ones((2, 4)), requires_grad=True))
    tape.backward(y, np.ones(y.shape))
    assert list(tape.clock.forward) == list(tape.clock.back) == [0]
    assert tape.clock.forward[0] > 0 < tape.clock.back[0]
