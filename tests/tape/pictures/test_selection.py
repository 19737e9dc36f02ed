"""What a picture shows: boxes, groups and edges, before anything is drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ops
from models import Transformer
from tape import Tape, Tensor, scope
from tape.pictures.selection import select
from tape.views.graph import describe
from tests.tape.programs import tapes


@pytest.fixture(scope="module")
def transformer():
    model = Transformer(vocab_size=16, context=8, d_model=8, n_layers=3, n_heads=2)
    ids = np.arange(8).reshape(2, 4)
    with Tape() as tape:
        loss = model.loss(ids, ids)
    tape.backward(loss, into={})
    return describe(tape)


def labels(group):
    """The boxes and groups of a group by label, groups as pairs."""
    return [box.label for box in group.boxes] + [(g.label, labels(g)) for g in group.groups]


def joined(picture):
    """Edges by the labels of what they join."""
    names = {box.id: box.label for box in picture.root.all_boxes()}
    return [(names[edge.tail], names[edge.head]) for edge in picture.edges]


@given(tapes(), st.none() | st.integers(0, 3), st.booleans())
def test_every_op_is_in_one_box_and_every_edge_joins_two(tape, depth, fold):
    graph = describe(tape)
    picture = select(graph, depth=depth, fold=fold)
    boxes = list(picture.root.all_boxes())
    ids = [box.id for box in boxes]
    assert len(set(ids)) == len(ids)
    for edge in picture.edges:
        assert edge.tail in ids and edge.head in ids and edge.tail != edge.head
    shown = [number for box in boxes for number in box.ops]
    assert len(set(shown)) == len(shown)
    if not fold:
        assert sorted(shown) == list(range(len(graph.ops)))


@given(tapes())
def test_all_open_shows_every_operand_once(tape):
    graph = describe(tape)
    edges = [(e.tail, e.head) for e in select(graph, fold=False).edges]
    for op in graph.ops:
        makers = [graph.tensors[number].made_by for number in op.inputs]
        tails = [
            f"tensor{n}" if m is None else f"op{m}" for n, m in zip(op.inputs, makers, strict=True)
        ]
        assert [tail for tail, head in edges if head == f"op{op.number}"] == tails


def test_repeated_blocks_fold_into_the_first(transformer):
    picture = select(transformer, depth=1)
    blocks = next(g for g in picture.root.groups if g.path == "blocks.0")
    assert (blocks.label, blocks.times) == ("blocks.0 … blocks.2 × 3", 3)
    assert [box.label for box in blocks.boxes] == [
        "add",
        "add",
        "norm1",
        "attention",
        "norm2",
        "mlp",
    ]
    edges = joined(picture)
    assert edges.count(("add", "norm1")) == 1
    assert edges.count(("add", "layernorm")) == 1


def test_unfolded_they_are_all_there(transformer):
    picture = select(transformer, depth=0, fold=False)
    assert labels(picture.root)[:8] == [
        *("add", "token_embedding", "position_embedding"),
        *("blocks.0", "blocks.1", "blocks.2", "norm", "head"),
    ]
    assert ("blocks.1", "blocks.2") in joined(picture)


def test_a_closed_scope_stands_for_its_ops_and_keeps_its_parameters_inside(transformer):
    picture = select(transformer, depth=0)
    boxes = {box.label: box for box in picture.root.all_boxes()}
    blocks = boxes["blocks.0 … blocks.2 × 3"]
    assert (blocks.kind, blocks.times, len(blocks.ops)) == ("scope", 3, 30)
    leaves = [box.label for box in boxes.values() if box.kind == "leaf"]
    assert "token_embedding.weight" in leaves  # it is tied: the head reads it too
    assert "norm.weight" not in leaves


def test_a_scope_of_its_own_shows_what_comes_and_goes(transformer):
    picture = select(transformer, scope="blocks.1.attention")
    outside = [(b.kind, b.label) for b in picture.root.boxes if b.kind in ("from", "to")]
    assert outside == [("from", "blocks.1.norm1"), ("to", "blocks.1")]
    assert ("causal_attention", "linear") in joined(picture)
    inner = next(g for g in picture.root.groups if g.label == "qkv")
    assert labels(inner) == ["linear", "weight", "bias"]


def test_edges_that_carry_a_gradient_are_marked(transformer):
    picture = select(transformer, depth=0)
    names = {box.id: box.label for box in picture.root.all_boxes()}
    without = {(names[e.tail], names[e.head]) for e in picture.edges if not e.back}
    assert without == {
        ("input", "token_embedding"),
        ("input", "position_embedding"),
        ("input", "head"),
    }


def test_what_the_walk_did_not_reach_carries_none():
    w = Tensor(np.ones(3), requires_grad=True, name="w")
    with Tape() as tape:
        a, b = ops.exp(w), ops.sin(w)
        loss = a.sum()
        b.sum()
    assert {edge.back for edge in select(describe(tape)).edges} == {True}
    tape.backward(loss, into={})
    assert [edge.back for edge in select(describe(tape)).edges] == [True, False, True, False]


def test_fewer_levels_are_opened_to_keep_to_a_number_of_boxes(transformer):
    whole = select(transformer)
    n_boxes = len(list(whole.root.all_boxes()))
    assert (whole.depth, whole.closed) == (3, False)
    assert select(transformer, max_boxes=n_boxes) == whole
    less = select(transformer, max_boxes=n_boxes - 1)
    assert (less.depth, less.closed) == (2, True)
    least = select(transformer, max_boxes=1)
    assert (least.depth, least.closed) == (0, True)


def test_one_tensor_that_is_read_twice_has_two_edges():
    x = Tensor(np.ones(3), requires_grad=True)
    with Tape() as tape:
        x * x
    assert [(e.tail, e.head) for e in select(describe(tape)).edges] == [("tensor0", "op0")] * 2


def test_a_leaf_that_two_scopes_read_is_drawn_where_both_are():
    w = Tensor(np.ones(3), requires_grad=True, name="model.w")
    with Tape() as tape, scope("model"):
        with scope("a"):
            h = ops.exp(w)
        with scope("b"):
            h * w
    (model,) = select(describe(tape)).root.groups
    assert [box.label for box in model.boxes] == ["w"]


def test_bad_wishes_are_named(transformer):
    with pytest.raises(ValueError, match="depth counts levels of scopes from 0, not -1"):
        select(transformer, depth=-1)
    with pytest.raises(ValueError, match="no op ran in a scope 'block'"):
        select(transformer, scope="block")
