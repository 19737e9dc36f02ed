"""Where boxes and lines go, by Graphviz and by our own layers."""

import pytest
from hypothesis import given, settings

from tape.graph import describe
from tape.pictures.layered import layered
from tape.pictures.layout import layouts
from tape.pictures.svg import sizes
from tape.view import view
from tests.tape.programs import tapes


@pytest.mark.parametrize("engine", [layouts, lambda v, s: [layered(*p) for p in zip(v, s)]])  # noqa: B905
@settings(max_examples=15, deadline=None)
@given(tapes())
def test_boxes_do_not_overlap_and_edges_reach_them(engine, tape):
    graph = describe(tape)
    picture = view(graph, depth=0, fold=False)
    size = sizes(graph, picture)
    (found,) = engine([picture], [size])
    places = found.boxes
    assert places.keys() == size.keys()
    boxes = list(places.values())
    for i, a in enumerate(boxes):
        assert a.x >= 0 and a.x + a.width <= found.width + 1
        for b in boxes[:i]:
            apart_x = a.x + a.width <= b.x + 0.5 or b.x + b.width <= a.x + 0.5
            apart_y = a.y + a.height <= b.y + 0.5 or b.y + b.height <= a.y + 0.5
            assert apart_x or apart_y
    for edge, line in zip(picture.edges, found.edges, strict=True):
        for end, (x, y) in ((edge.tail, line[0]), (edge.head, line[-1])):
            box = places[end]
            assert box.x - 3 <= x <= box.x + box.width + 3
            assert box.y - 3 <= y <= box.y + box.height + 3
