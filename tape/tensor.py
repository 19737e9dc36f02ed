"""The array that a tape can follow."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tape.tape import Tape


def as_array(value: Any) -> np.ndarray:
    """`value` as an array: arrays and NumPy scalars keep their dtype, Python floats are float32.

    Raises
    ------
    TypeError
        If `value` is ragged or holds something other than numbers.
    """
    has_dtype = hasattr(value, "dtype")
    try:
        speaks_numpy = hasattr(value, "__array_function__") and not isinstance(value, Tensor)
        array = value if speaks_numpy else np.asarray(value)
    except ValueError as error:
        raise TypeError(f"no array can be made of {value!r:.80}: {error}") from None
    if array.dtype.kind not in "biufc":
        raise TypeError(f"no array of numbers can be made of {value!r:.80}")
    return array if has_dtype or array.dtype != np.float64 else array.astype(np.float32)


class Tensor:
    """An array, and what a tape needs to know of it.

    Operators and methods (`a @ b`, `a.sum()`, `a[1:]`) are the ops of the package `ops`, which
    gives them to this class when it is imported.

    Parameters
    ----------
    data : array_like
        An array is held as it is, without a copy, and keeps its dtype; a Python float, or a list
        of them, becomes float32.
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

    __slots__ = ("data", "grad", "name", "number", "requires_grad", "tape")

    # NumPy then leaves `array + tensor` to the tensor instead of making an array of objects; the
    # package `ops` puts in its place what runs the op.
    __array_ufunc__ = None

    def __init__(self, data: Any, requires_grad: bool = False, name: str | None = None) -> None:
        self.data: np.ndarray = data.data if isinstance(data, Tensor) else as_array(data)
        if requires_grad and self.data.dtype.kind != "f":
            raise TypeError(f"only floating dtypes have gradients, not {self.data.dtype}")
        self.requires_grad = requires_grad
        self.name = name
        self.grad: np.ndarray | None = None
        self.tape: Tape | None = None
        self.number: int | None = None

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

    def item(self) -> float | int | bool:
        """The one element as a Python number."""
        return self.data.item()

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
        hint = "" if hasattr(Tensor, "__add__") else "; methods that are ops come with `import ops`"
        raise AttributeError(f"a Tensor has no attribute {attribute!r}{hint}")

    def __len__(self) -> int:
        return len(self.data)

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        return float(self.data)

    def __int__(self) -> int:
        return int(self.data)

    def __repr__(self) -> str:
        values = np.array2string(self.data, separator=", ", prefix="Tensor(", threshold=100)
        name = f", name={self.name!r}" if self.name else ""
        grad = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({values}, dtype={self.dtype}{grad}{name})"
