"""Activations computed twice: the same gradients from less memory."""

import copy
import gc
import weakref

import numpy as np
import pytest

import ops
from models import MLP, Dropout, Linear, Module, recompute
from tape import Tape, Tensor
from train.workers import Workers

from .small import random_ids, small_transformer

IDS, TARGETS = random_ids(4, 8), random_ids(4, 8, seed=1)


def floats(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


class Noisy(Module):
    """An MLP, dropout and a layer, with a scale that is given by name."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.inner = MLP(6, rng)
        self.dropout = Dropout(0.4)
        self.outer = Linear(6, 6, rng)

    def forward(self, x, rng, scale):
        return self.outer(self.dropout(self.inner(x) * scale, rng))


def run(module, **options):
    """The loss of two calls that draw from one generator, and the leaves that it depends on."""
    x, scales = Tensor(floats(3, 6), True), [Tensor(floats(6) + i, True, "scale") for i in range(2)]
    rng = np.random.default_rng(3)
    with Tape(**options) as tape:
        h = module(x * 2.0, rng, scale=scales[0])
        h = module(h, rng, scale=scales[1])
        loss = ops.sum(h * h) * rng.random()
    return tape, loss, [x, *scales, *module.parameters()]


def part(module):
    recompute(module.inner)
    return module


def parts_in_the_whole(module):
    for inner in (module.inner.up, module.inner, module.outer):
        recompute(inner)
    return recompute(module)


@pytest.mark.parametrize("options", [{}, {"guard": False}, {"keep_results": True}])
@pytest.mark.parametrize("applied", [recompute, part, parts_in_the_whole])
def test_loss_and_gradients_are_the_same_to_the_bit(applied, options):
    tape, loss, leaves = run(applied(Noisy()), **options)
    plain_tape, plain_loss, plain_leaves = run(Noisy(), **options)
    assert loss.item() == plain_loss.item()
    for again in range(2):
        tape.backward(loss, keep=not again)
        plain_tape.backward(plain_loss, keep=not again)
        for x, plain in zip(leaves, plain_leaves, strict=True):
            assert plain.grad.any()
            np.testing.assert_array_equal(x.grad, plain.grad, strict=True)


@pytest.mark.parametrize("n", [1, 2])
def test_workers_get_the_same_gradients_of_a_transformer(n):
    def gradients(**options):
        model = small_transformer(dropout=0.3, **options)
        with Workers(n) as workers:
            loss, found = workers.gradients(model, IDS, TARGETS, micro_batch=1, seed=(5,))
        return [loss, *(found[parameter] for parameter in model.parameters())]

    for ours, plain in zip(gradients(recompute=True), gradients(), strict=True):
        np.testing.assert_array_equal(ours, plain)


def test_a_block_is_one_record_that_saves_what_it_was_given_and_counts_all_flops():
    found = []
    for options in ({}, {"recompute": True}):
        with Tape() as tape:
            small_transformer(dropout=0.3, **options)(IDS, np.random.default_rng(0))
        saved = zip(tape.records, tape.guard.saved_bytes, strict=True)
        found.append([pair for pair in saved if pair[0].scope.startswith("blocks.1")])
    plain, ((block, saved_bytes),) = found
    assert (block.op.name, block.scope) == ("recompute", "blocks.1")
    assert block.flops == sum(record.flops for record, _ in plain) > 0
    assert saved_bytes == IDS.size * 12 * 8  # the residual stream, of width 12 in float64
    assert saved_bytes < sum(each for _, each in plain) / 10


def test_the_tape_can_say_what_it_knows_of_the_record():
    module = Noisy()
    tape, *_ = run(recompute(module))
    assert "recompute(#0, inner.up.weight, inner.up.bias, " in str(tape.records[1])
    assert "recompute" in tape.render().source
    assert tape.summary().splitlines()[-1].split()[:2] == ["total", "6"]
    text = tape.explain(tape.records[1])
    assert "A module that saves its arguments alone" in text
    assert "def vjp(g" in text


def test_modules_outside_a_tape_or_kept_whole_run_as_ever():
    module = recompute(Noisy()).eval()
    with Tape(keep_results=True) as tape:
        y = module(floats(3, 6), None, scale=2.0)
    assert "recompute" not in str(tape)
    np.testing.assert_array_equal(module(floats(3, 6), None, scale=2.0).data, y.data)


def test_paths_stay_and_a_copy_is_recomputed_with_parameters_of_its_own():
    model = small_transformer(recompute=True)
    assert model.state_dict().keys() == small_transformer().state_dict().keys()
    twin = copy.deepcopy(model)
    with Tape() as tape:
        twin.loss(IDS, TARGETS).backward()
    assert "recompute" in str(tape)
    assert all(parameter.grad is not None for parameter in twin.parameters())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_tape_that_nobody_walks_is_freed_at_once():
    tape, *_ = run(parts_in_the_whole(Noisy()))
    record = weakref.ref(tape)
    gc.disable()
    try:
        del tape, _
        assert record() is None
    finally:
        gc.enable()


def test_a_module_in_another_mode_on_the_walk_back_is_noticed():
    module = recompute(Noisy())
    tape, loss, _ = run(module)
    module.eval()
    with pytest.raises(RuntimeError, match="5 ops ran again, but 6 before") as caught:
        tape.backward(loss)
    assert "in the VJP of recompute(float32(3, 6), float32(24, 6)" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("leaf", "message"), [(2, r"operand \d \(scale\)"), (3, r"operand \d \(inner.up.weight\)")]
)
def test_a_change_to_what_a_module_was_given_is_noticed(leaf, message):
    tape, loss, leaves = run(recompute(Noisy()))
    leaves[leaf].data[0] = 7
    with pytest.raises(RuntimeError, match=f"recompute.* has been changed since: {message}"):
        tape.backward(loss)


def test_an_error_inside_names_its_place():
    model = small_transformer(recompute=True)
    model.blocks[1].mlp.up.weight.data = floats(48, 11)
    with Tape(), pytest.raises(ValueError) as caught:
        model(IDS)
    assert caught.value.__notes__[0].endswith("in scope blocks.1.mlp.up")


def test_an_argument_that_comes_back_as_it_is_stays_itself():
    x = Tensor(floats(3), True)
    with Tape() as tape:
        assert recompute(Dropout(0.5)).eval()(x, None) is x
    assert not tape.records


def test_results_other_than_one_tensor_are_refused():
    class Pair(Module):
        def forward(self, x):
            return x, x

    with Tape(), pytest.raises(TypeError, match="returns one tensor, not <class 'tuple'>"):
        recompute(Pair())(Tensor(floats(3)))


class Drawing(Module):
    """x times what it draws, from wherever the generator is."""

    def __init__(self, rng=None):
        self.own = {"of": [rng]}

    def forward(self, x, *where, **named):
        for find in (*where, *named.values()):
            x = x * find_rng(find).standard_normal(4)
        if self.own["of"][0] is not None:
            x = x * self.own["of"][0].standard_normal(4)
        return x * 1.0


def find_rng(value):
    if isinstance(value, dict):
        return find_rng(next(iter(value.values())))
    if isinstance(value, list | tuple):
        return find_rng(value[0])
    if isinstance(value, Holder):
        return find_rng(value.rng)
    return value


class Holder:
    def __init__(self, rng):
        self.rng = rng


PLACES = {
    "dict": lambda rng: ([{"rng": rng}], {}, None),
    "list": lambda rng: ([[rng]], {}, None),
    "tuple in a dict by name": lambda rng: ([], {"of": {"a": (rng,)}}, None),
    "given twice": lambda rng: ([rng, rng], {}, None),
    "twice, once in a list": lambda rng: ([rng], {"again": [rng]}, None),
    "an object": lambda rng: ([Holder(rng)], {}, None),
    "held by the module": lambda rng: ([], {}, rng),
    "held and given": lambda rng: ([rng], {}, rng),
}
RNGS = [np.random.default_rng, np.random.RandomState]


@pytest.mark.parametrize("make", RNGS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.pitfall("a generator that draws other numbers the second time")
def test_trap_generators_draw_the_same_again_wherever_they_are(place, make):
    gradients = []
    for applied in (recompute, lambda module: module):
        rng = make(0)
        where, named, own = PLACES[place](rng)
        module = applied(Drawing(own))
        x = Tensor(np.ones(4), requires_grad=True)
        with Tape() as tape:
            y = module(module(x, *where, **named), *where, **named)
        after = rng.standard_normal(2)
        tape.backward(y, np.ones(4))
        gradients.append([y.data, x.grad, after, rng.standard_normal(2)])
    for found, expected in zip(*gradients, strict=True):
        np.testing.assert_array_equal(found, expected)


class Mixing(Module):
    def forward(self, parts, *, more):
        total = parts["a"][0] * parts["a"][1] + more[0]
        parts["a"].clear()  # what it is given is its own
        return ops.tanh(total)


def test_tensors_in_containers_get_their_gradients():
    found = []
    for applied in (recompute, lambda module: module):
        a, b, c = (Tensor(floats(3) + i, True) for i in range(3))
        module = applied(Mixing())
        with Tape() as tape:
            y = module({"a": [a * 2.0, b]}, more=(c,))
        tape.backward(y, np.ones(3))
        found.append([x.grad for x in (a, b, c)])
    np.testing.assert_array_equal(*found)


def test_a_list_that_is_changed_after_the_call_changes_nothing():
    a, b = Tensor(floats(3), True), Tensor(floats(3), True)
    given = [a, b]
    with Tape() as tape:
        y = recompute(Summed())(given)
    given[:] = [b, b]
    tape.backward(y, np.ones(3))
    np.testing.assert_allclose(a.grad, 2 * a.data)


class Summed(Module):
    def forward(self, parts):
        return parts[0] * parts[0] + parts[1]
