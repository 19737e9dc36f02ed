"""The picture of a tape as DOT text."""

import inspect
import json
import os
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ops
from tape import Tape, Tensor, scope
from tape.engine.record import printable
from tape.pictures.dot import picture
from tape.pictures.render import draw
from tape.pictures.selection import select
from tape.views.graph import describe
from tests.tape.programs import tapes

GOLDEN = Path(__file__).parent / "golden"
needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="the program dot is not installed")


def parameter(*shape, name=None):
    return Tensor(np.full(shape, 0.1, np.float32), requires_grad=True, name=name)


def fork():
    """A value that is read three times, and a branch that the loss does not reach."""
    x, unused = parameter(2, name="x"), parameter(2, name="unused")
    with Tape() as tape:
        y = x * x
        ops.exp(unused)
        loss = (y * y + y).sum()
    tape.backward(loss, into={})
    return tape


def mlp():
    """Parameters with names in scopes, and a loss; it has not been walked."""
    x = Tensor(np.ones((4, 3), np.float32), name="x")
    with Tape() as tape:
        with scope("hidden"):
            h = ops.gelu(
                ops.linear(x, parameter(5, 3, name="hidden.weight"), parameter(5, name="b"))
            )
        with scope("head"):
            logits = ops.linear(h, parameter(2, 5, name="head.weight"))
        ops.cross_entropy(logits, np.array([0, 1, 1, 0]))
    return tape


def blocks(n=3, walked=True):
    """Blocks that repeat, with a table that the first scope and the last both read."""
    table = parameter(9, 4, name="table")
    with Tape(trace=True, timed=True) as tape:
        with scope("embedding"):
            h = ops.embedding([1, 2, 3], table)
        for i in range(n):
            with scope(f"blocks.{i}"):
                with scope("norm"):
                    normed = h * parameter(4, name=f"blocks.{i}.norm.gain")
                h = h + ops.tanh(normed)
        with scope("head"):
            loss = (h @ table.T).sum()
    if walked:
        tape.backward(loss, into={})
    return tape


@pytest.mark.parametrize(
    ("name", "tape", "options"),
    [
        ("fork_back", fork, {"backward": True}),
        ("mlp", mlp, {"show": ("shape", "dtype", "bytes", "flops"), "direction": "LR"}),
        ("blocks", blocks, {}),
        ("blocks_unfolded", blocks, {"fold": False}),
        ("blocks_closed", blocks, {"depth": 0, "show": ("shape", "gradient")}),
        ("one_block_back", blocks, {"scope": "blocks.1", "backward": True}),
    ],
)
def test_the_text_is_the_golden_one(name, tape, options, tmp_path):
    file = GOLDEN / f"{name}.gv"
    if os.environ.get("RENEW_GOLDEN"):
        tape().render(file, **options)
    tape().render(tmp_path / file.name, **options)
    assert (tmp_path / file.name).read_text("utf-8") == file.read_text("utf-8"), (
        f"{file} is not what is drawn now. If that is meant, renew it and look at what changed: "
        "RENEW_GOLDEN=1 pytest tests/tape/pictures; git diff tests/tape/pictures/golden"
    )


def statements(drawing):
    """Ids of nodes, and pairs of those that edges join, in the order of the text."""
    nodes = re.findall(r"^\t+(\w+\d) \[", drawing.source, re.MULTILINE)
    return nodes, re.findall(r"^\t(\w+) -> (\w+)", drawing.source, re.MULTILINE)


@given(tapes(), st.none() | st.integers(0, 3), st.booleans(), st.booleans())
def test_every_selected_box_and_edge_is_drawn_once(tape, depth, fold, backward):
    graph = describe(tape)
    seen = select(graph, depth=depth, fold=fold)
    nodes, edges = statements(draw(graph, seen, backward=backward))
    assert sorted(nodes) == sorted(box.id for box in seen.root.all_boxes())
    assert edges == [(edge.tail, edge.head) for edge in seen.edges]


def test_its_defaults_are_those_that_people_rely_on():
    assert fork().render().timeout == 30
    parameters = inspect.signature(Tape.render).parameters.values()
    assert {p.name: p.default for p in parameters if p.default is not p.empty} == {
        **{"filename": None, "format": None, "view": False, "direction": "TB", "depth": None},
        **{"scope": None, "fold": True, "show": ("shape",), "backward": False},
        **{"max_nodes": 500, "timeout": 30},
    }


