"""The page as a file: what is in it, before a browser opens it."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings

import ops
from tape import Tape, Tensor, demo
from tape.graph import describe
from tape.pictures.layered import layered
from tape.pictures.layout import layouts
from tape.pictures.lesson import ATTENTION, read_lesson
from tape.pictures.page import page
from tape.pictures.svg import sizes
from tape.pictures.timeline import timeline
from tape.scopes import scopes_of
from tape.view import view
from tests.tape.programs import tapes

NASTY = 'w </script><b>"x"&amp;\u2028 <!--'


def data_of(text):
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', text)[1]
    )


@pytest.fixture(scope="module")
def tape():
    return demo.record()


def test_it_holds_the_description_to_six_digits(tape):
    def compare(found, expected):
        if isinstance(expected, float):
            assert found == pytest.approx(expected, rel=1e-5, abs=0)
        elif isinstance(expected, dict):
            assert found.keys() == expected.keys()
            for key in expected:
                compare(found[key], expected[key])
        elif isinstance(expected, list | tuple):
            assert len(found) == len(expected)
            for pair in zip(found, expected, strict=True):
                compare(*pair)
        else:
            assert found == expected

    graph = describe(tape)
    compare(data_of(page(graph, "t"))["graph"], graph.as_json())


def test_it_asks_for_nothing_outside_itself(tape):
    text = page(describe(tape), "t")
    assert not re.search(r"""(src|href)=["'](?!#)|@import|url\(|fetch\(|XMLHttpRequest""", text)
    assert len(text) < 400_000


def test_names_that_look_like_markup_stay_names():
    w = Tensor(np.ones(2), requires_grad=True, name=NASTY)
    with Tape() as tape:
        (w * w).sum()
    text = page(describe(tape), NASTY)
    assert data_of(text)["graph"]["tensors"][0]["name"] == NASTY

    class Tags(HTMLParser):
        scripts = 0

        def handle_starttag(self, tag, attrs):
            assert tag != "b"
            self.scripts += tag == "script"

    tags = Tags()
    tags.feed(text)
    assert tags.scripts == text.count("<script")


def test_every_scope_has_a_picture(tape):
    graph = describe(tape)
    found = re.findall(r'<svg class="picture" data-scope="([^"]*)"', page(graph, "t"))
    assert found == [scope.path for scope in scopes_of(graph).walk()]
    assert found == [scope["path"] for scope in data_of(page(graph, "t"))["scopes"]]


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


def test_the_lesson_that_comes_along_fits_the_demonstration(tape):
    graph = describe(tape)
    lesson = read_lesson(ATTENTION, graph)
    positions = [stop.position for stop in lesson.steps]
    assert positions == sorted(positions)
    assert data_of(page(graph, "t", lesson))["lesson"]["steps"][0]["text"] == lesson.steps[0].text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no lesson: JSONDecodeError"),
        ("[]", "is no lesson: TypeError"),
        ('{"title": "t"}', "is no lesson: KeyError: 'steps'"),
        ('{"title": "t", "steps": [{"step": 3, "text": ""}]}', "step 1 of .*: a step is like"),
        (
            '{"title": "t", "steps": [{"step": {"op": "exp", "scope": "b"}, "text": ""}]}',
            "step 1 of .*: there are 0 ops 'exp' in scope 'b'",
        ),
        (
            '{"title": "t", "steps": [{"step": {"op": "exp", "nth": 1}, "text": ""}]}',
            "there are 1 ops 'exp' outside all scopes, and none is nth 1",
        ),
        (
            '{"title": "t", "steps": [{"step": {"op": "exp", "backward": true}, "text": ""}]}',
            "the walk back did not come through 'exp'",
        ),
        (
            '{"title": "t", "steps": [{"step": {"op": "exp", "way": 1}, "text": ""}]}',
            "a step has no 'way' like 1",
        ),
    ],
)
def test_what_is_no_lesson_on_this_tape_is_named(content, message, tmp_path):
    path = tmp_path / "lesson.json"
    path.write_text(content)
    with Tape() as tape:
        ops.exp(np.ones(2))
    with pytest.raises(ValueError, match=message):
        tape.to_html(tmp_path / "tape.html", lesson=path)
    assert not (tmp_path / "tape.html").exists()


def test_the_demonstration_writes_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["tape.demo", str(tmp_path / "t.html")])
    assert demo.main() == 0
    assert "t.html: " in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["t.html"]
    monkeypatch.setattr("sys.argv", ["tape.demo", str(tmp_path / "no" / "t.html")])
    assert demo.main() == 1
    assert "No such file or directory" in capsys.readouterr().err
