"""AdamW and clipping against PyTorch, and what they train."""

import numpy as np
import pytest

import ops
from models import Embedding, Linear, Module, Transformer
from tape import Tape, Tensor
from train.optim import PIECE, AdamW, clipping
from train.workers import Workers

SHAPES = {"matrix": (4, 3), "vector": (5,), "kernel": (2, 3, 2), "number": ()}
RATES = (1e-3, 1e-2, 1e-2, 5e-3, 0.0, 1e-3)


def parameters_of(dtype):
    rng = np.random.default_rng(0)
    return {
        name: Tensor(np.asarray(rng.standard_normal(shape), dtype), requires_grad=True)
        for name, shape in SHAPES.items()
    }


def gradients_of(parameters, seed):
    rng = np.random.default_rng(seed)
    return {p: np.asarray(rng.standard_normal(p.shape), p.dtype) for p in parameters.values()}


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_steps_are_those_of_torch_with_decay_of_matrices_only(dtype, rtol, decay):
    torch = pytest.importorskip("torch")
    parameters = parameters_of(dtype)
    twins = {name: torch.tensor(p.data, requires_grad=True) for name, p in parameters.items()}
    groups = [
        {"params": [twins["matrix"], twins["kernel"]], "weight_decay": decay},
        {"params": [twins["vector"], twins["number"]], "weight_decay": 0.0},
    ]
    optimizer = AdamW(parameters.items(), 0.8, 0.95, weight_decay=decay, eps=1e-6)
    twin_optimizer = torch.optim.AdamW(groups, betas=(0.8, 0.95), eps=1e-6)
    for seed, rate in enumerate(RATES):
        gradients = gradients_of(parameters, seed)
        optimizer.step(gradients, rate)
        for name, parameter in parameters.items():
            twins[name].grad = torch.tensor(gradients[parameter])
        for group in twin_optimizer.param_groups:
            group["lr"] = rate
        twin_optimizer.step()
        for name, parameter in parameters.items():
            assert parameter.dtype == dtype
            np.testing.assert_allclose(
                parameter.data, twins[name].detach().numpy(), rtol, rtol, err_msg=name
            )


def test_restored_state_goes_on_as_if_nothing_had_happened():
    parameters, copies = parameters_of(np.float32), parameters_of(np.float32)
    optimizer, restored = (AdamW(x.items(), 0.9, 0.99, 0.1) for x in (parameters, copies))
    for seed in range(3):
        optimizer.step(gradients_of(parameters, seed), 0.01)
    for name, copy in copies.items():
        copy.data[...] = parameters[name].data
    state = optimizer.state_dict()
    assert set(state) == {f"{moment}.{name}" for moment in "mv" for name in SHAPES}
    restored.load_state_dict(state, optimizer.updates)
    for seed in range(3, 6):
        optimizer.step(gradients_of(parameters, seed), 0.01)
        restored.step(gradients_of(copies, seed), 0.01)
    assert restored.updates == 6
    for name, copy in copies.items():
        np.testing.assert_array_equal(copy.data, parameters[name].data)


def test_parameters_that_no_gradient_reached_stay_as_they_are():
    parameters, before = parameters_of(np.float32), parameters_of(np.float32)
    optimizer = AdamW(parameters.items(), 0.9, 0.99, 0.1)
    vector = parameters["vector"]
    optimizer.step({vector: np.ones_like(vector.data)}, 0.01)
    changed = {name for name, p in parameters.items() if (p.data != before[name].data).any()}
    assert changed == {"vector"}


