"""A drawing saves itself, and notebooks show it, with Graphviz and without."""

import shutil
import sys
from types import SimpleNamespace

import pytest

import ops  # noqa: F401 - gives tensors their methods
from tape import Tape, Tensor
from tape.pictures.dot import CannotDraw

needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="the program dot is not installed")

WAYS_OUT = (
    "apt install graphviz",
    "brew install graphviz",
    "winget install graphviz",
    "conda install graphviz",
    "tape.to_html('tape.html')",
)


@pytest.fixture
def tape():
    with Tape() as tape:
        Tensor([1.0, 2.0], requires_grad=True, name="<w>").sum()
    return tape


@pytest.fixture
def in_notebook(monkeypatch):
    shell = SimpleNamespace(kernel=None)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file())


@needs_dot
def test_a_picture_is_saved_in_the_format_asked_for(tape, tmp_path):
    drawing = tape.render(tmp_path / "a.PDF")
    tape.render(tmp_path / "b", format="png")
    assert names(tmp_path) == ["a.PDF", "b"]
    assert (tmp_path / "a.PDF").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "b").read_bytes().startswith(b"\x89PNG")
    assert drawing.format == "pdf"


@pytest.mark.parametrize("name", ["tape.gv", "tape.dot"])
def test_text_needs_no_graphviz(tape, tmp_path, no_graphviz, name):
    source = tape.render(tmp_path / name).source
    assert (tmp_path / name).read_text("utf-8") == source
    assert names(tmp_path) == [name]


def test_nothing_is_written_without_a_filename_or_in_an_unknown_format(tape, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tape.render(format="png")
    with pytest.raises(ValueError, match=r"unknown suffix '\.bmp'"):
        tape.render("tape.bmp")
    assert not names(tmp_path)


def test_where_graphviz_is_missing_the_text_is_kept_and_the_ways_out_are_named(
    tape, tmp_path, no_graphviz
):
    with pytest.raises(RuntimeError) as error:
        tape.render(tmp_path / "tape.svg")
    message = str(error.value)
    assert "\n" not in message
    for named in (str(tmp_path / "tape.gv"), *WAYS_OUT):
        assert named in message
    assert (tmp_path / "tape.gv").read_text("utf-8") == tape.render().source
    assert names(tmp_path) == ["tape.gv"]


def test_the_text_of_a_layout_that_takes_too_long_is_kept(tape, tmp_path, fake_dot):
    fake_dot("exec sleep 60")
    with pytest.raises(CannotDraw, match=r"tape\.gv: its layout took more than 0\.1 s"):
        tape.render(tmp_path / "tape.svg", timeout=0.1)
    assert names(tmp_path) == ["tape.gv"]


@needs_dot
def test_a_notebook_shows_svg(tape):
    bundle = tape.render()._repr_mimebundle_(include=None, exclude=None)
    assert list(bundle) == ["image/svg+xml"]
    assert "</svg>" in bundle["image/svg+xml"]


def test_a_notebook_shows_the_table_and_the_page_where_there_is_no_picture(tape, no_graphviz):
    bundle = tape.render().copy()._repr_mimebundle_()
    assert bundle["text/plain"].startswith("no picture: Graphviz is missing.")
    assert bundle["text/plain"].endswith(f"\n\n{tape}")
    assert "no picture: Graphviz is missing." in bundle["text/html"]
    assert ' srcdoc="&lt;!doctype html&gt;' in bundle["text/html"]


def test_a_notebook_is_told_when_the_layout_takes_too_long(tape, fake_dot):
    fake_dot("exec sleep 60")
    drawing = tape.render(timeout=0.1).copy()
    assert "more than 0.1 s" in drawing._repr_mimebundle_()["text/plain"]


def test_a_notebook_is_only_warned_of_a_file_that_is_not_drawn(
    tape, tmp_path, no_graphviz, in_notebook, monkeypatch
):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    with pytest.warns(match=r"tape\.svg is not drawn, its DOT text is in .*tape\.gv") as warned:
        tape.render(tmp_path / "tape.svg", view=True)
    assert warned[0].filename == __file__
    assert names(tmp_path) == ["tape.gv"] and not opened
