"""Lessons: which are good, and what is said of the others."""

import numpy as np
import pytest

import ops
from models import demo
from tape import Tape
from tape.pictures.lesson import ATTENTION, read_lesson
from tape.views.graph import describe


def test_the_lesson_that_comes_along_fits_the_demonstration():
    graph = describe(demo.record())
    lesson = read_lesson(ATTENTION, graph)
    positions = [stop.position for stop in lesson.steps]
    assert positions == sorted(positions)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no lesson: JSONDecodeError"),
        ("[]", "is no lesson: TypeError"),
        ('{"title": "t"}', "is no lesson: KeyError: 'steps'"),
        ('{"title": "t", "steps": [{"step": 3, "text": ""}]}', "step 1 of .*: a step is like"),
        (
            '{"title": "t", "steps": [{"step": {"op": "exp", "scope": "b"}, "text": ""}]}',
            "step 1 of .*: there is no op 'exp' in scope 'b'",
        ),
        (
            '{"title": "t", "steps": [{"step": {"op": "log"}, "text": ""}]}',
            "there is no op 'log' outside all scopes",
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
