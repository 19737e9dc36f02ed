"""How the tests run an op: as a sample says, on a tape, with a random cotangent."""

from collections.abc import Callable
from typing import Any

import numpy as np

import ops
from tape import Op, Record, Sample, Tape, Tensor


def bound(op: Op, sample: Sample, dtype: Any = np.float64) -> tuple[list[Any], Callable[..., Any]]:
    """`op.bind`, always with the same draw."""
    return op.bind(sample, np.random.default_rng(0), dtype)


def differentiable(value: Any) -> Any:
    """A tensor that wants a gradient for a floating array; anything else as it is."""
    floating = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return Tensor(value, requires_grad=True) if floating else value


def joined(results: Any, concatenate: Callable[..., Any] = ops.concatenate) -> Any:
    """The results of an op with several of them, end to end in one; a single result as it is."""
    if not isinstance(results, list | tuple):
        return results
    return concatenate([result.reshape(-1) for result in results])


def random_like(array: np.ndarray) -> np.ndarray:
    """Normal deviates in the shape and dtype of `array`."""
    return np.asarray(np.random.default_rng(1).standard_normal(array.shape), array.dtype)


def raw_cotangents(record: Record, g: np.ndarray) -> list[np.ndarray]:
    """What the VJP itself returns for the operands that want a gradient."""
    found = record.vjp(g)
    found = found if isinstance(found, tuple) else (found,)
    return [
        raw() if callable(raw) else raw
        for raw, source in zip(found, record.sources, strict=True)
        if source is not None and source.requires_grad
    ]


def value_and_gradients(
    fn: Callable[..., Tensor], *operands: Any, cotangent: Any = None, **walk: Any
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The result of `fn`, and the gradients of its floating operands (cotangent: random).

    Several results come end to end in one array. `walk` has further arguments of `backward`.
    """
    tensors = [differentiable(x) for x in operands]
    with Tape() as tape:
        output = joined(fn(*tensors))
    tape.backward(output, random_like(output.data) if cotangent is None else cotangent, **walk)
    return output.data, [x.grad for x in tensors if isinstance(x, Tensor)]
