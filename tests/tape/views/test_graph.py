"""The description that every picture is made from."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given

import ops
from tape import Sample, Tape, Tensor, normal, op, scope
from tape.views.graph import VERSION, describe
from tape.watch.portrait import Portrait
from tests.tape.programs import tapes


def mlp(*, trace=False):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 3)).astype(np.float32)
    w = Tensor(rng.standard_normal((3, 4)), requires_grad=True, name="w")
    b = Tensor(rng.standard_normal(4), requires_grad=True, name="b")
    with Tape(trace=trace, timed=True) as tape:
        with scope("mlp"):
            h = ops.tanh(x @ w + b)
        loss = (h * h).mean()
    return tape, loss, w, b


@given(tapes())
def test_every_edge_leads_forward_and_every_record_appears_once(tape):
    graph = describe(tape)
    assert [node.number for node in graph.ops] == [record.number for record in tape.records]
    assert [node.number for node in graph.tensors] == list(range(len(graph.tensors)))
    for node in graph.ops:
        assert all(number < node.output for number in node.inputs)
        assert graph.tensors[node.output].made_by == node.number
    makers = [node.made_by for node in graph.tensors if node.made_by is not None]
    assert makers == [record.number for record in tape.records]


@given(tapes())
def test_it_is_json_and_the_same_each_time(tape):
    text = json.dumps(describe(tape).as_json(), allow_nan=False)
    assert text == json.dumps(describe(tape).as_json(), allow_nan=False)
    assert json.loads(text)["version"] == VERSION


@given(tapes())
def test_its_json_has_every_field_of_every_node(tape):
    graph = describe(tape)
    assert graph.as_json() == asdict(graph)


@given(tapes())
def test_operands_are_the_records_sources(tape):
    graph = describe(tape)
    leaves = {}
    for record, node in zip(tape.records, graph.ops, strict=True):
        for source, number in zip(record.sources, node.inputs, strict=True):
            tensor = graph.tensors[number]
            if isinstance(source, int):
                assert tensor.made_by == source
            else:
                assert leaves.setdefault(number, source) is source
                assert tensor.role == ("parameter" if source.requires_grad else "input")
                assert tensor.name == (source.name or "")


def test_roles_and_sizes():
    tape, loss, *_ = mlp()
    graph = describe(tape)
    nodes = [(node.role, node.name, node.shape, node.bytes) for node in graph.tensors]
    assert nodes == [
        ("input", "", (5, 3), 120),
        ("parameter", "w", (3, 4), 48 * 2),
        ("activation", "", (5, 4), 80 * 2),
        ("parameter", "b", (4,), 16 * 2),
        ("activation", "", (5, 4), 80 * 2),
        ("activation", "", (5, 4), 80 * 2),
        ("activation", "", (5, 4), 80 * 2),
        ("loss", "", (), 4 * 2),
    ]
    assert loss.dtype == np.float64


def test_an_op_tells_scope_line_cost_and_what_it_saved():
    tape, *_ = mlp()
    matmul = describe(tape).ops[0]
    assert (matmul.name, matmul.scope, matmul.flops) == ("matmul", "mlp", 2 * 5 * 3 * 4)
    assert matmul.line.startswith("tests/tape/views/test_graph.py:")
    assert {saved.what for saved in matmul.saved} >= {"operand 0"}
    assert matmul.milliseconds > 0
    assert [x.name for x in matmul.operands] == ["a", "b"]
    assert [x.wanted for x in matmul.operands] == [False, True]


def test_the_walk_back_leaves_its_time_and_that_memory_was_let_go():
    tape, loss, *_ = mlp()
    before = describe(tape)
    tape.backward(loss, into={})
    after = describe(tape)
    assert not any(node.walked for node in before.ops)
    assert all(node.walked for node in after.ops)
    assert [node.saved_bytes for node in after.ops] == [node.saved_bytes for node in before.ops]


def test_a_walk_from_the_middle_makes_its_start_the_loss():
    tape, *_ = mlp()
    middle = tape.records[2]
    h = Tensor(np.zeros(middle.shape, middle.dtype), requires_grad=True)
    h.tape, h.number = tape, 2
    tape.backward(h, np.ones(middle.shape), into={})
    graph = describe(tape)
    assert [node.made_by for node in graph.tensors if node.role == "loss"] == [2]
    assert [node.walked for node in graph.ops] == [True, True, True, False, False]


def test_rules_are_listed_once_with_formula_and_source():
    tape, *_ = mlp()
    graph = describe(tape)
    rules = {rule.op: rule for rule in graph.rules}
    assert sorted(rules) == ["add", "matmul", "mean", "multiply", "tanh"]
    assert rules["tanh"].formula == "Hyperbolic tangent y."
    assert rules["tanh"].back == "dx = g (1 - y^2)."
    assert "lambda g" in rules["multiply"].source
    assert [graph.rules[node.rule].op for node in graph.ops] == [node.name for node in graph.ops]


def test_a_traced_tape_has_portraits_of_results_cotangents_and_gradients():
    tape, loss, w, b = mlp(trace=True)
    tape.backward(loss)
    graph = describe(tape)
    by_name = {node.name: node for node in graph.tensors if node.name}
    for leaf in (w, b):
        assert by_name[leaf.name].portrait == Portrait.of(leaf.data)
        assert by_name[leaf.name].gradient == Portrait.of(leaf.grad)
    add = graph.ops[1]
    sent = {x.name: x for x in add.operands}
    assert sent["b"].cotangent == Portrait.of(b.grad)
    assert (sent["b"].cotangent_shape, sent["b"].summed) == ((5, 4), (0,))
    assert (sent["a"].cotangent_shape, sent["a"].summed) == ((5, 4), ())
    assert graph.tensors[add.output].gradient == sent["a"].cotangent
    assert graph.tensors[graph.ops[-1].output].gradient == Portrait.of(np.ones(()))
    assert graph.ops[0].operands[0].cotangent is None


def test_an_untraced_tape_has_none():
    tape, loss, *_ = mlp()
    tape.backward(loss, into={})
    graph = describe(tape)
    assert not any(node.portrait or node.gradient for node in graph.tensors)
    assert not any(x.cotangent for node in graph.ops for x in node.operands)


def test_an_operand_left_out_has_no_tensor():
    with Tape() as tape:
        ops.layernorm(np.ones((2, 3)), None, None)
    node = describe(tape).ops[0]
    assert [(x.name, x.tensor, x.wanted) for x in node.operands] == [
        ("x", 0, False),
        ("weight", None, False),
        ("bias", None, False),
    ]


@pytest.mark.parametrize("name", ["", '<b> "quoted" </script>', "ünïcode\n\\"])
def test_names_are_kept_as_they_are(name):
    w = Tensor(np.ones(2), requires_grad=True, name=name)
    with Tape() as tape:
        w.sum()
    assert describe(tape).tensors[0].name == name


def test_an_op_of_a_users_own_is_described_like_any_other():
    @op(samples=[Sample(normal(2))])
    def halve(x, /):
        """x / 2; dx = g / 2."""
        return x / 2, lambda g: g / 2

    with Tape() as tape:
        halve(np.ones(3))
    (rule,) = describe(tape).rules
    assert (rule.op, rule.formula, rule.back) == ("halve", "x / 2.", "dx = g / 2.")


def test_an_empty_tape_has_an_empty_graph():
    graph = describe(Tape())
    assert (graph.tensors, graph.ops, graph.rules) == ((), (), ())
