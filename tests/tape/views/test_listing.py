"""A tape as a table, a row for each op."""

import numpy as np

import ops
from tape import Tape, Tensor, scope


def test_a_row_for_each_op():
    w = Tensor(np.ones((3, 2), np.float32), requires_grad=True, name="w")
    x = Tensor(np.ones((4, 3), np.float32))
    with Tape() as tape:
        with scope("blocks.0.mlp"):
            h = ops.tanh(ops.linear(x, w.T, None))
        (h * h).sum()

    assert str(tape) == (
        """\
 #  op         operands        result         saved  scope
#0  transpose  w               float32(2, 3)      0  blocks.0.mlp
#1  linear     leaf, #0, None  float32(4, 2)      0  blocks.0.mlp
#2  tanh       #1              float32(4, 2)   32 B  blocks.0.mlp
#3  multiply   #2, #2          float32(4, 2)      0
#4  sum        #3              float32()          0"""
    )


def test_a_name_stays_on_its_line():
    with Tape() as tape, scope("a\nb"):
        Tensor([1.0], name="two\nlines").sum()
    assert len(str(tape).splitlines()) == 2
    assert r"two\nlines" in str(tape)


def test_what_was_saved_is_not_told_where_it_was_not_watched():
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    with Tape(guard=False) as tape:
        w * w
    assert str(tape).splitlines()[1].split() == ["#0", "multiply", "w,", "w", "float32(2,)", "-"]
    assert tape.summary().splitlines()[-1].split()[:5] == ["total", "1", "2", "0", "-"]


def test_a_tape_without_records_is_a_header():
    assert str(Tape()).split() == ["#", "op", "operands", "result", "saved", "scope"]


def test_it_is_the_same_after_the_walk_back():
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    with Tape() as tape:
        loss = (w * w).sum()
    before = str(tape)
    tape.backward(loss)
    assert str(tape) == before


def test_of_many_operands_the_first_are_named():
    with Tape() as tape:
        for n in (6, 7):
            ops.stack([Tensor([1.0], name=f"x{i}") for i in range(n)])
    assert "x0, x1, x2, x3, x4, x5  " in str(tape)
    assert "x0, x1, x2, x3, x4, … 7 in all  " in str(tape)
