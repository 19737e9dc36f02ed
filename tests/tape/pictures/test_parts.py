"""Scopes of too many ops, divided into parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ops
from tape import Tape, Tensor, scope
from tape.pictures.parts import Part, in_parts
from tape.pictures.selection import select, select_each
from tape.views.graph import describe
from tape.views.scopes import scopes_of
from tests.tape.programs import tapes


def chain(n, path=None):
    """x through n ops, in one scope or in none, with a weight that all read."""
    w = Tensor(np.ones(3), requires_grad=True, name="w")
    x = Tensor(np.ones(3), name="x")
    with Tape() as tape:
        for _ in range(n):
            if path is None:
                x = x * w
            else:
                with scope(path):
                    x = x * w
    return describe(tape)


@given(tapes(), st.integers(2, 5))
def test_no_scope_has_more_in_it_than_the_limit_and_every_op_is_in_one(tape, limit):
    graph = describe(tape)
    root = in_parts(scopes_of(graph), limit)
    for each in root.walk():
        assert len(each.own_ops) + len(each.children) <= limit
        inside = [*each.own_ops, *(op for child in each.children for op in child.ops)]
        assert each.ops == sorted(inside, key=lambda op: op.number)
    assert root.ops == list(graph.ops)
    paths = [each.path for each in root.walk()]
    assert len(set(paths)) == len(paths)


def test_runs_of_ops_are_named_by_their_numbers_and_runs_of_runs_too():
    root = in_parts(scopes_of(chain(12)), 3)
    assert [part.name for part in root.walk()] == [
        "",
        *("#0 … #8", "#0 … #2", "#3 … #5", "#6 … #8"),
        "#9 … #11",
    ]


def test_what_fits_is_left_as_it_is():
    root = scopes_of(chain(3, path="a"))
    assert in_parts(root, 3) == root


def test_scopes_stay_whole_where_they_first_ran():
    x = Tensor(np.ones(3))
    with Tape() as tape:
        for path in ("a", "b", "a", "c", "b", "d"):
            with scope(path):
                x = ops.tanh(x)
    root = in_parts(scopes_of(describe(tape)), 2)
    found = [(part.name, [child.name for child in part.children]) for part in root.children]
    assert found == [("#0 … #4", ["a", "b"]), ("#3 … #5", ["c", "d"])]


def test_trap_a_scope_that_is_called_like_a_part():
    x = Tensor(np.ones(3))
    with Tape() as tape:
        for path in ("#0 … #1", "a", "b"):
            with scope(path):
                x = ops.tanh(x)
    root = in_parts(scopes_of(describe(tape)), 2)
    assert [(each.path, isinstance(each, Part)) for each in root.walk()] == [
        ("", False),
        ("#0 … #1'", True),
        ("#0 … #1", False),
        ("a", False),
        ("b", False),
    ]


def test_a_closed_part_has_inside_what_it_alone_reads():
    graph = chain(6)
    pictures = {
        each.root.path: [box.label for box in each.root.boxes]
        for each in select_each(graph, in_parts(scopes_of(graph), 3))
    }
    assert pictures == {
        "": ["#0 … #2", "#3 … #5", "w"],
        "#0 … #2": ["multiply"] * 3 + ["x", "w", "multiply"],
        "#3 … #5": ["multiply"] * 3 + ["multiply", "w"],
    }


def test_what_comes_to_a_part_from_many_ops_of_one_name_comes_from_one_box():
    x = Tensor(np.ones(3), requires_grad=True)
    with Tape() as tape:
        ops.stack([ops.tanh(x) for _ in range(8)])
        ops.exp(x)
    graph = describe(tape)
    *_, last = select_each(graph, in_parts(scopes_of(graph), 4))
    assert [(box.kind, box.label) for box in last.root.boxes] == [
        *(("op", "stack"), ("op", "exp")),
        *(("from", "tanh"), ("leaf", "parameter")),
    ]
    assert len(last.edges) == 2


@pytest.mark.parametrize("path", [None, "a"])
def test_a_picture_of_a_long_flat_tape_keeps_to_its_number_of_boxes(path):
    graph = chain(2000, path)
    picture = select(graph, scope=path or "", max_boxes=500)
    assert len(list(picture.root.all_boxes())) <= 500
    assert (picture.closed, picture.divided) == (False, True)
    assert [box.label for box in picture.root.boxes][:2] == ["#0 … #499", "#500 … #999"]
