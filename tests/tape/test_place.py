"""Where an op was called, as its record knows it."""

import functools
import operator
import sys

import numpy as np
import pytest

import ops
from ops import composed
from tape import Tape, Tensor, scope
from tape.place import scope_parts


def leaf(*shape):
    return Tensor(np.ones(shape, np.float32), requires_grad=True)


def here():
    """ "file:line" of the caller, as records know it."""
    return f"{__file__}:{sys._getframe(1).f_lineno}"


@pytest.mark.parametrize(
    "call",
    [
        ops.exp,
        operator.neg,
        functools.partial(operator.sub, 1.0),
        Tensor.tanh,
        list,
        composed.gelu_tanh,
        composed.layernorm,
    ],
)
def test_records_know_the_line_of_the_users_code(call):
    x = leaf(2, 3)

    with Tape() as tape:
        _, line = call(x), here()

    assert {record.line for record in tape.records} == {line}


def test_scopes_nest_and_are_left_when_the_block_raises():
    x = leaf(2)

    with Tape() as tape:
        with scope("blocks"):
            with pytest.raises(ZeroDivisionError), scope("3"), scope("attn"):
                x = x * 2.0
                raise ZeroDivisionError
            x = x * 2.0
        x = x * 2.0

    assert [record.scope for record in tape.records] == ["blocks.3.attn", "blocks", ""]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("", ()),
        ("head", ("head",)),
        ("blocks.3", ("blocks.3",)),
        ("blocks.3.attention", ("blocks.3", "attention")),
        ("model.blocks.12.mlp.0.up", ("model", "blocks.12", "mlp.0", "up")),
        ("grid.3.4", ("grid.3.4",)),
    ],
)
def test_a_number_belongs_to_the_part_of_a_scope_that_it_counts(name, parts):
    assert scope_parts(name) == parts
