"""NumPy's functions called on a tensor: they run the op of that name, or say what to call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from tape import REGISTRY, Tensor
from tape.engine.op import Op
from tape.inputs import values_of

WITHOUT_GRADIENT = {
    *(np.all, np.allclose, np.any, np.argmax, np.argmin, np.argsort, np.argwhere),
    *(np.array_equal, np.array_equiv, np.count_nonzero, np.flatnonzero, np.isclose, np.nonzero),
    *(np.empty_like, np.full_like, np.ones_like, np.zeros_like),
    *(np.ndim, np.shape, np.size, np.result_type, np.iscomplexobj, np.isrealobj),
    *(np.around, np.round, np.fix, np.array2string, np.array_repr, np.array_str),
    *(np.shares_memory, np.may_share_memory),
}
"""Functions whose results are no numbers to follow, or whose derivative is 0: they get arrays."""

CONSTANT_IN_PIECES = {np.sign, np.floor, np.ceil, np.trunc, np.rint, np.floor_divide}
"""Ufuncs with a derivative of 0: like comparisons, they leave the tape."""

RENAMED = {"min": "a_min", "max": "a_max"}
"""Names of `np.clip` that NumPy has twice."""

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

    Comparisons, other tests and rounding, whose derivative is 0, give an array off the tape.

    Raises
    ------
    TypeError
        If no op computes it, or it would write into an array.
    """
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    if options.get("out"):
        raise TypeError(f"np.{name} would write a tensor into an array, off the tape: leave out=")
    tests = "f->?" in ufunc.types or "ff->?" in ufunc.types
    if method == "__call__" and (tests or ufunc in CONSTANT_IN_PIECES):
        return ufunc(*values_of(inputs)[0], **options)
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
    if function in WITHOUT_GRADIENT or (function is np.where and len(args) == 1):
        return function(*map(_array, args), **{key: _array(x) for key, x in options.items()})
    module = function.__module__.removeprefix("numpy").removeprefix(".")
    name = f"{module}.{function.__name__}" if module else function.__name__
    op = _op_for(function)
    if op is not None:
        args, options = _as_in_op(op, function, args, options)
    return _run(op, name, args, options)


def _as_in_op(
    op: Op[..., Any], function: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a NumPy function as its op takes them: `a=`, which it calls x, by place."""
    args, options = list(args), dict(options)
    names = list(inspect.signature(op).parameters)
    with suppress(ValueError):  # of the functions that tell no signature, none takes `a=`
        for name in list(inspect.signature(function).parameters)[len(args) :]:
            if name in names or name not in options:
                break
            args.append(options.pop(name))
    if "a_min" in names:
        options = {RENAMED.get(name, name): value for name, value in options.items()}
    return args, options


def _op_for(function: Callable[..., Any]) -> Op[..., Any] | None:
    """The op whose name is one of NumPy's names for `function`."""
    ops = (op for name, op in REGISTRY.items() if getattr(np, name, None) is function)
    return next(ops, None)


def _run(
    op: Op[..., Any] | None, name: str, args: Sequence[Any], options: Mapping[str, Any]
) -> Any:
    if op is not None:
        return op(*args, **options)
    hint = f"ops.{INSTEAD[name]}" if name in INSTEAD else "other ops, or one of your own (tape.op)"
    raise TypeError(f"no op is called np.{name}: use {hint}, or .numpy() to leave the tape")


def _array(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else value