def test_the_same_program_gives_the_same_text():
    assert blocks().render().source == blocks().render().source
    assert os.getcwd() not in blocks().render(show=("shape", "ms")).source


def test_the_walk_back_turns_the_arrows_that_carry_gradients():
    edges = {
        (tail, head): attributes
        for tail, head, attributes in re.findall(
            r"^\t(\w+) -> (\w+) \[(.*)\]$", fork().render(backward=True).source, re.MULTILINE
        )
    }
    assert "dir=none" in edges["tensor2", "op1"]  # the loss does not reach op1
    assert {"dir=back" in edges[pair] for pair in edges if pair[1] != "op1"} == {True}


def test_gradients_add_up_where_a_tensor_has_several_readers():
    source = fork().render(backward=True).source
    adds = re.findall(r"(\w+) -> (\w+) \[.*taillabel", source)
    # x and y are read two and three times; the first gradient that comes has nothing to add to
    assert adds == [("tensor0", "op0"), ("op0", "op2"), ("op0", "op2")]
    assert "taillabel" not in fork().render().source


@needs_dot
@pytest.mark.parametrize("tape", [fork, mlp, blocks])
@pytest.mark.parametrize("direction", ["TB", "LR"])
def test_both_walks_are_drawn_in_the_same_places(tape, direction):
    def places(**options):
        source = tape().render(direction=direction, **options).source
        layout = json.loads(picture(source, "json0", 10))
        return {node["name"]: node.get("pos") or node["bb"] for node in layout["objects"]}

    assert places() == places(backward=True)


NAMES = [
    "<b>bold</b>",
    'quotes "\'"',
    r"back\slash\N\l\\",
    "ends\\",
    "</script>",
    "a:b:c",
    "two\nlines\x00\t",
    "∇ 模型 é",
    "&lt;&amp;",
    "digraph",
    "<>",
]


