"""Drawings of the tape, from their Graphviz text."""

import re
import shutil

import numpy as np
import pytest

from tape import Tape, Tensor, scope


@pytest.fixture
def tape():
    x = Tensor(np.ones((4, 3)))
    w = Tensor(np.ones((3, 2)), requires_grad=True, name='w "<b>"')
    with Tape() as tape, scope("blocks.0"):
        with scope("mlp"):
            h = x @ w
        loss = (h * h).sum()
    tape.backward(loss)
    return tape


def edges(source):
    return re.findall(r"^\s*(\w+) -> (\w+)$", source, re.MULTILINE)


def test_edges_lead_from_leaves_and_records_to_later_records(tape):
    drawn = edges(tape.render().source)
    assert drawn == [("leaf0", "0"), ("leaf1", "0"), ("0", "1"), ("0", "1"), ("1", "2")]


def test_labels_name_op_and_shape_and_are_escaped(tape):
    source = tape.render().source
    assert "matmul" in source
    assert "4 x 2" in source
    assert r"w \"<b>\"" in source


def test_scopes_are_nested_clusters(tape):
    source = tape.render().source
    assert source.index('"cluster blocks.0"') < source.index('"cluster blocks.0.mlp"')


def test_the_same_tape_gives_the_same_text(tape, tmp_path):
    tape.render(tmp_path / "tape.gv")
    assert (tmp_path / "tape.gv").read_text() == tape.render().source


def test_a_missing_dot_is_named_with_the_way_out(tape, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match=r"tape\.svg needs the program `dot`.*\.gv file"):
        tape.render(tmp_path / "tape.svg")


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz's program dot is not installed")
def test_the_suffix_names_the_format(tape, tmp_path):
    tape.render(tmp_path / "tape.svg")
    assert "<svg" in (tmp_path / "tape.svg").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["tape.svg"]
