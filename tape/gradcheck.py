"""Central differences: the witness against a hand-written VJP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from tape.registration import RegisteredOp
from tape.samples import Extreme, Kink
from tape.tape import Tape
from tape.tensor import Tensor


class GradcheckError(AssertionError):
    """A gradient that differs from the central difference."""


def check(op: RegisteredOp[..., Any]) -> None:
    """`gradcheck` of an op on every sample that it was registered with, kinks and extremes aside.

    Raises
    ------
    GradcheckError
        Naming the sample and the first gradient that differs.
    TypeError
        If `op` is no op.
    """
    if not isinstance(op, RegisteredOp):
        raise TypeError(f"check takes an op, as @op makes one, not {op!r:.80}: use gradcheck")
    for i, sample in enumerate(op.samples):
        if not isinstance(sample, Kink | Extreme):
            operands, call = op.bind(sample, np.random.default_rng(0))
            try:
                gradcheck(partial(call, op), *operands)
            except GradcheckError as error:
                raise GradcheckError(f"sample {i} of {error}") from None


def gradcheck(
    fn: Callable[..., Tensor | Sequence[Tensor]],
    *inputs: Any,
    eps: float = 1e-6,
    atol: float | None = None,
    rtol: float = 1e-5,
    seed: int = 0,
) -> None:
    """Compare the gradients that a tape gives for `fn` with central differences in float64.

    For a random cotangent v, and every element x_i of every floating input, the gradient of
    <v, fn(x)> must equal (<v, fn(x + eps e_i)> - <v, fn(x - eps e_i)>) / (2 eps) to within
    `atol + rtol * |difference|`. The cotangent is drawn at random because one of ones hides any
    mistake in a VJP whose outputs sum to a constant, such as softmax.

    Parameters
    ----------
    fn : callable
        From tensors to a tensor, or to a list or tuple of them.
    *inputs : Tensor, ndarray, number or anything else
        Floating ones are checked, in float64; others (indices, lists) are passed on as they are.
    eps : float
        The step.
    atol : float, optional
        By default the rounding error of the difference itself, which shrinks with the values of
        `fn`: a fixed one would let a zero VJP pass where gradients are small. One huge value among
        small ones hides faults in these: check them apart.
    rtol : float
        Relative tolerance.
    seed : int
        Of the cotangent.

    Raises
    ------
    GradcheckError
        Naming the ops, the input, the index and both values of the first gradient that differs.
    ValueError
        If no input is floating, so that there is nothing to check, or `fn` writes to one.
    TypeError
        If `fn` returns something else.
    """
    operands = [_differentiable(x) for x in inputs]
    if not any(isinstance(x, Tensor) and x.requires_grad for x in operands):
        raise ValueError("nothing to check: no input is a floating tensor, array or number")
    before = [x.data.copy() if isinstance(x, Tensor) else None for x in operands]
    with Tape() as tape:
        outputs = _as_list(fn(*operands))
    for i, (x, copy) in enumerate(zip(operands, before, strict=True)):
        if copy is not None and not np.array_equal(x.data, copy, equal_nan=True):
            raise ValueError(f"the function writes to input {i}, so that nothing can be compared")
    ops = " -> ".join(record.op.name for record in tape.records)
    rng = np.random.default_rng(seed)
    cotangents = [rng.standard_normal(output.shape) for output in outputs]
    gradients: dict[Tensor, np.ndarray] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if output.tape is tape and output.requires_grad:
            tape.backward(output, cotangent, into=gradients, keep=True)
        elif output.requires_grad:  # an input, as it came
            gradients[output] = gradients.get(output, 0) + cotangent

    def weighted() -> np.ndarray:
        results = _as_list(fn(*operands))
        pairs = zip(results, cotangents, strict=True)
        return np.concatenate([(y.data * v).reshape(-1) for y, v in pairs])

    for position, operand in enumerate(operands):
        if not (isinstance(operand, Tensor) and operand.requires_grad):
            continue
        gradient = gradients.get(operand, np.zeros_like(operand.data))
        for index in np.ndindex(operand.shape):
            slope, noise = _central_difference(weighted, operand.data, index, eps)
            tolerance = (noise if atol is None else atol) + rtol * abs(slope)
            if not abs(gradient[index] - slope) <= tolerance:
                raise GradcheckError(
                    f"{ops}: gradient of input {position} at {index} is {gradient[index]:.9g}, "
                    f"central difference {slope:.9g} (tolerance {tolerance:.2g})"
                )


def _as_list(results: Any) -> list[Tensor]:
    found = list(results) if isinstance(results, list | tuple) else [results]
    for result in found:
        if not isinstance(result, Tensor):
            raise TypeError(
                "the function to check returns a tensor, or a list or tuple of tensors, "
                f"not {type(result).__name__}"
            )
    return found


def _differentiable(value: Any) -> Any:
    """A float64 copy that wants a gradient of a floating input; anything else as it is."""
    data = value.data if isinstance(value, Tensor) else value
    if isinstance(data, float | np.generic | np.ndarray) and np.asarray(data).dtype.kind == "f":
        return Tensor(np.array(data, np.float64), requires_grad=True)
    return value


def _central_difference(
    weighted: Callable[[], np.ndarray], data: np.ndarray, index: tuple[int, ...], eps: float
) -> tuple[float, float]:
    """The slope of the sum of `weighted` along one element of `data`, and its rounding error."""
    value = data[index]
    data[index] = value + eps
    above, high = weighted(), data[index]
    data[index] = value - eps
    below, low = weighted(), data[index]
    data[index] = value
    rounding = np.finfo(np.float64).eps * (np.abs(above).sum() + np.abs(below).sum())
    return (above - below).sum() / (high - low), 16 * rounding / (high - low)
