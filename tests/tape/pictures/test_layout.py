"""Where the boxes and lines of a picture go."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings

import ops
from tape import Tape, Tensor
from tape.pictures.layout import layout
from tape.pictures.selection import select
from tape.views.graph import describe
from tests.tape.programs import tapes


def laid_out(tape):
    """A picture of all ops, and its layout."""
    picture = select(describe(tape), depth=0, fold=False)
    return picture, layout(picture, {box.id: (9 * len(box.id), 40) for box in picture.root.boxes})


def is_at(point, box):
    (x, y), by = point, 3
    return -by <= x - box.x <= box.width + by and -by <= y - box.y <= box.height + by


def passes(line, point):
    """Whether the point is on an upright piece of the line."""
    x, y = point
    ends = pairwise(line[::3])
    return any(x == x0 == x1 and min(y0, y1) <= y <= max(y0, y1) for (x0, y0), (x1, y1) in ends)


@settings(max_examples=30, deadline=None)
@given(tapes())
def test_boxes_do_not_overlap_and_edges_lead_from_box_to_box(tape):
    picture, found = laid_out(tape)
    boxes = list(found.boxes.values())
    assert found.boxes.keys() == {box.id for box in picture.root.boxes}
    for i, a in enumerate(boxes):
        assert a.x >= 0 and a.x + a.width <= found.width + 1
        for b in boxes[:i]:
            apart_x = a.x + a.width <= b.x or b.x + b.width <= a.x
            apart_y = a.y + a.height <= b.y or b.y + b.height <= a.y
            assert apart_x or apart_y
    edges = list(zip(picture.edges, found.edges, strict=True))
    for edge, line in edges:
        trunk = [x for e, x in edges if (e.tail, e.tensor) == (edge.tail, edge.tensor)]
        assert is_at(line[-1], found.boxes[edge.head])
        assert is_at(line[0], found.boxes[edge.tail]) or any(
            passes(other, line[0]) for other in trunk if other is not line
        )


def test_what_runs_later_is_below_what_it_reads():
    with Tape() as tape:
        ops.exp(ops.tanh(Tensor(np.ones(2), name="x")))
    _, found = laid_out(tape)
    tops = [found.boxes[box].y for box in ("tensor0", "op0", "op1")]
    assert tops == sorted(set(tops))


def test_what_many_ops_read_has_a_trunk_that_is_drawn_once():
    def length(n):
        h = w = Tensor(np.ones((2, 2)), requires_grad=True, name="w")
        with Tape() as tape:
            for _ in range(n):
                h = h @ w
        return sum(map(len, laid_out(tape)[1].edges))

    assert length(80) < 2.2 * length(40)


def test_alike_pictures_have_one_layout():
    def chain():
        with Tape() as tape:
            ops.exp(ops.tanh(Tensor(np.ones(2), name="x")))
        return tape

    assert laid_out(chain()) == laid_out(chain())
