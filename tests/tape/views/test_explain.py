"""What a tape knows of one record or leaf, as text."""

import re
import sys
from functools import partial

import numpy as np
import pytest

import ops
from tape import Sample, Tape, Tensor, normal, op, scope

SAMPLES = (Sample(normal(2)),)


def leaf(*values, name=None, requires_grad=True):
    return Tensor(np.array(values, np.float32), requires_grad=requires_grad, name=name)


def here():
    """ "file:line" of the caller, as records know it."""
    return f"{__file__}:{sys._getframe(1).f_lineno}"


def rows_of(text):
    """The cells of the table of operands, by its first column."""
    tables = [p for p in text.split("\n\n") if re.search(r"^result ", p, re.MULTILINE)]
    lines = [re.split(r" {2,}", line) for line in tables[0].splitlines()]
    return {name: cells for name, *cells in lines}


def test_a_record_is_explained_by_its_formula_operands_cost_and_source():
    @op(samples=SAMPLES, flops=lambda x, factor: 12_000)
    def scaled(x, factor, /):
        """x times a factor; dx = g factor.

        It has a second paragraph.

        Raises
        ------
        ValueError
            Never.
        """
        y = x * factor

        def vjp(g):
            return g * factor, None

        return y, vjp

    w = leaf(1.0, 3.0, name="w")
    with Tape(keep_results=True, timed=True) as tape, scope("blocks.3"):
        h = w + 1.0
        y, line = scaled(h, leaf(2.0, 2.0, requires_grad=False)), here()
    tape.backward(y, [1.0, 1.0])
    record = tape.records[1]
    tape.clock.forward[1], tape.clock.back[1] = 0.0012, 0.25

    assert tape.explain(record) == (
        f"""\
#1 scaled(#0, leaf) -> float32(2,) in blocks.3
called at {line}

    x times a factor; dx = g factor.

    It has a second paragraph.

x       #0 add  float32(2,)  mean 3, deviation 1, from 2 to 4
factor  leaf    float32(2,)  mean 2, deviation 0, from 2 to 2
result          float32(2,)  mean 6, deviation 2, from 4 to 8

saved for the VJP: operand 1 float32(2,); no new memory, released
matrix products: 12 kFLOP
forward: 1.2 ms, back: 250 ms

VJP:

    def vjp(g):
        return g * factor, None"""
    )
    assert tape.explain(y) == tape.explain(record)


@pytest.mark.parametrize("keep_results", [False, True])
def test_values_are_shown_where_they_are_held(keep_results):
    w = leaf(1.0, 3.0, name="w")

    with Tape(keep_results=keep_results) as tape:
        y = (w + 1.0) * w

    of_tensor, of_record = (rows_of(tape.explain(of)) for of in (y, tape.records[1]))
    h, result = "mean 3, deviation 1, from 2 to 4", "mean 7, deviation 5, from 2 to 12"
    assert of_tensor["b"] == ["w", "float32(2,)", "mean 2, deviation 1, from 1 to 3"]
    assert of_tensor["a"] == ["#0 add", "float32(2,)"] + [h] * keep_results
    assert of_tensor["result"] == ["float32(2,)", result]
    assert of_record["result"] == ["float32(2,)"] + [result] * keep_results
    assert ("Tape(keep_results=True)" in tape.explain(y)) is not keep_results


@pytest.mark.parametrize(
    ("requires_grad", "grad", "text"),
    [
        (
            True,
            None,
            "w: no op on this tape made it; it wants a gradient\n\n"
            "values    float32(2,)  mean 2, deviation 1, from 1 to 3",
        ),
        (
            True,
            [0.0, np.nan],
            "w: no op on this tape made it; it wants a gradient\n\n"
            "values      float32(2,)  mean 2, deviation 1, from 1 to 3\n"
            "gradient    float32(2,)  0, 1 NaN",
        ),
        (
            False,
            None,
            "w: no op on this tape made it; it wants no gradient\n\n"
            "values    float32(2,)  mean 2, deviation 1, from 1 to 3",
        ),
    ],
)
def test_a_leaf_is_explained_by_its_values_and_its_gradient(requires_grad, grad, text):
    w = leaf(1.0, 3.0, name="w", requires_grad=requires_grad)
    w.grad = None if grad is None else np.array(grad, np.float32)

    assert Tape().explain(w) == text


