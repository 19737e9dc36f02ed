"""Parameters by their paths, in and out, in modules that a user might write."""

import collections
import dataclasses
import types

import numpy as np
import pytest

from models import Dropout, Linear, Module
from tape import Tape, Tensor


class Branch(Module):
    def __init__(self, rng):
        self.layers = [Linear(3, 3, rng), [Linear(3, 3, rng, bias=False)]]
        self.drop = Dropout(0.5)

    def forward(self, x):
        first, [second] = self.layers
        return self.drop(second(first(x)), np.random.default_rng(0))


class Tree(Module):
    """Parameters directly, in lists, nested, and one in two places."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.scale = Tensor(np.ones(3, np.float32), requires_grad=True)
        self.offset = np.ones(3, np.float32)  # an array is no parameter
        self.branch = Branch(rng)
        self.head = Linear(3, 3, rng)
        self.head.weight = self.branch.layers[0].weight

    def forward(self, x):
        return self.head(self.branch(x * self.scale + self.offset))


PATHS = {
    "scale": (3,),
    "branch.layers.0.weight": (3, 3),
    "branch.layers.0.bias": (3,),
    "branch.layers.1.0.weight": (3, 3),
    "head.bias": (3,),
}


def test_parameters_are_found_wherever_they_are_and_a_shared_one_once():
    tree = Tree()
    assert {path: p.shape for path, p in tree.named_parameters()} == PATHS
    assert tree.parameters() == [p for _, p in tree.named_parameters()]
    assert tree.n_parameters == 3 + 9 + 3 + 9 + 3
    assert tree.head.weight is tree.branch.layers[0].weight


def test_tensors_are_named_by_their_paths():
    tree = Tree()
    assert [p.name for p in tree.parameters()] == list(PATHS)
    outer = Module()
    outer.parts = (tree,)
    assert [p.name for p in outer.parameters()] == [f"parts.0.{path}" for path in PATHS]


def test_a_part_is_named_by_where_it_is_now():
    first, second, model = Linear(3, 3, np.random.default_rng(0)), Module(), Module()
    second.inner = Linear(3, 3, np.random.default_rng(1))
    second.inner.weight = first.weight  # tied before either has a place
    model.first, model.second = first, second
    assert [p.name for p in model.parameters()] == [
        "first.weight",
        "first.bias",
        "second.inner.bias",
    ]
    other = Module()
    other.taken = second.inner
    assert [p.name for p in other.parameters()] == ["taken.weight", "taken.bias"]


def test_records_carry_the_path_of_the_module_that_ran_them():
    with Tape() as tape:
        Tree()(np.ones((2, 3), np.float32))
    assert [(record.op.name, record.scope) for record in tape.records] == [
        ("multiply", ""),
        ("add", ""),
        ("linear", "branch.layers.0"),
        ("linear", "branch.layers.1.0"),
        ("dropout", "branch.drop"),
        ("linear", "head"),
    ]


def test_a_parameter_in_two_places_gets_the_sum_of_its_gradients():
    tree, x = Tree().eval(), np.ones((2, 3), np.float32)
    with Tape():
        tree(x).sum().backward()
    first, tied = tree.branch.layers[0], tree.head.weight
    first.weight, tree.head.weight = (Tensor(tied.data, requires_grad=True) for _ in range(2))
    with Tape():
        tree(x).sum().backward()
    np.testing.assert_allclose(tied.grad, first.weight.grad + tree.head.weight.grad, rtol=1e-6)


def test_state_goes_out_and_into_another_module():
    tree, other = Tree(seed=0), Tree(seed=1)
    state = tree.state_dict()
    assert all(state[path] is p.data for path, p in tree.named_parameters())
    other.load_state_dict(dict(reversed(state.items())))
    for path, array in other.state_dict().items():
        np.testing.assert_array_equal(array, state[path])
        assert not np.shares_memory(array, state[path])
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(other(x).data, tree(x).data)


def test_a_frozen_parameter_gets_no_gradient_and_is_still_one():
    tree = Tree().eval()
    tree.scale.requires_grad = False
    with Tape():
        tree(np.ones((2, 3), np.float32)).sum().backward()
    assert {path for path, p in tree.named_parameters() if p.grad is None} == {"scale"}
    assert {*tree.state_dict()} == {*PATHS}
    tree.scale = Tensor(tree.scale.data)
    assert {*tree.state_dict()} == {*PATHS}
    tree.scale = np.ones(3, np.float32)
    assert "scale" not in tree.state_dict()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head.bias": None}, "head.bias is missing"),
        ({"head.weight": np.ones((3, 3))}, "head.weight is no parameter here"),
        ({"head.bias": np.ones(4)}, r"head.bias has shape \(4,\), not \(3,\)"),
        ({"head.bias": np.ones(1)}, r"head.bias has shape \(1,\), not \(3,\)"),  # would broadcast
    ],
)
def test_state_that_does_not_fit_is_named_and_changes_nothing(change, message):
    tree = Tree()
    before = {path: array.copy() for path, array in tree.state_dict().items()}
    state = {path: array + 1 for path, array in before.items()} | change
    with pytest.raises(ValueError, match=message):
        tree.load_state_dict({path: array for path, array in state.items() if array is not None})
    for path, array in tree.state_dict().items():
        np.testing.assert_array_equal(array, before[path])


def test_train_and_eval_reach_every_module():
    tree, x = Tree(), np.ones((2, 3), np.float32)
    modules = [tree, tree.branch, tree.branch.drop, tree.branch.layers[1][0], tree.head]
    assert tree.eval() is tree
    assert not any(module.training for module in modules)
    calm = tree(x).data
    assert tree.train() is tree
    assert all(module.training for module in modules)
    assert (tree(x).data != calm).any()


def test_astype_turns_every_parameter_and_what_it_computes():
    tree = Tree()
    weight = tree.head.weight
    assert tree.astype(np.float64) is tree
    assert {p.dtype for p in tree.parameters()} == {np.dtype(np.float64)}
    assert tree.head.weight is weight is tree.branch.layers[0].weight
    assert tree(np.ones((2, 3))).dtype == np.float64


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        Module()(1)


def part(width=2):
    return Linear(width, width, np.random.default_rng(0), bias=False)


def tensor(requires_grad=True):
    return Tensor(np.ones(2, np.float32), requires_grad)


NESTED = {
    "module in a dict": (lambda: {"a": part()}, ["x.a.weight"]),
    "modules in a dict of lists": (
        lambda: {"a": [part()], "b": (part(),)},
        ["x.a.0.weight", "x.b.0.weight"],
    ),
    "integer keys": (lambda: {0: part(), 7: tensor()}, ["x.0.weight", "x.7"]),
    "tensors in a list": (lambda: [tensor(), tensor()], ["x.0", "x.1"]),
    "tensors in a dict in a tuple": (lambda: ({"w": tensor(), "b": 3.0},), ["x.0.w"]),
    "a frozen tensor": (lambda: tensor(False), ["x"]),
    "frozen ones among others": (lambda: [tensor(False), tensor()], ["x.0", "x.1"]),
    "among what is none": (lambda: [None, 1, "a", np.ones(2), tensor()], ["x.4"]),
}


@pytest.mark.parametrize("case", NESTED)
@pytest.mark.pitfall("a parameter in a dict")
def test_trap_parameters_are_found_in_any_nesting(case):
    make, paths = NESTED[case]
    inner, outer = Module(), Module()
    inner.x = make()
    outer.inner = inner
    assert [*inner.state_dict()] == paths
    assert [p.name for p in outer.parameters()] == [f"inner.{path}" for path in paths]
    assert outer.n_parameters == sum(p.size for p in inner.parameters())
    for path, child in inner.children():
        with Tape() as tape:
            child(np.ones((1, 2), np.float32))
        assert tape.records[0].scope == path


def test_what_is_added_to_a_list_or_dict_later_is_found_too():
    model = Module()
    model.layers, model.extra = [], {}
    model.layers.append(part())
    model.extra["w"] = tensor()
    assert [*model.state_dict()] == ["layers.0.weight", "extra.w"]


@dataclasses.dataclass
class Pair:
    w: Tensor


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({part()}, "set"),
        (frozenset([tensor()]), "frozenset"),
        (collections.deque([part()]), "deque"),
        (types.MappingProxyType({"a": tensor()}), "mappingproxy"),
        (Pair(tensor()), "Pair"),
        ([{"a": {part()}}], "set"),
    ],
)
def test_containers_in_which_nobody_would_look_are_refused(value, kind):
    with pytest.raises(TypeError, match=f"x holds parameters in a {kind}, where nobody"):
        Module().x = value


@pytest.mark.parametrize("key", ["a.b", 1.5, None, ("a", 1)])
def test_keys_that_are_no_path_are_refused_where_parameters_are(key):
    with pytest.raises(ValueError, match=r"a key of x is .*: take a str without a dot"):
        Module().x = {key: tensor()}
    module = Module()
    module.x = {key: 3.0}
    assert not module.parameters()


def test_containers_of_other_things_are_not_looked_into():
    module = Module()
    for value in ({1, 2}, collections.deque([np.ones(2)]), range(3), "abc", b"ab", iter([1])):
        module.x = value
    assert not module.parameters()


@pytest.mark.parametrize("dtype", [np.int32, bool, np.complex64, "U3"])
def test_parameters_stay_floating(dtype):
    layer = part()
    with pytest.raises(TypeError, match="parameters are of a floating dtype, not"):
        layer.astype(dtype)
    assert layer.astype(np.float64).weight.dtype == np.float64


def test_a_parameter_that_cannot_be_written_to_is_named_before_any_is_loaded():
    model = Module()
    model.a, model.b = tensor(), Tensor(np.broadcast_to(np.float32(1), (2,)))
    with pytest.raises(ValueError, match="b cannot be written to: its array is read-only"):
        model.load_state_dict({"a": np.zeros(2), "b": np.zeros(2)})
    assert model.a.data.all()
