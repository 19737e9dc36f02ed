"""A tape as a table, a row for each scope."""

import re

import numpy as np
import pytest

import ops
from tape import Sample, Tape, Tensor, normal, op, scope


def leaf(*shape, requires_grad=True):
    return Tensor(np.full(shape, 0.01, np.float32), requires_grad=requires_grad)


@pytest.fixture
def tape():
    """Two blocks and a head; the embedding and the head share their table."""

    @op(samples=(Sample(normal(1, 1), normal(1, 1)),), flops=lambda a, b: 2 * a.size * b.shape[1])
    def product(a, b, /):
        return a @ b, lambda g: (g @ b.T, a.T @ g)

    table, gain = leaf(50, 20), leaf(20)
    weights = [leaf(20, 20) for _ in range(2)]
    with Tape(timed=True) as tape:
        with scope("embedding"):
            h = ops.embedding([1, 2, 3], table)  # saves its ids, an operand
        for i, weight in enumerate(weights):
            with scope(f"blocks.{i}"):
                with scope("norm"):
                    h = h * gain  # saves h, (3, 20): 240 bytes
                with scope("mlp"):
                    h = ops.exp(product(h, weight))  # saves h, and its result: 480
        with scope("head"):
            y = product(h, table.T)  # exp holds h already, and the table is a leaf
        tape.loss = y.sum()
    tape.clock.forward = dict.fromkeys(range(len(tape)), 0.001)
    return tape


def names(table):
    """The first column, indented as it is."""
    header, *rows = table.splitlines()
    return [row[: header.index("  ops")].rstrip() for row in rows]


def test_a_row_for_each_scope_with_what_is_inside_it_and_a_total(tape):
    tape.clock.back = dict.fromkeys(range(len(tape)), 0.002)

    assert tape.summary() == (
        """\
scope      ops  parameters    FLOP   saved   forward      back
embedding    1         1 k       0       0   1.00 ms   2.00 ms
blocks.0     3         420   2.4 k   720 B   3.00 ms   6.00 ms
  norm       1          20       0   240 B   1.00 ms   2.00 ms
  mlp        2         400   2.4 k   480 B   2.00 ms   4.00 ms
blocks.1     3         420   2.4 k   480 B   3.00 ms   6.00 ms
  norm       1          20       0       0   1.00 ms   2.00 ms
  mlp        2         400   2.4 k   480 B   2.00 ms   4.00 ms
head         2         1 k     6 k       0   2.00 ms   4.00 ms
total       10      1.82 k  10.8 k  1.2 kB  10.00 ms  20.00 ms"""
    )


@pytest.mark.parametrize(
    ("depth", "scopes"),
    [
        (0, []),
        (1, ["embedding", "blocks.0", "blocks.1", "head"]),
        (2, ["embedding", "blocks.0", "  norm", "  mlp", "blocks.1", "  norm", "  mlp", "head"]),
    ],
)
def test_depth_is_how_many_scopes_within_scopes_are_shown(tape, depth, scopes):
    rows = tape.summary(depth).splitlines()

    assert names(tape.summary(depth)) == [*scopes, "total"]
    assert {re.sub(" +", " ", row) for row in rows} <= {
        re.sub(" +", " ", row) for row in tape.summary().splitlines()
    }, "what is not shown is still counted"


def test_a_tape_that_was_not_walked_shows_a_dash_and_then_what_the_walk_took(tape):
    assert [row.split()[-1] for row in tape.summary().splitlines()[1:]] == ["-"] * 9

    tape.backward(tape.loss)
    assert [row.split()[-1] for row in tape.summary().splitlines()[1:]] == ["ms"] * 9


def test_ops_outside_all_scopes_are_in_the_total_alone():
    with Tape() as tape:
        h = leaf(3) * 2.0
        with scope("head"):
            h + 1.0

    head, total = (row.split() for row in tape.summary().splitlines()[1:])
    assert head[:3] == ["head", "1", "0"]
    assert total[:3] == ["total", "2", "3"]


def test_parameters_are_leaves_that_want_a_gradient_each_counted_once():
    w, results = leaf(3), leaf(1)

    with Tape() as outer:
        results = results * 2.0
        with Tape() as tape, scope("all"):
            for x in (w, leaf(4), leaf(100, requires_grad=False), 3.0):
                results = results + (w.sum() * x).sum()

    assert outer.records[0].requires_grad
    assert tape.summary().splitlines()[-1].split()[:3] == ["total", "16", str(3 + 4 + 1)]


def test_a_scope_that_is_entered_again_has_one_row():
    w = leaf(3)

    with Tape() as tape:
        for name in ("a", "b", "a"):
            with scope(name):
                w = w * 2.0

    assert [row.split()[:2] for row in tape.summary().splitlines()[1:]] == [
        ["a", "2"],
        ["b", "1"],
        ["total", "3"],
    ]


def test_a_scope_within_a_scope_stands_below_it_also_when_another_came_between():
    w = leaf(3)

    with Tape() as tape:
        for outer, inner in (("a", "first"), ("b", "other"), ("a", "second")):
            with scope(outer), scope(inner):
                w = w * 2.0

    assert names(tape.summary()) == ["a", "  first", "  second", "b", "  other", "total"]


def test_a_tape_without_records_is_all_zeros():
    (total,) = Tape().summary().splitlines()[1:]

    assert total.split() == ["total", "0", "0", "0", "0", "-", "-"]


def test_a_tape_that_is_not_timed_shows_dashes():
    with Tape() as tape:
        loss = leaf(3).sum()
    tape.backward(loss)

    assert tape.summary().splitlines()[-1].split()[-2:] == ["-", "-"]
