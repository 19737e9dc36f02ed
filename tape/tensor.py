"""The array that a tape can follow."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tape.arrays import as_array
from tape.without_ops import name_the_cure, needs_ops

if TYPE_CHECKING:
    from tape.tape import Tape


class Tensor:
    """An array, and what a tape needs to know of it.

    Operators and methods (`a @ b`, `a.sum()`, `a[1:]`) are the ops of the package `ops`, which
    gives them to this class when it is imported.

    Parameters
    ----------
    data : array_like
        An array is held as it is, without a copy, and keeps its dtype; a Python float, or a list
        of them, becomes float32. Subclasses of ndarray that compute otherwise are refused.
    requires_grad : bool
        Whether `Tape.backward` leaves a gradient in `grad`. Floating dtypes only.
    name : str, optional
        What errors, tables and pictures call it.

    Attributes
    ----------
    grad : ndarray or None
        The sum of the gradients left by backward walks, of the shape and dtype of `data`.
    tape, number : Tape or None, int or None
        The tape that recorded the op which made this tensor, and that record's number there.

    Raises
    ------
    TypeError
        If no array of numbers can be made of `data`, or an array of integers is to get a gradient.
    """

    __slots__ = ("__weakref__", "_requires_grad", "data", "grad", "name", "number", "tape")

    def __init__(self, data: Any, requires_grad: bool = False, name: str | None = None) -> None:
        self.data: np.ndarray = data.data if isinstance(data, Tensor) else as_array(data)
        self.requires_grad = requires_grad
        self.name = name
        self.grad: np.ndarray | None = None
        self.tape: Tape | None = None
        self.number: int | None = None

    @property
    def requires_grad(self) -> bool:
        """Whether `Tape.backward` leaves a gradient; only a floating tensor can want one."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted:
            self.check_floating()
        self._requires_grad = wanted

    def check_floating(self) -> None:
        """Raise TypeError unless the tensor can have a gradient, which `data` may have changed."""
        if self.data.dtype.kind != "f":
            raise TypeError(f"only floating dtypes have gradients, not {self.data.dtype}")

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> int:
        return self.data.size

    def numpy(self) -> np.ndarray:
        """The array itself, off the tape."""
        return self.data

    @property
    def nbytes(self) -> int:
        return self.data.nbytes

    def item(self) -> float | int | bool:
        """The one element as a Python number."""
        return self.data.item()

    def tolist(self) -> Any:
        """The elements as Python numbers, in a list of lists for each axis."""
        return self.data.tolist()

    def detach(self) -> Tensor:
        """A tensor of the same array that no gradient flows through."""
        return Tensor(self.data, name=self.name)

    def backward(
        self,
        cotangent: Any = None,
        *,
        into: MutableMapping[Tensor, np.ndarray] | None = None,
        keep: bool = False,
    ) -> None:
        """`Tape.backward` of the tape that recorded this tensor.

        Raises
        ------
        RuntimeError
            If no tape recorded it.
        """
        if self.tape is None:
            raise RuntimeError(
                "no tape recorded this tensor: compute it inside `with Tape() as tape:`"
            )
        self.tape.backward(self, cotangent, into=into, keep=keep)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise TypeError("a Tensor would leave the tape here: use an op, or `.numpy()` to mean it")

    def __getattr__(self, attribute: str) -> Any:
        imported = Tensor.__add__ is not needs_ops
        hint = "" if imported else "; methods that are ops come with `import ops`"
        raise AttributeError(f"a Tensor has no attribute {attribute!r}{hint}")

    def __len__(self) -> int:
        return len(self.data)

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        return float(self._number("float"))

    def __int__(self) -> int:
        return int(self._number("int"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def _number(self, kind: str) -> np.ndarray:
        """The array behind a Python number, which `math.exp` and `array[i] = tensor` ask for."""
        if self.requires_grad:
            raise TypeError(
                f"a gradient would be lost where a tensor becomes a Python {kind}: "
                "use an op, or .item() to mean the number"
            )
        return self.data

    def _in_place(self, other: Any) -> Any:
        """`p -= lr * p.grad` of a leaf would make another tensor, and leave the leaf as it was."""
        if self.requires_grad and self.tape is None:
            name = self.name or "p"
            raise TypeError(
                "a tensor that wants a gradient is not changed in place: write "
                f"{name}.data -= ... to update it, or {name} = {name} - ... for another tensor"
            )
        return NotImplemented

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ifloordiv__ = _in_place
    __imod__ = __ipow__ = __imatmul__ = _in_place

    def __format__(self, spec: str) -> str:
        """`f"{loss:.3f}"` of one number; without a spec, `repr`.

        Raises
        ------
        TypeError
            If there is a spec, and more than one number.
        """
        if not spec:
            return repr(self)
        if self.size != 1:
            raise TypeError(f"format {spec!r} is for one number, not for a shape of {self.shape}")
        return format(self.data.item(), spec)

    def __repr__(self) -> str:
        values = np.array2string(self.data, separator=", ", prefix="Tensor(", threshold=100)
        name = f", name={self.name!r}" if self.name else ""
        grad = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({values}, dtype={self.dtype}{grad}{name})"


name_the_cure(Tensor)
