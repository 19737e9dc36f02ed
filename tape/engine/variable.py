"""An array that a tape can follow."""

from typing import Any, Protocol, Self

import numpy as np

new = object.__new__


class Recorder(Protocol):
    """What a variable knows of the tape that it is on."""

    def backward(self, output: Any, cotangent: Any = None, *, into: Any, keep: bool) -> None:
        """Carry a cotangent of `output` back to the leaves."""


class Variable:
    """An array, and what a tape needs to know of it; `tape.Tensor` is one that speaks NumPy.

    Parameters
    ----------
    data : ndarray
    requires_grad : bool
        Whether `backward` leaves a gradient in `grad`. Floating dtypes only.
    name : str, optional
        What errors, tables and pictures call it.

    Attributes
    ----------
    grad : ndarray or None
        The sum of the gradients left by backward walks, of the shape and dtype of `data`.
    tape, number : Recorder or None, int or None
        What recorded the op that made this, and that record's number there.

    Raises
    ------
    TypeError
        If what is not floating is to get a gradient.
    """

    __slots__ = ("__weakref__", "_requires_grad", "data", "grad", "name", "number", "tape")

    def __init__(
        self, data: np.ndarray, requires_grad: bool = False, name: str | None = None
    ) -> None:
        self.data = data
        self.requires_grad = requires_grad
        self.name = name
        self.grad: np.ndarray | Any = None
        self.tape: Recorder | None = None
        self.number: int | None = None

    @classmethod
    def of(cls, array: np.ndarray) -> Self:
        """`cls(array)` for an array that an op made, at a third of the time."""
        self = new(cls)
        self.data = array
        self._requires_grad = False
        self.name = self.grad = self.tape = self.number = None
        return self

    @property
    def requires_grad(self) -> bool:
        """Whether `backward` leaves a gradient; only what is floating can want one."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted:
            self.check_floating()
        self._requires_grad = wanted

    def check_floating(self) -> None:
        """Raise TypeError unless it can have a gradient, which `data` may have changed."""
        if self.data.dtype.kind != "f":
            raise TypeError(f"only floating dtypes have gradients, not {self.data.dtype}")

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.data.dtype
