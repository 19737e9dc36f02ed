"""From DOT text to a picture: Graphviz there, in pygraphviz, missing, slow or failing."""

import os
import shutil

import pytest

import ops  # noqa: F401 - gives tensors their methods
from tape import Tape, Tensor
from tape.pictures.dot import CannotDraw, picture

needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="the program dot is not installed")

BEGINS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}


@pytest.fixture
def tape():
    with Tape() as tape:
        Tensor([1.0, 2.0], requires_grad=True, name="w").sum()
    return tape


@pytest.fixture
def no_graphviz(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("tape.pictures.dot.find_spec", lambda name: None)


@pytest.fixture
def fake_dot(monkeypatch, tmp_path):
    """Put a shell script in the place of dot."""

    def install(script):
        program = tmp_path / "bin" / "dot"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    return install


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file())


@needs_dot
@pytest.mark.parametrize("format", BEGINS)
def test_the_suffix_or_else_format_says_what_is_written(tape, tmp_path, format):
    drawing = tape.render(tmp_path / f"tape.{format.upper()}")
    tape.render(tmp_path / "tape", format=format)
    for path in tmp_path.iterdir():
        assert path.read_bytes().startswith(BEGINS[format])
    assert names(tmp_path) == ["tape", f"tape.{format.upper()}"]
    assert drawing.format == format


@pytest.mark.parametrize("name", ["tape.gv", "tape.dot"])
def test_text_needs_no_graphviz(tape, tmp_path, no_graphviz, name):
    source = tape.render(tmp_path / name).source
    assert (tmp_path / name).read_text("utf-8") == source
    assert names(tmp_path) == [name]


def test_nothing_is_written_without_a_filename(tape, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tape.render(format="png")
    assert not names(tmp_path)


@pytest.mark.parametrize("format", BEGINS)
def test_pygraphviz_is_used_where_dot_is_missing(tape, tmp_path, monkeypatch, format):
    pytest.importorskip("pygraphviz")
    monkeypatch.setenv("PATH", "")
    tape.render(tmp_path / f"tape.{format}")
    assert (tmp_path / f"tape.{format}").read_bytes().startswith(BEGINS[format])


@pytest.mark.parametrize("program", ["dot", "pygraphviz"])
def test_the_pictures_of_several_graphs_follow_one_another(program, monkeypatch):
    if program == "dot" and not shutil.which("dot"):
        pytest.skip("the program dot is not installed")
    if program == "pygraphviz":
        pytest.importorskip("pygraphviz")
        monkeypatch.setenv("PATH", "")
    two = picture("digraph {\na -> b\n}\ndigraph {\nc -> d\n}\n", "plain", 10).decode()
    assert [line.split()[1] for line in two.splitlines() if line.startswith("node")] == [*"abcd"]


def test_where_graphviz_is_missing_the_text_is_kept_and_the_ways_out_are_named(
    tape, tmp_path, no_graphviz
):
    with pytest.raises(RuntimeError) as error:
        tape.render(tmp_path / "tape.svg")
    message = str(error.value)
    assert "\n" not in message
    for way in (
        str(tmp_path / "tape.gv"),
        "apt install graphviz",
        "brew install graphviz",
        "winget install graphviz",
        "conda install graphviz",
        "pip install pygraphviz",
        "tape.to_html('tape.html')",
    ):
        assert way in message
    assert (tmp_path / "tape.gv").read_text("utf-8") == tape.render().source
    assert names(tmp_path) == ["tape.gv"]


def test_a_layout_that_takes_too_long_is_killed_and_its_text_kept(tape, tmp_path, fake_dot):
    fake_dot(f"echo $$ > {tmp_path}/pid\nexec sleep 60")
    with pytest.raises(RuntimeError, match=r"tape\.gv: its layout took more than 0\.5 s"):
        tape.render(tmp_path / "tape.svg", timeout=0.5)
    assert names(tmp_path) == ["pid", "tape.gv"]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_what_graphviz_complains_of_is_passed_on(tape, tmp_path, fake_dot):
    fake_dot("echo first >&2; echo no such renderer >&2; exit 1")
    with pytest.raises(CannotDraw, match=r"Graphviz failed: no such renderer$"):
        tape.render(tmp_path / "tape.pdf")
    assert names(tmp_path) == ["tape.gv"]


@pytest.mark.parametrize(
    ("name", "format", "named"),
    [
        ("tape.jpeg", None, r"unknown suffix '\.jpeg' of .*tape\.jpeg"),
        ("tape", None, "unknown suffix '' of .*tape"),
        ("tape.svg", "bmp", "unknown format 'bmp'"),
        (None, "bmp", "unknown format 'bmp'"),
    ],
)
def test_an_unknown_format_is_named(tape, tmp_path, name, format, named):
    path = name and tmp_path / name
    with pytest.raises(ValueError, match=f"{named}: a drawing is svg, png, pdf, gv or dot$"):
        tape.render(path, format=format)
    assert not names(tmp_path)


@needs_dot
def test_a_notebook_shows_svg(tape):
    bundle = tape.render()._repr_mimebundle_(include=None, exclude=None)
    assert list(bundle) == ["image/svg+xml"]
    assert "</svg>" in bundle["image/svg+xml"]


def test_a_notebook_shows_text_where_graphviz_is_missing(tape, no_graphviz):
    bundle = tape.render()._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert "Graphviz is missing" in bundle["text/plain"]
    assert "to_html" in bundle["text/plain"]


def test_a_notebook_shows_text_when_the_layout_takes_too_long(tape, fake_dot):
    fake_dot("exec sleep 60")
    assert "more than 0.1 s" in tape.render(timeout=0.1)._repr_mimebundle_()["text/plain"]
