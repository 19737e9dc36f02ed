"""The ops as operators and methods of `Tensor`, with NumPy's names and arguments."""

import operator
from collections.abc import Callable, Iterator

import numpy as np

from ops.arithmetic import add, divide, exp, log, multiply, negative, power, sqrt, subtract, tanh
from ops.indexing import getitem
from ops.linalg import matmul
from ops.reductions import max, mean, sum
from ops.shaping import reshape, transpose
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
METHODS = (exp, log, sqrt, tanh, sum, mean, max)


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
    return lambda self, other: compare(
        self.data, other.data if isinstance(other, Tensor) else other
    )


def _reshape(self: Tensor, *shape) -> Tensor:
    """`x.reshape(2, 3)` or `x.reshape((2, 3))`."""
    return reshape(self, shape[0] if len(shape) == 1 else shape)


def _transpose(self: Tensor, *axes) -> Tensor:
    """`x.transpose()`, `x.transpose(1, 0)` or `x.transpose((1, 0))`."""
    if not axes:
        return transpose(self)
    return transpose(self, axes if isinstance(axes[0], int) else tuple(axes[0]))


def _swapaxes(self: Tensor, axis1: int, axis2: int) -> Tensor:
    """The tensor with two of its axes exchanged."""
    axes = list(range(self.ndim))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return transpose(self, tuple(axes))


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
    Tensor.__getitem__ = _forward(getitem)
    Tensor.__iter__ = _iterate
    Tensor.reshape = _reshape
    Tensor.transpose = _transpose
    Tensor.swapaxes = _swapaxes
    Tensor.T = property(_transpose, doc="The tensor with its axes in reverse order.")
