"""From DOT text to a picture: Graphviz there, slow or failing."""

import os
import shutil
from pathlib import Path

import pytest

from tape.pictures.dot import CannotDraw, format_of, picture

BEGINS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="the program dot is not installed")


@needs_dot
def test_a_picture_has_the_format_asked_for():
    for format, begin in BEGINS.items():
        assert picture("digraph { a -> b }", format, 10).startswith(begin)


def test_a_layout_that_takes_too_long_is_killed(tmp_path, fake_dot):
    fake_dot(f"echo $$ > {tmp_path}/pid\nexec sleep 60")
    with pytest.raises(
        CannotDraw, match=r"its layout took more than 0\.5 s; show less with depth="
    ):
        picture("digraph {}", "svg", 0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("script", "reason"),
    [("echo first >&2; echo no such renderer >&2; exit 1", "no such renderer"), ("exit 3", "3")],
)
def test_what_graphviz_complains_of_is_passed_on(fake_dot, script, reason):
    fake_dot(script)
    with pytest.raises(CannotDraw, match=f"^Graphviz failed: {reason}$"):
        picture("digraph {}", "pdf", 10)


@pytest.mark.parametrize(
    ("name", "format", "found"),
    [("a.SVG", None, "svg"), ("a.dot", None, "dot"), ("a", "PNG", "png"), (None, None, "svg")],
)
def test_the_format_is_named_or_that_of_the_suffix(name, format, found):
    assert format_of(name and Path(name), format) == found


@pytest.mark.parametrize(
    ("name", "format", "named"),
    [
        ("tape.jpeg", None, r"unknown suffix '\.jpeg' of .*tape\.jpeg"),
        ("tape", None, "unknown suffix '' of .*tape"),
        ("tape.svg", "bmp", "unknown format 'bmp'"),
        (None, "bmp", "unknown format 'bmp'"),
    ],
)
def test_an_unknown_format_is_named(name, format, named):
    with pytest.raises(ValueError, match=f"^{named}: a drawing is svg, png, pdf, gv or dot$"):
        format_of(name and Path(name), format)
