"""The ops as operators and methods of `Tensor`, with NumPy's names and arguments."""

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ops.arithmetic import abs, add, divide, multiply, negative, power, subtract
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
    "pow": power,
    "matmul": matmul,
}
COMPARISONS = ("lt", "le", "eq", "ne", "gt", "ge")
METHODS = (
    *(exp, log, sqrt, tanh),
    *(sum, mean, var, std, max, min, prod, cumsum),
    *(dot, repeat, squeeze, swapaxes, take),
)


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
