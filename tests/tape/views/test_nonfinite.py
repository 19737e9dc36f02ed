"""The first NaN or infinity, forward and back."""

import sys

import numpy as np
import pytest

import ops
from tape import Tape, Tensor, scope


@pytest.fixture(autouse=True)
def let_nan_be_computed():
    with np.errstate(all="ignore"):
        yield


def leaf(*values, name=None):
    return Tensor(np.array(values, np.float32), requires_grad=True, name=name)


def here():
    """ "file:line" of the caller, as records know it."""
    return f"{__file__}:{sys._getframe(1).f_lineno}"


def test_the_first_op_is_found_and_not_those_that_carry_it_on():
    w = leaf(4.0, 1.0, 0.0, name="w")

    with Tape(keep_results=True) as tape:
        h = w * 2.0
        with scope("head"):
            y, line = ops.log(h), here()
        loss = (y * 0.0).sum()
    found = tape.first_nonfinite(loss)

    assert (found.record, found.backward) == (tape.records[1], False)
    assert list(found.arrays) == ["x", "result"]
    assert found.arrays["x"] is h.data and found.arrays["result"] is y.data
    assert str(found) == (
        f"log (#1), called at {line} in scope head\n"
        "  x       float32(3,)  mean 3.333, deviation 3.399, from 0 to 8\n"
        "  result  float32(3,)  mean 1.386, deviation 0.6931, from 0.6931 to 2.079, 1 infinite"
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_leaf_that_is_not_finite_shows_as_an_operand(value):
    w = leaf(1.0, value, name="w")

    with Tape(keep_results=True) as tape:
        y = w * 2.0
        ops.exp(y)

    found = tape.first_nonfinite()
    assert found.record is tape.records[0]
    kind = "1 NaN" if np.isnan(value) else "1 infinite"
    assert [line.split("  ")[-1] for line in str(found).splitlines()[1:]] == [
        f"1, {kind}",
        "2",
        f"2, {kind}",
    ]


def root(x):
    return ops.sqrt(x)


def root_in_a_branch_not_taken(x):
    return ops.where(x.data > 0, ops.sqrt(x), 0.0)


def power(x):
    return x**0.5


@pytest.mark.parametrize(
    ("compute", "name", "number"),
    [(root, "sqrt", 1), (root_in_a_branch_not_taken, "sqrt", 1), (power, "power", 1)],
)
def test_trap_a_gradient_that_is_not_finite_while_every_result_is(compute, name, number):
    w = leaf(4.0, 0.0, name="w")

    with Tape(keep_results=True) as tape, scope("head"):
        loss = (compute(w * 1.0) * 3.0).sum()

    assert np.isfinite(loss.data)
    assert tape.first_nonfinite() is None, "forward all is well"
    found = tape.first_nonfinite(loss)
    assert (found.backward, found.record.op.name, found.record.number) == (True, name, number)
    assert list(found.arrays) == ["cotangent of result", "cotangent of x"]
    assert np.isfinite(found.arrays["cotangent of result"]).all()
    assert np.isfinite(found.arrays["cotangent of x"]).tolist() == [True, False]
    assert str(found).startswith(f"the VJP of {name} (#{number}), called at {found.record.line}")
    assert "in scope head\n" in str(found)


def test_operands_that_were_left_out_or_want_no_gradient_are_not_among_the_arrays():
    w = Tensor(np.array([[np.nan, 1.0]], np.float32), requires_grad=True, name="w")

    with Tape(keep_results=True) as tape:
        y = ops.linear(np.ones((3, 2), np.float32), w)
    assert list(tape.first_nonfinite().arrays) == ["x", "weight", "result"]

    w.data[...] = 1
    with Tape(keep_results=True) as tape:
        y = ops.linear(np.ones((3, 2), np.float32), w)
    found = tape.first_nonfinite(y, np.full((3, 1), np.nan))
    assert list(found.arrays) == ["cotangent of result", "cotangent of weight"]


def test_a_cotangent_that_is_not_finite_to_begin_with_is_found_at_the_output():
    with Tape(keep_results=True) as tape:
        y = leaf(1.0, 2.0) * 2.0 + 1.0

    assert tape.first_nonfinite(y, [1.0, 1.0]) is None
    found = tape.first_nonfinite(y, [1.0, np.nan])
    assert (found.record.number, found.backward) == (1, True)


def test_results_of_integers_booleans_and_of_no_elements_are_finite():
    with Tape(keep_results=True) as tape:
        Tensor([1, 2]) + Tensor([3, 4])
        Tensor([True])[0]
        leaf() * 2.0

    assert len(tape) == 3
    assert tape.first_nonfinite() is None


@pytest.mark.parametrize("value", [4.0, 0.0])
def test_the_search_leaves_no_gradients_and_keeps_the_records(value):
    w = leaf(1.0, value)
    w.grad = np.array([3.0, 5.0], np.float32)

    with Tape(keep_results=True) as tape:
        loss = ops.sqrt(w * 1.0).sum()
    for _ in range(2):
        assert (tape.first_nonfinite(loss) is None) is (value > 0)
    np.testing.assert_array_equal(w.grad, [3, 5])
    tape.backward(loss)

    np.testing.assert_array_equal(w.grad, [3.5, 5 + 0.5 / np.sqrt(value)])


def test_without_results_or_after_a_walk_there_is_nothing_to_search():
    w = leaf(1.0)

    with Tape() as without_results:
        loss = w * 2.0
    with pytest.raises(RuntimeError, match=r"Tape\(keep_results=True\)"):
        without_results.first_nonfinite(loss)

    with Tape(keep_results=True) as walked:
        loss = w * 2.0
    walked.backward(loss)
    assert walked.first_nonfinite() is None, "results stay"
    with pytest.raises(RuntimeError, match=r"#0 multiply.*released.*keep=True"):
        walked.first_nonfinite(loss)