@pytest.mark.parametrize("shape", [(3, PIECE), (2 * PIECE + 3,), (PIECE // 5, 7), (0, 3)])
def test_pieces_threads_and_a_scale_change_nothing_but_the_speed(shape):
    def stepped(change):
        rng = np.random.default_rng(0)
        p = Tensor(rng.standard_normal(shape), requires_grad=True)
        optimizer = AdamW([("p", p)], 0.9, 0.99, 0.1)
        change(optimizer, p, rng.standard_normal(shape))
        return p.data

    def all_at_once(optimizer, p, g):
        m, v = 0.1 * 0.5 * g, 0.01 * 0.25 * g * g
        p.data *= 1 - 0.02 * 0.1 * (p.ndim > 1)
        p.data -= 0.02 * (m / 0.1) / (np.sqrt(v / 0.01) + 1e-8)

    def by_workers(optimizer, p, g):
        with Workers(2) as workers:
            optimizer.step({p: g}, 0.02, 0.5, workers.map)

    np.testing.assert_allclose(stepped(by_workers), stepped(all_at_once), 1e-12, 1e-15)


@pytest.mark.parametrize(("max_norm", "clipped"), [(0.5, True), (1e3, False)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_clipping_is_that_of_torch(max_norm, clipped, dtype):
    torch = pytest.importorskip("torch")
    gradients = gradients_of(parameters_of(dtype), seed=0)
    twins = [torch.zeros(g.shape, dtype=getattr(torch, dtype)) for g in gradients.values()]
    for twin, g in zip(twins, gradients.values(), strict=True):
        twin.grad = torch.tensor(g)
    expected = torch.nn.utils.clip_grad_norm_(twins, max_norm).item()
    norm, scale = clipping(gradients, max_norm)
    assert norm == pytest.approx(expected, rel=1e-6)
    assert (scale < 1) == clipped
    for twin, g in zip(twins, gradients.values(), strict=True):
        np.testing.assert_allclose(scale * g, twin.grad.numpy(), rtol=1e-6)


def train(model, loss_of, n_steps, lr):
    """Full-batch AdamW, the rate falling to 0; the last loss."""
    optimizer = AdamW(model.named_parameters(), 0.9, 0.99, weight_decay=0.0)
    for step in range(n_steps):
        gradients = {}
        with Tape() as tape:
            loss = loss_of()
        tape.backward(loss, into=gradients)
        _, scale = clipping(gradients, 1.0)
        optimizer.step(gradients, lr * (1 - step / n_steps), scale)
    return loss.item()


class Classifier(Module):
    """A perceptron with two hidden layers."""

    def __init__(self, d_in, d_hidden, n_classes):
        rng = np.random.default_rng(0)
        self.hidden = [Linear(d_in, d_hidden, rng), Linear(d_hidden, d_hidden, rng)]
        self.out = Linear(d_hidden, n_classes, rng)

    def forward(self, x):
        for layer in self.hidden:
            x = layer(x).tanh()
        return self.out(x)


class BagOfWords(Module):
    """Which class the words of a text vote for."""

    def __init__(self, n_words, d_model, n_classes):
        rng = np.random.default_rng(0)
        self.words = Embedding(n_words, d_model, rng, std=0.1)
        self.out = Linear(d_model, n_classes, rng)

    def forward(self, ids):
        return self.out(self.words(ids).mean(axis=1))


def spirals(n):
    """Points of two spirals around each other, and which of them each is on."""
    rng = np.random.default_rng(0)
    arm = rng.integers(0, 2, n)
    radius = rng.uniform(0.1, 1, n)
    angle = 2 * np.pi * radius + np.pi * arm
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return points.astype(np.float32), arm


def texts(n):
    """Texts of nine words out of 60, and the third of the words that most of them are from."""
    ids = np.random.default_rng(0).integers(0, 60, (n, 9))
    votes = (ids[..., None] // 20 == np.arange(3)).sum(1)
    clear = np.sort(votes)[:, -1] > np.sort(votes)[:, -2]
    return ids[clear], votes[clear].argmax(1)


@pytest.mark.parametrize(
    ("model", "data"),
    [(Classifier(2, 32, 2), spirals(800)), (BagOfWords(60, 8, 3), texts(1600))],
    ids=["spirals", "texts"],
)
def test_a_model_of_ones_own_learns_what_it_has_not_seen(model, data):
    x, classes = data
    half = len(x) // 2
    train(model, lambda: ops.cross_entropy(model(x[:half]), classes[:half]), 200, lr=0.03)
    accuracy = (model(x[half:]).data.argmax(1) == classes[half:]).mean()
    assert accuracy > 0.97


def test_a_transformer_learns_one_sequence_by_heart():
    model = Transformer(vocab_size=11, context=12, d_model=16, n_layers=2, n_heads=2)
    ids = np.random.default_rng(0).integers(0, 11, (1, 13))
    assert train(model, lambda: model.loss(ids[:, :-1], ids[:, 1:]), 150, lr=0.01) < 0.01