def test_what_another_tape_recorded_is_a_leaf():
    with Tape() as tape:
        y = leaf(1.0) * 2.0

    assert Tape().explain(y).startswith("leaf: no op on this tape made it; it wants a gradient")
    assert tape.explain(y).startswith("#0 multiply")


def test_the_operands_of_an_op_on_a_sequence_are_numbered():
    w = leaf(1.0, 3.0, name="w")

    with Tape(keep_results=True) as tape:
        y = ops.concatenate([w, [5.0], w * 2.0])

    rows = rows_of(tape.explain(y))
    assert list(rows) == ["operand 0", "operand 1", "operand 2", "result"]
    assert [cells[0] for cells in rows.values()] == ["w", "leaf", "#0 multiply", "float32(5,)"]


def test_an_operand_that_was_left_out_is_no_array():
    weight = Tensor(np.ones((3, 2), np.float32), requires_grad=True, name="weight")

    with Tape() as tape:
        y = ops.linear(leaf(1.0, 2.0), weight)

    rows = rows_of(tape.explain(y))
    assert list(rows) == ["x", "weight", "bias", "result"]
    assert rows["bias"] == ["no array"]


class Rule:
    def __call__(self, g):
        return 2 * g


@pytest.mark.parametrize("vjp", [Rule(), partial(np.multiply, 2), np.negative])
def test_a_rule_without_source_and_an_op_without_docstring_are_said_to_be(vjp):
    @op(samples=SAMPLES)
    def bare(x, /):
        return x * 2, vjp

    with Tape() as tape:
        y = bare(leaf(1.0, 3.0))

    text = tape.explain(y)
    assert "\n\n    no docstring\n\n" in text
    assert "VJP:\n\n    its source is not at hand" in text


def test_a_rule_whose_file_is_gone_has_no_source():
    @op(samples=SAMPLES)
    def doubled(x, /):
        """2 x."""
        return x * 2, lambda g: g * 2

    with Tape() as tape:
        y = doubled(leaf(1.0))
    tape.records[0].rule = tape.records[0].rule.replace(co_filename="<stdin>")

    assert "its source is not at hand" in tape.explain(y)


def test_the_source_of_a_lambda_is_the_statement_that_it_stands_in():
    @op(samples=SAMPLES)
    def doubled(x, /):
        """2 x."""
        return x * 2, lambda g: (
            g * 2,
        )  # fmt: skip

    with Tape() as tape:
        y = doubled(leaf(1.0))

    lines = tape.explain(y).split("VJP:\n\n")[1].splitlines()
    assert lines[:2] == ["    return x * 2, lambda g: (", "        g * 2,"]


@pytest.mark.parametrize(
    ("guard", "requires_grad", "keep", "says"),
    [
        (False, True, True, "not watched (guard=False)"),
        (True, True, True, "result float32(2,); 8 B of new memory"),
        (True, True, False, "result float32(2,); 8 B of new memory, released"),
        (True, False, True, "no array; no new memory"),
    ],
)
def test_what_was_saved_is_told_also_when_it_is_released_or_not_watched(
    guard, requires_grad, keep, says
):
    with Tape(guard=guard, timed=True) as tape:
        y = ops.exp(leaf(0.0, 0.0, requires_grad=requires_grad))
    if requires_grad:
        tape.backward(y, [1.0, 1.0], keep=keep)

    text = tape.explain(y)
    assert f"saved for the VJP: {says}\n" in text
    assert ("back:" in text) is requires_grad


@pytest.mark.parametrize("of", [np.ones(2), 3.0, None, 0])
def test_what_is_neither_tensor_nor_record_is_named(of):
    with pytest.raises(TypeError, match=f"a tensor or a record, not {type(of).__name__}"):
        Tape().explain(of)
