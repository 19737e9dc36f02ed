"""What is told to those that look on while a tape runs."""

import numpy as np
import pytest

import ops
from tape import Sample, Tensor, normal, op
from tape.engine.recording import Recording
from tape.engine.watcher import Watcher

SAMPLES = (Sample(normal(2)),)


class Noting(Watcher):
    """Writes down what it is told, under its name."""

    def __init__(self, name, notes, wants_steps=False):
        self.name, self.notes, self.wants_steps = name, notes, wants_steps

    def note(self, what):
        self.notes.append(f"{self.name} {what}")

    def before_op(self):
        self.note("before op")

    def after_op(self, record, operands, result):
        self.note(f"after op {record.number} of {len(operands)}")

    def before_vjp(self, record, cotangent):
        self.note(f"before vjp {record.number}")

    def after_vjp(self, record, cotangent):
        self.note(f"after vjp {record.number}" + ", let go" * (record.vjp is None))

    def after_step(self, step):
        self.note(f"step {step.record.number}")

    def after_walk(self, gradient_of):
        self.note("end")


def test_they_are_told_of_what_is_to_come_in_order_and_of_what_was_done_in_reverse():
    notes = []
    with Recording([Noting("a", notes), Noting("b", notes)]) as tape:
        y = ops.negative(Tensor(np.ones(2), requires_grad=True))
    assert notes == ["a before op", "b before op", "b after op 0 of 1", "a after op 0 of 1"]

    notes.clear()
    tape.backward(y)
    assert notes == [
        *("a before vjp 0", "b before vjp 0", "b after vjp 0, let go", "a after vjp 0, let go"),
        *("b end", "a end"),
    ]


def test_one_that_wants_steps_is_told_of_them_and_so_are_the_others():
    notes = []
    with Recording([Noting("a", notes, wants_steps=True), Noting("b", notes)]) as tape:
        y = ops.negative(Tensor(np.ones(2), requires_grad=True))
    notes.clear()
    tape.backward(y, keep=True)
    assert notes[3:6] == ["a after vjp 0", "b step 0", "a step 0"]


def test_a_vjp_that_fails_was_called_all_the_same():
    notes = []

    @op(samples=SAMPLES)
    def failing(x, /):
        return -x, lambda g: 1 / 0

    with Recording([Noting("a", notes, wants_steps=True)]) as tape:
        y = failing(Tensor(np.ones(2), requires_grad=True))
    notes.clear()
    with pytest.raises(ZeroDivisionError):
        tape.backward(y)
    assert notes == ["a before vjp 0", "a after vjp 0"]
