"""NumPy's functions called on a tensor: they run the op of that name, or say what to call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tape import REGISTRY, Op, Tensor

WITHOUT_GRADIENT = {
    np.argmax,
    np.argmin,
    np.argsort,
    np.empty_like,
    np.full_like,
    np.ndim,
    np.ones_like,
    np.shape,
    np.size,
    np.zeros_like,
}
"""Functions through whose results no gradient could flow: they are given the arrays."""

INSTEAD = {
    "add.at": "index_add",
    "add.reduce": "sum",
    "amax": "max",
    "amin": "min",
    "append": "concatenate",
    "array_split": "split",
    "cumulative_sum": "cumsum",
    "diagonal": "einsum",
    "diff": "subtract",
    "dstack": "concatenate",
    "fabs": "abs",
    "hstack": "concatenate",
    "inner": "einsum",
    "linalg.norm": "norm",
    "multiply.reduce": "prod",
    "put": "index_set",
    "put_along_axis": "index_set",
    "ravel": "reshape",
    "tensordot": "einsum",
    "trace": "einsum",
    "vstack": "concatenate",
}
"""The op that does the work of a function for which there is none of its name."""


def array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
    """`np.exp(tensor)`, `array + tensor` and the like: the op, on the tape.

    Comparisons and other tests, which have no gradient, give an array of booleans.

    Raises
    ------
    TypeError
        If no op computes it, or it would write into an array.
    """
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    if options.get("out"):
        raise TypeError(f"np.{name} would write a tensor into an array, off the tape: leave out=")
    if method == "__call__" and ("f->?" in ufunc.types or "ff->?" in ufunc.types):
        return ufunc(*map(_array, inputs), **options)
    op = _op_for(ufunc) if method == "__call__" else None
    return _run(op, name, inputs, options)


def array_function(
    self: Tensor,
    function: Callable[..., Any],
    types: Sequence[type],
    args: Sequence[Any],
    options: Mapping[str, Any],
) -> Any:
    """`np.sum(tensor)`, `np.concatenate([tensor, array])` and the like: the op, on the tape.

    Raises
    ------
    TypeError
        If no op computes it.
    """
    if function in WITHOUT_GRADIENT:
        return function(*map(_array, args), **{key: _array(x) for key, x in options.items()})
    module = function.__module__.removeprefix("numpy").removeprefix(".")
    name = f"{module}.{function.__name__}" if module else function.__name__
    return _run(_op_for(function), name, args, options)


def _op_for(function: Callable[..., Any]) -> Op | None:
    """The op whose name is one of NumPy's names for `function`."""
    ops = (op for name, op in REGISTRY.items() if getattr(np, name, None) is function)
    return next(ops, None)


def _run(op: Op | None, name: str, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    if op is not None:
        return op(*args, **options)
    hint = f"ops.{INSTEAD[name]}" if name in INSTEAD else "other ops, or one of your own (tape.op)"
    raise TypeError(f"no op is called np.{name}: use {hint}, or .numpy() to leave the tape")


def _array(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else value
