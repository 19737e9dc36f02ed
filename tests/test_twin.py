"""A training run beside the same one in PyTorch, loss by loss."""

import math

import numpy as np
import pytest

from models import Transformer
from train.optim import AdamW, clip_by_global_norm
from train.schedule import learning_rate
from train.workers import Workers

torch = pytest.importorskip("torch")
F = torch.nn.functional

VOCAB, CONTEXT, D_MODEL, N_LAYERS, N_HEADS, BATCH = 61, 16, 32, 2, 4, 4
STEPS, LR, BETAS, DECAY, CLIP = 100, 3e-3, (0.9, 0.99), 0.1, 1.0


def batch(step):
    """Sequences that step through the vocabulary by a stride of their own, and their targets."""
    rng = np.random.default_rng(step)
    start, stride = rng.integers(0, VOCAB, (BATCH, 1)), rng.integers(1, 4, (BATCH, 1))
    ids = (start + stride * np.arange(CONTEXT + 1)) % VOCAB
    return ids[:, :-1], ids[:, 1:]


def rate(step):
    return learning_rate(step, STEPS, LR, warmup=0.1, final=0.1)


def train(model):
    """The losses of our own steps, with micro-batches on two threads."""
    optimizer = AdamW(model.named_parameters(), *BETAS, DECAY)
    with Workers(2) as workers:
        for step in range(STEPS):
            loss, gradients = workers.gradients(model, *batch(step), micro_batch=1)
            clip_by_global_norm(gradients, CLIP)
            optimizer.step(gradients, rate(step))
            yield loss


def train_twin(state):
    """The losses of PyTorch's steps from the same weights, with the whole batch at once."""
    p = {path: torch.tensor(array, requires_grad=True) for path, array in state.items()}
    matrices = [x for x in p.values() if x.ndim > 1]
    vectors = [x for x in p.values() if x.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}],
        betas=BETAS,
    )
    for step in range(STEPS):
        ids, targets = map(torch.from_numpy, batch(step))
        loss = F.cross_entropy(twin_logits(p, ids).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(p.values(), CLIP)
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        optimizer.step()
        yield loss.item()


def twin_logits(p, ids):
    """A GPT-2 in PyTorch's functions, on parameters by our paths."""

    def linear(x, path):
        return F.linear(x, p[f"{path}.weight"], p[f"{path}.bias"])

    def norm(x, path):
        return F.layer_norm(x, (D_MODEL,), p[f"{path}.weight"], p[f"{path}.bias"])

    def attention(x, path):
        q, k, v = (
            heads.unflatten(-1, (N_HEADS, -1)).transpose(1, 2)
            for heads in linear(x, f"{path}.qkv").chunk(3, -1)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return linear(y.transpose(1, 2).flatten(2), f"{path}.out")

    def mlp(x, path):
        return linear(F.gelu(linear(x, f"{path}.up"), approximate="tanh"), f"{path}.down")

    x = p["token_embedding.weight"][ids] + p["position_embedding.weight"]
    for i in range(N_LAYERS):
        x = x + attention(norm(x, f"blocks.{i}.norm1"), f"blocks.{i}.attention")
        x = x + mlp(norm(x, f"blocks.{i}.norm2"), f"blocks.{i}.mlp")
    return norm(x, "norm") @ p["token_embedding.weight"].T


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-9), ("float32", 1e-4)])
def test_the_losses_of_a_hundred_steps_are_those_of_pytorch(dtype, rtol):
    model = Transformer(VOCAB, CONTEXT, D_MODEL, N_LAYERS, N_HEADS).astype(dtype)
    twin_losses = list(train_twin(model.state_dict()))
    losses = list(train(model))
    assert losses[0] == pytest.approx(math.log(VOCAB), abs=0.1)
    assert losses[-1] < losses[0] / 2
    np.testing.assert_allclose(losses, twin_losses, rtol)
