"""The ops as operators and methods of `Tensor`, with NumPy's names and arguments."""

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ops.arithmetic import abs, add, divide, multiply, negative, power, remainder, subtract
from ops.copying import astype, copy
from ops.elementary import exp, log, sqrt, tanh
from ops.extending import repeat
from ops.indexing import getitem, take
from ops.linalg import dot, matmul
from ops.numpy_functions import array_function, array_ufunc
from ops.reductions import max, min, prod, sum
from ops.scans import cumsum
from ops.selection import clip
from ops.shaping import reshape, squeeze, swapaxes, transpose
from ops.statistics import mean, std, var
from tape import Op, Tensor

BINARY = {
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "truediv": divide,
    "mod": remainder,
    "pow": power,
    "matmul": matmul,
}
COMPARISONS = ("lt", "le", "eq", "ne", "gt", "ge")
METHODS = (
    *(exp, log, sqrt, tanh),
    *(sum, mean, var, std, max, min, prod, cumsum),
    *(dot, repeat, squeeze, swapaxes, take, copy),
)
OFF_THE_TAPE = ("all", "any", "argmax", "argmin", "argsort", "nonzero", "round")
"""Methods of the array: what they return is no number to follow, or has a derivative of 0."""


def _forward(op: Op) -> Callable[..., Tensor]:
    def method(self: Tensor, *args, **options) -> Tensor:
        return op(self, *args, **options)

    method.__name__, method.__doc__ = op.name, op.__doc__
    return method


def _reflected(op: Op) -> Callable[..., Tensor]:
    return lambda self, other: op(other, self)


def _comparison(name: str) -> Callable[..., np.ndarray]:
    """An array of bool, off the tape: there is no gradient to follow."""
    compare = getattr(operator, name)
    return lambda self, other: compare(self.data, other)


def _off_the_tape(name: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **options: Any) -> Any:
        return getattr(self.data, name)(*args, **options)

    method.__name__, method.__doc__ = name, f"`ndarray.{name}`, off the tape."
    return method


def _astype(self: Tensor, dtype: Any, *, copy: bool = True) -> Tensor | np.ndarray:
    """The tensor in another dtype; integers and booleans leave the tape, as by any rounding."""
    if np.dtype(dtype).kind in "biu":
        return self.data.astype(dtype)
    return self if not copy and self.dtype == dtype else astype(self, dtype)


def _floor_divide(self: Tensor, other: Any) -> np.ndarray:
    """An array of floor(self / other), off the tape: its derivative is 0."""
    return np.floor_divide(self, other)


def _round(self: Tensor, ndigits: int | None = None) -> Any:
    """`round(x, 2)`: a number of one number, an array of an array, off the tape."""
    if self.ndim == 0:
        return round(self.item(), ndigits)
    return np.round(self.data, ndigits or 0)


def _reshape(self: Tensor, *shape) -> Tensor:
    """`x.reshape(2, 3)` or `x.reshape((2, 3))`."""
    return reshape(self, shape[0] if len(shape) == 1 else shape)


def _transpose(self: Tensor, *axes) -> Tensor:
    """`x.transpose()`, `x.transpose(1, 0)` or `x.transpose((1, 0))`."""
    if not axes or axes[0] is None:
        return transpose(self)
    return transpose(self, axes if isinstance(axes[0], int | np.integer) else tuple(axes[0]))


def _ravel(self: Tensor) -> Tensor:
    """The elements in row-major order, in one axis."""
    return reshape(self, -1)


def _clip(self: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """`x.clip(0, 1)` or `x.clip(min=0)`."""
    return clip(self, min, max)


def _setitem(self: Tensor, index: Any, value: Any) -> None:
    raise TypeError("a tensor is not written to: use x = ops.index_set(x, values, index)")


def _iterate(self: Tensor) -> Iterator[Tensor]:
    return (self[i] for i in range(len(self)))


def give_methods() -> None:
    """Make `Tensor` speak NumPy; called once, when `ops` is imported."""
    for name, op in BINARY.items():
        setattr(Tensor, f"__{name}__", _forward(op))
        setattr(Tensor, f"__r{name}__", _reflected(op))
    for name in COMPARISONS:
        setattr(Tensor, f"__{name}__", _comparison(name))
    for op in METHODS:
        setattr(Tensor, op.name, _forward(op))
    for name in OFF_THE_TAPE:
        setattr(Tensor, name, _off_the_tape(name))
    Tensor.__floordiv__ = _floor_divide
    Tensor.__rfloordiv__ = lambda self, other: np.floor_divide(other, self)
    Tensor.__divmod__ = lambda self, other: (self // other, self % other)
    Tensor.__rdivmod__ = lambda self, other: (other // self, other % self)
    Tensor.__round__ = _round
    Tensor.astype = _astype
    Tensor.__pos__ = lambda self: self
    Tensor.__contains__ = lambda self, value: bool((self == value).any())
    Tensor.__neg__ = _forward(negative)
    Tensor.__abs__ = _forward(abs)
    Tensor.__getitem__ = _forward(getitem)
    Tensor.__setitem__ = _setitem
    Tensor.__iter__ = _iterate
    Tensor.__array_ufunc__ = array_ufunc
    Tensor.__array_function__ = array_function
    Tensor.reshape = _reshape
    Tensor.transpose = _transpose
    Tensor.ravel = Tensor.flatten = _ravel
    Tensor.clip = _clip
    Tensor.T = property(_transpose, doc="The tensor with its axes in reverse order.")
