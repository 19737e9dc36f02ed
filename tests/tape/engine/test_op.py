"""An op of the engine alone, on variables: what `tape.op` builds on."""

import numpy as np
import pytest

from tape.engine.op import Op
from tape.engine.recording import Recording
from tape.engine.variable import Variable


def product(a, b, /):
    return a * b, lambda g: (lambda: g * b, lambda: g * a)


multiply = Op(product, ("a", "b"))


def variable(*values, dtype=np.float64):
    return Variable(np.array(values, dtype), requires_grad=True)


def test_the_engine_works_without_what_is_built_on_it():
    a, b = variable(1.0, 2.0), variable(3.0, 5.0)

    with Recording() as tape:
        y = multiply(multiply(a, b), a)
    tape.backward(y, np.array([1.0, 10.0]), keep=True)
    np.testing.assert_array_equal(b.grad, [1, 40])
    b.grad = a.grad = None
    tape.backward(y)

    assert [record.sources for record in tape.records] == [(a, b), (0, a)]
    np.testing.assert_array_equal(y.data, [3, 20])
    np.testing.assert_array_equal(a.grad, [6, 20])
    np.testing.assert_array_equal(b.grad, [1, 4])


def test_off_the_tape_a_result_is_on_none():
    y = multiply(variable(1.0), variable(2.0))

    assert (y.tape, y.number, y.requires_grad, y.grad, y.name) == (None, None, False, None, None)


@pytest.mark.parametrize(
    "operands",
    [
        (variable(1.0), 2.0),
        (variable(1.0), np.ones(1)),
        (variable(1.0), variable(2.0, dtype=np.float32)),
        (variable(1.0, dtype=np.float16), variable(2.0, dtype=np.float16)),
        (variable(1.0),),
    ],
)
def test_what_is_to_be_converted_first_is_not_for_the_engine(operands):
    with pytest.raises(TypeError, match="product takes 2 variables of one dtype") as error:
        multiply(*operands)
    assert error.value.__notes__[0].startswith("in product(")
