"""What an op is: a function of arrays that returns its result and its VJP."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tape.place import current_scope, describe_place, line_of_caller
from tape.record import Record
from tape.samples import Sample
from tape.tape import current_tape
from tape.tensor import Tensor, as_array

REGISTRY: dict[str, Op] = {}
"""Every op by its name, in the order of registration."""


class Op:
    """A registered op; call it with tensors, arrays or numbers.

    Parameters
    ----------
    fn : callable
        From arrays to `(result, vjp)`. Its positional-only parameters are the operands; all
        others are options, through which no gradient flows. `vjp(g)` takes the cotangent of the
        result and returns those of the operands: one, or a tuple with one for each. A cotangent
        may be None (no gradient), may still be broadcast (the engine sums it back), and may be a
        function of no arguments that makes it (called only if that operand wants a gradient).
        A VJP never writes to `g`; it may return `g` or a view of it, but no array that it saved.
    samples : iterable of Sample
        Example calls, from which the op is checked.

    Raises
    ------
    ValueError
        If there are no samples, no operands, or an op of that name is there already.
    """

    def __init__(
        self, fn: Callable[..., tuple[np.ndarray, Any]], samples: Iterable[Sample]
    ) -> None:
        kinds = [p.kind for p in inspect.signature(fn).parameters.values()]
        self.fn = fn
        self.name = fn.__name__
        self.samples = tuple(samples)
        self.variadic = inspect.Parameter.VAR_POSITIONAL in kinds
        self.n_operands = kinds.count(inspect.Parameter.POSITIONAL_ONLY)
        if not self.samples:
            raise ValueError(f"op {self.name} has no samples: without them nothing checks it")
        if not self.variadic and not self.n_operands:
            raise ValueError(f"op {self.name} has no operands: put a / after those it has")
        if self.name in REGISTRY:
            raise ValueError(f"there is an op {self.name} already")
        functools.update_wrapper(self, fn)
        REGISTRY[self.name] = self

    def __call__(self, *args: Any, **options: Any) -> Tensor:
        """Run the op, and record it if a tape is open."""
        if self.variadic:
            operands, settings = tuple(args[0]), args[1:]
        else:
            operands, settings = args[: self.n_operands], args[self.n_operands :]
        tensors = _as_tensors(operands)
        try:
            if self.variadic and settings:
                raise TypeError("options of an op on a sequence are given by keyword")
            result, vjp = self.fn(
                *[x if x is None else x.data for x in tensors],
                *map(_untaped, settings),
                **{key: _untaped(value) for key, value in options.items()},
            )
        except Exception as error:
            where = describe_place(line_of_caller(), current_scope())
            error.add_note(f"in {self.describe_call(tensors)}, {where}")
            raise
        tape = current_tape()
        result = as_array(result)
        if tape is None:
            return Tensor(result)
        left_out = [None] * (self.n_operands - len(tensors))
        return tape.record(self, tensors + left_out, result, vjp)

    def describe_call(self, operands: Sequence[Tensor | Record | None]) -> str:
        """The op with the dtypes and shapes of its operands: "matmul(float32(3, 2), ...)"."""
        kinds = ["None" if x is None else f"{x.dtype}{x.shape}" for x in operands]
        return f"{self.name}({', '.join(kinds)})"

    def __repr__(self) -> str:
        return f"<op {self.name}{inspect.signature(self.fn)}>"


def op(*, samples: Iterable[Sample]) -> Callable[[Callable[..., Any]], Op]:
    """Decorator that registers a function of arrays as an op; see `Op`."""
    return lambda fn: Op(fn, samples)


def _untaped(option: Any) -> Any:
    if isinstance(option, tuple):
        return tuple(map(_untaped, option))
    if not isinstance(option, Tensor):
        return option
    if option.requires_grad:
        raise TypeError(f"no gradient flows through an option, and one wants it: {option!r}")
    return option.data


def _as_tensors(operands: Sequence[Any]) -> list[Tensor | None]:
    """Operands as tensors; a Python number takes the floating dtype of the arrays beside it."""
    dtypes = [x.dtype for x in operands if hasattr(x, "dtype") and x.dtype.kind == "f"]

    def tensor(x: Any) -> Tensor | None:
        if x is None or isinstance(x, Tensor):
            return x
        if dtypes and type(x) in (bool, int, float):
            return Tensor(np.asarray(x, np.result_type(*dtypes)))
        return Tensor(x)

    return [tensor(x) for x in operands]
