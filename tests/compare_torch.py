"""A module beside its twin in PyTorch, layer by layer."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from models import Module
from tape import Tape, Tensor
from tape.views.scopes import scope_parts

Layer = tuple[np.ndarray, np.ndarray]
"""What a layer gave, and the gradient of the loss in it."""


def compare_torch(
    model: Module,
    twin: torch.nn.Module,
    loss: Callable[[Module], Tensor],
    twin_loss: Callable[[torch.nn.Module], torch.Tensor],
    rtol: float = 1e-9,
) -> None:
    """Hold a model against its PyTorch twin, whose parts have the same paths.

    Compared are the activations of all modules in the order in which they ran, then the gradients
    of these activations on the way back, then those of the parameters, each to within `rtol` of
    the largest element.

    Raises
    ------
    AssertionError
        Naming the first that differs.
    """
    ours, gradients = _layers(model, loss)
    theirs, twin_gradients = _twin_layers(twin, twin_loss)
    pairs = [
        *((f"activation of {path}", ours[path][0], theirs[path][0]) for path in ours),
        *((f"gradient of {path}", ours[path][1], theirs[path][1]) for path in reversed(ours)),
        *((f"gradient of {path}", gradients[path], twin_gradients[path]) for path in gradients),
    ]
    for name, array, expected in pairs:
        error = np.abs(array - expected).max() / np.abs(expected).max()
        assert error <= rtol, f"the {name} is the first to differ, by {error:.2g} of its largest"


def _layers(
    model: Module, loss: Callable[[Module], Tensor]
) -> tuple[dict[str, Layer], dict[str, np.ndarray]]:
    with Tape(keep_results=True) as tape:
        output = loss(model)
    sink: dict[Tensor, np.ndarray] = {}
    steps = tape.backward_steps(output, into=sink)
    cotangents = {step.record.number: step.cotangent for step in steps}
    last = {path: record for record in tape.records for path in _paths(record.scope)}
    in_order = sorted(last.items(), key=lambda item: item[1].number)
    layers = {
        path: (tape.results.arrays[record.number], cotangents[record.number])
        for path, record in in_order
    }
    modules = {path for path, _ in _modules(model)}
    return (
        {path: layer for path, layer in layers.items() if path in modules},
        {path: sink[parameter] for path, parameter in model.named_parameters()},
    )


def _twin_layers(
    twin: torch.nn.Module, loss: Callable[[torch.nn.Module], torch.Tensor]
) -> tuple[dict[str, Layer], dict[str, np.ndarray]]:
    outputs: dict[str, torch.Tensor] = {}

    def keep(path: str):
        def hook(module, inputs, output):
            output.retain_grad()
            outputs[path] = output

        return hook

    hooks = [module.register_forward_hook(keep(path)) for path, module in twin.named_modules()]
    twin.zero_grad()
    loss(twin).backward()
    for hook in hooks:
        hook.remove()
    return (
        {path: (x.detach().numpy(), x.grad.numpy()) for path, x in outputs.items()},
        {path: x.grad.numpy() for path, x in twin.named_parameters()},
    )


def _paths(scope: str) -> Iterator[str]:
    """The paths of the modules that a scope lies in: "a", "a.b" and "a.b.c" for "a.b.c"."""
    parts = scope_parts(scope)
    return (".".join(parts[:n]) for n in range(1, len(parts) + 1))


def _modules(module: Module, prefix: str = "") -> Iterator[tuple[str, Module]]:
    for path, child in module.children():
        yield prefix + path, child
        yield from _modules(child, f"{prefix}{path}.")
