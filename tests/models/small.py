"""What the tests of models share: a small Transformer, and gradcheck of all its parameters."""

from collections.abc import Callable

import numpy as np

from models import Module, Transformer
from tape import Tensor, gradcheck


def small_transformer(
    vocab_size=11, context=8, d_model=12, n_layers=2, n_heads=3, **others
) -> Transformer:
    """A float64 Transformer with every parameter far from 0, so that nothing in it is negligible.

    As they start, the weights are so small that attention is nearly uniform.
    """
    model = Transformer(vocab_size, context, d_model, n_layers, n_heads, **others)
    rng = np.random.default_rng(1)
    for parameter in model.astype(np.float64).parameters():
        parameter.data += rng.normal(0, 0.4, parameter.shape)
    return model


def random_ids(*shape: int, n: int = 11, seed: int = 0) -> np.ndarray:
    """Token ids below n."""
    return np.random.default_rng(seed).integers(0, n, shape)


def gradcheck_parameters(module: Module, output: Callable[[], Tensor]) -> None:
    """Gradcheck `output`, which calls the module, with respect to each of its parameters."""
    paths, parameters = zip(*module.named_parameters(), strict=True)

    def fn(*tensors: Tensor) -> Tensor:
        for path, tensor in zip(paths, tensors, strict=True):
            _place(module, path, tensor)
        return output()

    gradcheck(fn, *parameters)


def _place(module: Module, path: str, tensor: Tensor) -> None:
    *parents, attribute = path.split(".")
    for part in parents:
        module = module[int(part)] if part.isdigit() else getattr(module, part)
    setattr(module, attribute, tensor)
