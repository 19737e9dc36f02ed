"""The page as a file: what is in it, before a browser opens it."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from models import demo
from tape import Tape, Tensor
from tape.pictures.lesson import ATTENTION, read_lesson
from tape.pictures.page import page
from tape.views.graph import describe
from tape.views.scopes import scopes_of

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


def test_a_tape_writes_it_in_utf_8(tape, tmp_path):
    path = tape.to_html(tmp_path / "tape.html", title="größer")
    assert path == tmp_path / "tape.html"
    assert path.read_text("utf-8") == page(describe(tape), "größer")


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


def test_a_long_tape_has_pictures_of_a_hundred_ops_and_scopes_at_most():
    h = Tensor(np.ones(2), requires_grad=True, name="h")
    with Tape() as tape:
        for _ in range(3000):
            h = h * 0.5
    text = page(describe(tape), "t")
    pictures = re.findall(r'<svg class="picture".*?</svg>', text)
    assert len(pictures) == 1 + 30
    counts = [len(re.findall(r'class="box (?:op|scope)', picture)) for picture in pictures]
    assert counts == [30] + [100] * 30


def test_the_page_of_a_long_tape_grows_as_the_tape_does():
    def length(n):
        h = Tensor(np.ones(2), name="h")
        with Tape() as tape:
            for _ in range(n):
                h = h * 0.5
        return len(page(describe(tape), "t"))

    empty, once, twice = map(length, (0, 1500, 3000))
    assert twice - empty < 2.2 * (once - empty)


def test_a_lesson_comes_along(tape):
    graph = describe(tape)
    lesson = read_lesson(ATTENTION, graph)
    assert data_of(page(graph, "t", lesson))["lesson"]["steps"][0]["text"] == lesson.steps[0].text
