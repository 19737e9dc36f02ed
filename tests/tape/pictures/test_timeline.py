"""The memory held at each moment of both walks."""

from hypothesis import given

from tape.pictures.timeline import timeline
from tape.views.graph import describe
from tests.tape.programs import tapes


@given(tapes())
def test_the_timeline_has_each_op_forward_and_each_that_was_walked_back(tape):
    graph = describe(tape)
    moments = timeline(graph)
    n = len(graph.ops)
    assert [m.op for m in moments[:n]] == list(range(n))
    assert [m.op for m in moments[n:]] == [op.number for op in reversed(graph.ops) if op.walked]
    assert all(min(m.saved, m.cotangents, m.gradients) >= 0 for m in moments)
    if len(moments) > n:
        last = moments[-1]
        assert last.cotangents == 0
        kept = sum(op.saved_bytes for op in graph.ops if not op.walked)
        assert last.saved == kept
        reached = [t for t in graph.tensors if t.role == "parameter"]
        assert last.gradients <= sum(t.bytes for t in reached)
