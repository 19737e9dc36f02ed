"""Memory for time: activations that are computed again instead of saved."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any, TypeVar, cast

import numpy as np

from models.draws import Draws
from models.module import Module
from tape import Tape, Tensor, current_tape
from tape.engine.variable import Variable

AnyModule = TypeVar("AnyModule", bound=Module)


def recompute(module: AnyModule) -> AnyModule:
    """Have the walk back run `module` once more, so that nothing inside it needs to be saved.

    A call is then one record, which saves the tensors that were given; the rest comes back while
    the walk is inside. Generators, be they given or held by the module, draw the same numbers
    again, and gradients stay the same: to the bit, unless the module shares a tensor with others,
    which changes the order of a sum. Without a tape, or on one that keeps all results, the module
    runs as ever.

    Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.

    Parameters
    ----------
    module : Module
        Its `forward` returns one tensor, which depends on the arguments and parameters alone.

    Returns
    -------
    Module
        The same one.
    """
    cast(Any, module).forward = MethodType(_forward, module)
    return module


class _Recompute:
    """A module that saves its arguments alone, and runs once more on the walk back."""

    name = "recompute"
    operand_names: tuple[str, ...] = ()
    tensor: type[Variable] = Tensor


def _forward(module: Module, *args: Any, **kwargs: Any) -> Any:
    tape = current_tape()
    if tape is None or tape.results is not None:
        return type(module).forward(module, *args, **kwargs)
    twins: dict[Tensor, Tensor] = {}  # of the tensors that were given, which hold no tape

    def twin(x: Tensor) -> Tensor:
        return twins.setdefault(x, Tensor(x, x.requires_grad, x.name))

    args, kwargs = _each_tensor((args, kwargs), twin)

    def forward() -> Any:  # which may change the lists that it is given
        own, options = _each_tensor((args, kwargs), lambda x: x)
        return type(module).forward(module, *own, **options)

    draws = Draws((module, args, kwargs))
    for watcher in tape.watchers:
        watcher.before_op()
    with Tape(guard=False) as first:
        result = forward()
    if not isinstance(result, Tensor):
        raise TypeError(f"recompute takes a module that returns one tensor, not {type(result)}")
    originals = {twin: x for x, twin in twins.items()}
    if result.tape is not first:  # an argument or a parameter, as it came
        return originals.get(result, result)
    sources = dict.fromkeys(source for record in first.records for source in record.sources)
    leaves = [x for x in sources if isinstance(x, Tensor) and x.requires_grad]
    n_ops, guard = len(first), tape.guard is not None

    def vjp(g: np.ndarray) -> tuple[np.ndarray | None, ...]:
        with Tape(guard=guard) as second, draws.again():
            result = forward()
        if len(second) != n_ops:
            raise RuntimeError(
                f"{len(second)} ops ran again, but {n_ops} before: nothing may change the module "
                "between its call and the walk back, as train() and eval() do"
            )
        gradients: dict[Variable, np.ndarray] = {}
        second.backward(result, g, into=gradients)
        return tuple(map(gradients.get, leaves))

    operands = [originals.get(leaf, leaf) for leaf in leaves]
    flops = sum(record.flops for record in first.records)
    return cast(Tensor, tape.record(_Recompute(), operands, result.data, vjp, flops))


def _each_tensor(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A copy of nested lists, tuples and dicts, with every tensor changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_tensor(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [_each_tensor(item, change) for item in value]
        if isinstance(value, list):
            return items
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value
