"""A training run beside the same one in PyTorch, loss by loss."""

import math

import numpy as np
import pytest

from models import Transformer
from train.optim import AdamW, clipping
from train.schedule import learning_rate
from train.workers import Workers

torch = pytest.importorskip("torch")
from .torch_transformer import TorchTransformer  # noqa: E402 (it needs torch)

VOCAB, CONTEXT = 61, 16
SIZES = VOCAB, CONTEXT, 32, 2, 4
BATCH = 4
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
            _, scale = clipping(gradients, CLIP)
            optimizer.step(gradients, rate(step), scale)
            yield loss


def train_twin(state):
    """The losses of PyTorch's steps from the same weights, with the whole batch at once."""
    twin = TorchTransformer(*SIZES).load_arrays(state)
    matrices = [x for x in twin.parameters() if x.ndim > 1]
    vectors = [x for x in twin.parameters() if x.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}],
        betas=BETAS,
    )
    for step in range(STEPS):
        loss = twin.loss(*map(torch.from_numpy, batch(step)))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(twin.parameters(), CLIP)
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        optimizer.step()
        yield loss.item()


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-9), ("float32", 1e-4)])
def test_the_losses_of_a_hundred_steps_are_those_of_pytorch(dtype, rtol):
    model = Transformer(*SIZES).astype(dtype)
    twin_losses = list(train_twin(model.state_dict()))
    losses = list(train(model))
    assert losses[0] == pytest.approx(math.log(VOCAB), abs=0.1)
    assert losses[-1] < losses[0] / 2
    np.testing.assert_allclose(losses, twin_losses, rtol)
