"""Which layer differs from PyTorch's is named."""

import numpy as np
import pytest

import ops
from models import Transformer
from tape import REGISTRY, Sample, normal, op

torch = pytest.importorskip("torch")

SIZES = {"vocab_size": 17, "context": 6, "d_model": 8, "n_layers": 2, "n_heads": 2}
IDS, TARGETS = np.random.default_rng(0).integers(0, 17, (2, 3, 6))


def compare(model, twin):
    from .compare_torch import compare_torch

    compare_torch(
        model,
        twin,
        lambda model: model.loss(IDS, TARGETS),
        lambda twin: twin.loss(torch.from_numpy(IDS), torch.from_numpy(TARGETS)),
    )


@pytest.fixture
def model():
    return Transformer(**SIZES, std=0.3).astype(np.float64)


@pytest.fixture
def twin(model):
    from .torch_transformer import TorchTransformer

    return TorchTransformer(**SIZES).load_arrays(model.state_dict())


def test_every_layer_of_the_transformer_is_that_of_pytorch(model, twin):
    compare(model, twin)


def test_the_first_activation_that_differs_is_named(model, twin):
    with torch.no_grad():
        twin.blocks[1].mlp.up.bias += 1e-6
    with pytest.raises(AssertionError, match=r"activation of blocks\.1\.mlp\.up is the first"):
        compare(model, twin)


def test_the_first_gradient_that_differs_is_named(model, twin, monkeypatch):
    monkeypatch.setattr("tape.registry.REGISTRY", dict(REGISTRY))

    @op(samples=(Sample(normal(2)),))
    def faulty_gelu(x, /):
        y = ops.gelu(x, approximate="tanh").data
        return y, lambda g: g * (y > 0)

    mlp = model.blocks[0].mlp
    monkeypatch.setattr(mlp, "forward", lambda x: mlp.down(faulty_gelu(mlp.up(x))))
    with pytest.raises(AssertionError, match=r"gradient of blocks\.0\.mlp\.up is the first"):
        compare(model, twin)
