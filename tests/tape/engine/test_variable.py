"""A variable before any tape has seen it."""

import numpy as np

from tape.engine.variable import Variable


def test_a_variable_wants_no_gradient_unless_asked_and_is_on_no_tape():
    x = Variable(np.ones(3))
    assert not x.requires_grad
    assert (x.grad, x.tape, x.number, x.name) == (None, None, None, None)