@needs_dot
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("depth", [None, 0])
def test_names_are_drawn_as_they_are(name, depth):
    with Tape() as tape, scope(name):
        ops.exp(parameter(2, name=name))
    svg = picture(tape.render(depth=depth).source, "svg", 10)
    texts = [e.text for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count(printable(name)) == (2 if depth is None else 1)


def said(tape, **options):
    """What the boxes say in grey small print, by their ids."""
    lines = re.findall(
        r"^\t+(\w+\d) \[label=<(.*)> color", tape.render(**options).source, re.MULTILINE
    )
    return {id: re.findall('COLOR="#667085">([^<]+)', label) for id, label in lines}


@pytest.mark.parametrize(
    ("show", "of_matmul", "of_table"),
    [
        ((), [], []),
        (("shape",), ["3 × 9"], ["9 × 4"]),
        (("dtype", "bytes"), ["float32 · 108 B"], ["float32 · 144 B"]),
        (("flops", "shape"), ["3 × 9", "216 FLOP"], ["9 × 4"]),
        (("gradient",), ["|gradient| 5.2"], ["|gradient| 5.87"]),
    ],
)
def test_show_chooses_what_is_said(show, of_matmul, of_table):
    boxes = said(blocks(), show=show)
    assert boxes["op11"] == ["&#160;#11", *of_matmul]  # 27 ones come back to it: 27 ** 0.5 = 5.2
    assert boxes["tensor1"] == of_table


def test_gradients_are_shown_by_their_norms_and_those_in_a_closed_scope_by_one():
    gains = []
    with Tape(trace=True) as tape, scope("all"):
        for i in range(2):
            gains.append(parameter(3, name=f"gain{i}"))
        loss = ((gains[0] * gains[1]) * np.float32(30)).sum()
    tape.backward(loss)
    first, both = np.linalg.norm(gains[0].grad), np.linalg.norm([gain.grad for gain in gains])
    assert f"|gradient| {first:.3g}" in said(tape, show=["gradient"])["tensor0"]
    assert (
        f"|gradient of parameters| {both:.3g}" in said(tape, depth=0, show=["gradient"])["scope0"]
    )


def test_milliseconds_are_shown_forward_and_back():
    assert re.search(r">[\d.e-]+ ms · back [\d.e-]+ ms<", blocks().render(show=["ms"]).source)
    assert not re.search(r"back [\d.e-]+ ms", blocks(walked=False).render(show=["ms"]).source)


def test_what_was_saved_is_always_said():
    assert "saves 48 B" in re.search(r"op2 .*tanh.*", blocks().render(show=()).source)[0]
    assert "saves 288 B" in re.search(r"scope1 .*", blocks().render(depth=0).source)[0]


def test_closed_scopes_say_what_they_stand_for():
    source = blocks().render(depth=0).source
    assert re.search(r"scope1 .*blocks\.0 … blocks\.2 × 3.*9 ops, 12 parameters", source)
    assert "closed scope" in source


def test_folding_is_said_and_can_be_undone():
    assert "fold=False" in blocks().render().source
    assert "blocks.0 … blocks.2 × 3" in blocks().render().source
    assert "fold=False" not in blocks().render(fold=False).source
    assert "blocks.1" in blocks().render(fold=False).source


def test_too_many_boxes_close_scopes_and_the_picture_says_so():
    n = len(statements(blocks().render(fold=False))[0])
    assert "max_nodes" not in blocks().render(fold=False, max_nodes=n).source
    closed = blocks().render(fold=False, max_nodes=n - 1)
    assert "closed below depth 1, to keep to max_nodes boxes" in closed.source
    assert len(statements(closed)[0]) < n


def test_a_run_of_too_many_ops_is_drawn_in_parts_and_the_picture_says_so():
    x = parameter(2, name="x")
    with Tape() as tape:
        for _ in range(50):
            x = ops.tanh(x)
    drawing = tape.render(max_nodes=10)
    assert "runs of ops are a box each, to keep to max_nodes boxes" in drawing.source
    assert statements(drawing)[0] == [f"scope{n}" for n in range(0, 50, 10)]


def test_values_that_are_not_finite_stand_out():
    with Tape(trace=True) as tape, scope("a"):
        x = Tensor([0.0, 1.0], name="x") - parameter(2)
        with np.errstate(invalid="ignore"):
            ops.log(x).sum()
    source = tape.render().source
    assert re.search(r'op1 .*<B>1 NaN</B>.*color="#d0021b".*penwidth=2', source)
    assert re.search(r"op0 .*penwidth=2", source) is None
    assert "first result that is not finite: #1 log in a" in source


def test_gradients_that_are_not_finite_stand_out():
    w = Tensor([0.0, 1.0], requires_grad=True, name="w")
    with Tape(trace=True) as tape:
        loss = ops.sqrt(w * 1.0).sum()
    with np.errstate(divide="ignore"):
        tape.backward(loss, into={})
    source = tape.render().source
    assert re.search(r"op0 .*<B>gradient: 1 infinite</B>.*penwidth=2", source)
    assert re.search(r"op1 .*penwidth=2", source) is None
    assert "first gradient that is not finite: #0 multiply" in source


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "down"}, "unknown direction 'down': it is one of TB, BT, LR, RL"),
        ({"show": ["shape", "flop"]}, "unknown entry 'flop' of show: .* flops"),
        ({"show": ["gradient"]}, r"no gradients to show: .*Tape\(trace=True\).*backward\(loss\)"),
        ({"scope": "blocks"}, "no op ran in a scope 'blocks'"),
        ({"view": True}, "give a filename"),
    ],
)
def test_what_cannot_be_drawn_is_named(options, message):
    with pytest.raises(ValueError, match=message) as error:
        blocks(walked=False).render(**options)
    assert "\n" not in str(error.value)


def test_view_opens_the_file_and_needs_one(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    fork().render(tmp_path / "a.gv")
    assert not opened
    fork().render(tmp_path / "a b.gv", view=True)
    assert opened == [(tmp_path / "a b.gv").as_uri()]
    with pytest.raises(
        ValueError, match="view=True opens the file that was saved: give a filename"
    ):
        fork().render(view=True)


def test_a_tape_without_records_is_drawn_too():
    assert statements(Tape().render()) == ([], [])
