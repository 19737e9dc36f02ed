"""The tree of scopes, and what repeats in it."""

import numpy as np
import pytest
from hypothesis import given

import ops
from tape import Tape, Tensor, scope
from tape.views.graph import describe
from tape.views.scopes import repeats, scope_parts, scopes_of
from tests.tape.programs import tapes


def stack_of_blocks(*widths, act=ops.tanh, other=ops.tanh):
    """x through blocks.0, blocks.1, ... of those widths; the last block has another op."""
    x = np.ones((2, 3), np.float32)
    h = x
    with Tape() as tape:
        for i, width in enumerate(widths):
            with scope(f"blocks.{i}"):
                with scope("up"):
                    h = h @ Tensor(np.ones((h.shape[1], width)), requires_grad=True)
                with scope("down"):
                    h = h @ Tensor(np.ones((width, 3)), requires_grad=True)
                h = (other if i == len(widths) - 1 else act)(h)
    return describe(tape)


@given(tapes())
def test_every_op_is_in_the_scope_that_it_ran_in(tape):
    graph = describe(tape)
    root = scopes_of(graph)
    assert {op.number: s.path for s in root.walk() for op in s.own_ops} == {
        op.number: op.scope for op in graph.ops
    }
    assert [op.number for op in root.ops] == list(range(len(graph.ops)))


def test_scopes_within_scopes_in_the_order_of_entering():
    root = scopes_of(stack_of_blocks(4, 4))
    assert [s.path for s in root.walk()] == [
        "",
        *("blocks.0", "blocks.0.up", "blocks.0.down"),
        *("blocks.1", "blocks.1.up", "blocks.1.down"),
    ]
    assert root.height == 2
    assert root.find("blocks.1.up").name == "up"


def test_a_scope_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(ValueError, match=r"'mlp'; the scopes are: blocks\.0, blocks\.0\.up"):
        scopes_of(stack_of_blocks(4)).find("mlp")
    with pytest.raises(ValueError, match="the scopes are: none"):
        scopes_of(describe(Tape())).find("mlp")


@pytest.mark.parametrize(
    ("graph", "lengths"),
    [
        (stack_of_blocks(4, 4, 4), [3]),
        (stack_of_blocks(4, 4, 5, 5, 5), [2, 3]),
        (stack_of_blocks(4, 5, 4), [1, 1, 1]),
        (stack_of_blocks(4, 4, other=ops.relu), [1, 1]),
    ],
    ids=["all alike", "another width", "in turn", "another op"],
)
def test_neighbours_that_do_the_same_are_one_run(graph, lengths):
    assert [len(run) for run in repeats(graph, scopes_of(graph))] == lengths


def test_trap_blocks_that_are_joined_otherwise_are_not_the_same():
    x = Tensor(np.ones((3, 3)), requires_grad=True)
    with Tape() as tape:
        for i in range(2):
            with scope(f"blocks.{i}"):
                a = ops.tanh(x)
                b = ops.tanh(a)
                x = a * b if i else a * a
    graph = describe(tape)
    assert [len(run) for run in repeats(graph, scopes_of(graph))] == [1, 1]


def test_trap_scopes_without_a_number_do_not_repeat():
    x = np.ones(3)
    with Tape() as tape:
        for name in ("left", "right"):
            with scope(name):
                ops.tanh(x)
    graph = describe(tape)
    assert [len(run) for run in repeats(graph, scopes_of(graph))] == [1, 1]


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
