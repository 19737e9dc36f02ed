"""The tensor: a variable of the engine that reads like a NumPy array."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NoReturn, TypeAlias, cast

import numpy as np

from tape.engine.cotangents import Into
from tape.engine.variable import Variable
from tape.inputs import as_array
from tape.registry import REGISTRY

_OPS = cast("dict[str, Callable[..., Tensor]]", REGISTRY)
"""Those that make one tensor."""

Axis: TypeAlias = int | tuple[int, ...] | None


def _reduced(name: str, x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    """A reduction, the quick way if it is over all axes."""
    op = _OPS[name]
    return op(x) if axis is None and not keepdims else op(x, axis, keepdims=keepdims)


def _needs_ops(*args: Any, **options: Any) -> Any:
    """What NumPy's functions of a tensor do until `ops` is imported."""
    return REGISTRY[""]


class Tensor(Variable):
    """An array, and what a tape needs to know of it.

    Operators and methods (`a @ b`, `a.sum()`, `a[1:]`) have NumPy's names and arguments. They run
    the ops of the package `ops`, which has to be imported.

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

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = False, name: str | None = None) -> None:
        array = data.data if isinstance(data, Variable) else as_array(data)
        super().__init__(array, requires_grad, name)

    __array_ufunc__: ClassVar[Callable[..., Any]] = _needs_ops
    __array_function__: ClassVar[Callable[..., Any]] = _needs_ops

    # What it is

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> int:
        return self.data.size

    @property
    def nbytes(self) -> int:
        return self.data.nbytes

    def numpy(self) -> np.ndarray:
        """The array itself, off the tape."""
        return self.data

    def item(self) -> float | int | bool:
        """The one element as a Python number."""
        return cast(float, self.data.item())

    def tolist(self) -> Any:
        """The elements as Python numbers, in a list of lists for each axis."""
        return self.data.tolist()

    def detach(self) -> Tensor:
        """A tensor of the same array that no gradient flows through."""
        return Tensor(self.data, name=self.name)

    def backward(self, cotangent: Any = None, *, into: Into = None, keep: bool = False) -> None:
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

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        values = np.array2string(self.data, separator=", ", prefix="Tensor(", threshold=100)
        name = f", name={self.name!r}" if self.name else ""
        grad = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({values}, dtype={self.dtype}{grad}{name})"

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

    # Off the tape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise TypeError("a Tensor would leave the tape here: use an op, or `.numpy()` to mean it")

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        return float(self._number("float"))

    def __int__(self) -> int:
        return int(self._number("int"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def _number(self, kind: str) -> Any:
        """The array behind a Python number, which `math.exp` and `array[i] = tensor` ask for."""
        if self.requires_grad:
            raise TypeError(
                f"a gradient would be lost where a tensor becomes a Python {kind}: "
                "use an op, or .item() to mean the number"
            )
        return self.data

    def _in_place(self, other: Any) -> Tensor:
        """`p -= lr * p.grad` of a leaf would make another tensor, and leave the leaf as it was."""
        if self.requires_grad and self.tape is None:
            name = self.name or "p"
            raise TypeError(
                "a tensor that wants a gradient is not changed in place: write "
                f"{name}.data -= ... to update it, or {name} = {name} - ... for another tensor"
            )
        return cast(Tensor, NotImplemented)

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ifloordiv__ = _in_place
    __imod__ = __ipow__ = __imatmul__ = _in_place

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError("a tensor is not written to: use x = ops.index_set(x, values, index)")

    __hash__ = Variable.__hash__

    def _compared(self, compare: Callable[[Any, Any], Any], other: object) -> np.ndarray:
        """An array of bool: there is no gradient to follow."""
        value = other.data if isinstance(other, Variable) else other
        return np.asarray(compare(self.data, value))

    def __eq__(self, other: object) -> np.ndarray:  # type: ignore[override]
        """self == other, element by element, off the tape."""
        return self._compared(operator.eq, other)

    def __ne__(self, other: object) -> np.ndarray:  # type: ignore[override]
        """self != other, element by element, off the tape."""
        return self._compared(operator.ne, other)

    def __lt__(self, other: Any) -> np.ndarray:
        """self < other, element by element, off the tape."""
        return self._compared(operator.lt, other)

    def __le__(self, other: Any) -> np.ndarray:
        """self <= other, element by element, off the tape."""
        return self._compared(operator.le, other)

    def __gt__(self, other: Any) -> np.ndarray:
        """self > other, element by element, off the tape."""
        return self._compared(operator.gt, other)

    def __ge__(self, other: Any) -> np.ndarray:
        """self >= other, element by element, off the tape."""
        return self._compared(operator.ge, other)

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __floordiv__(self, other: Any) -> np.ndarray:
        """floor(self / other), off the tape: its derivative is 0."""
        return cast(np.ndarray, np.floor_divide(self, other))

    def __rfloordiv__(self, other: Any) -> np.ndarray:
        return cast(np.ndarray, np.floor_divide(other, self))

    def __round__(self, ndigits: int | None = None) -> Any:
        """`round(x, 2)`: a number of one number, an array of an array, off the tape."""
        if self.ndim == 0:
            return round(self.item(), ndigits)
        return np.round(self.data, ndigits or 0)

    def round(self, decimals: int = 0) -> np.ndarray:
        """`ndarray.round`, off the tape: its derivative is 0."""
        return self.data.round(decimals)

    def all(self, axis: Axis = None, *, keepdims: bool = False) -> Any:
        """`ndarray.all`, off the tape."""
        return self.data.all(axis, keepdims=keepdims)

    def any(self, axis: Axis = None, *, keepdims: bool = False) -> Any:
        """`ndarray.any`, off the tape."""
        return self.data.any(axis, keepdims=keepdims)

    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Any:
        """`ndarray.argmax`, off the tape."""
        return np.argmax(self.data, axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Any:
        """`ndarray.argmin`, off the tape."""
        return np.argmin(self.data, axis, keepdims=keepdims)

    def argsort(self, axis: int | None = -1, *, stable: bool | None = None) -> np.ndarray:
        """`ndarray.argsort`, off the tape."""
        return self.data.argsort(axis, stable=stable)

    def nonzero(self) -> tuple[np.ndarray, ...]:
        """`ndarray.nonzero`, off the tape."""
        return self.data.nonzero()

    # Operators

    def __add__(self, other: Any) -> Tensor:
        """self + other."""
        return _OPS["add"](self, other)

    def __radd__(self, other: Any) -> Tensor:
        return _OPS["add"](other, self)

    def __sub__(self, other: Any) -> Tensor:
        """self - other."""
        return _OPS["subtract"](self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return _OPS["subtract"](other, self)

    def __mul__(self, other: Any) -> Tensor:
        """self * other, element by element."""
        return _OPS["multiply"](self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return _OPS["multiply"](other, self)

    def __truediv__(self, other: Any) -> Tensor:
        """self / other."""
        return _OPS["divide"](self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return _OPS["divide"](other, self)

    def __mod__(self, other: Any) -> Tensor:
        """self - other floor(self / other), with the sign of other."""
        return _OPS["remainder"](self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return _OPS["remainder"](other, self)

    def __pow__(self, other: Any) -> Tensor:
        """self to the power of other, element by element."""
        return _OPS["power"](self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return _OPS["power"](other, self)

    def __matmul__(self, other: Any) -> Tensor:
        """The matrix product self @ other."""
        return _OPS["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return _OPS["matmul"](other, self)

    def __divmod__(self, other: Any) -> tuple[np.ndarray, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[np.ndarray, Tensor]:
        return other // self, other % self

    def __neg__(self) -> Tensor:
        return _OPS["negative"](self)

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        """Absolute value; its derivative at 0 is 0."""
        return _OPS["abs"](self)

    def __getitem__(self, index: Any) -> Tensor:
        """The elements that NumPy's indexing picks."""
        return _OPS["getitem"](self, index)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    # Methods

    def exp(self) -> Tensor:
        """e to the power of each element."""
        return _OPS["exp"](self)

    def log(self) -> Tensor:
        """Natural logarithm."""
        return _OPS["log"](self)

    def sqrt(self) -> Tensor:
        """Square root."""
        return _OPS["sqrt"](self)

    def tanh(self) -> Tensor:
        """Hyperbolic tangent."""
        return _OPS["tanh"](self)

    def sum(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        """Sum over all elements, or along axes."""
        return _reduced("sum", self, axis, keepdims)

    def mean(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        """Mean over all elements, or along axes."""
        return _reduced("mean", self, axis, keepdims)

    def var(self, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Tensor:
        """Variance: the mean square of the distances from the mean, over n - ddof."""
        return _OPS["var"](self, axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Tensor:
        """Standard deviation: the square root of the variance."""
        return _OPS["std"](self, axis, ddof=ddof, keepdims=keepdims)

    def max(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        """Largest element; ties share its cotangent equally."""
        return _reduced("max", self, axis, keepdims)

    def min(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        """Smallest element; ties share its cotangent equally."""
        return _reduced("min", self, axis, keepdims)

    def prod(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        """Product of all elements, or along axes."""
        return _reduced("prod", self, axis, keepdims)

    def cumsum(self, axis: int | None = None) -> Tensor:
        """Sums of the elements up to each."""
        return _OPS["cumsum"](self, axis)

    def dot(self, other: Any) -> Tensor:
        """`numpy.dot`."""
        return _OPS["dot"](self, other)

    def repeat(self, repeats: Any, axis: int | None = None) -> Tensor:
        """Each slice along an axis several times in a row."""
        return _OPS["repeat"](self, repeats, axis)

    def squeeze(self, axis: int | tuple[int, ...] | None = None) -> Tensor:
        """Without axes of length 1."""
        return _OPS["squeeze"](self, axis)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """With two axes exchanged."""
        return _OPS["swapaxes"](self, axis1, axis2)

    def take(self, indices: Any, axis: int | None = None) -> Tensor:
        """The slices at `indices` along an axis."""
        return _OPS["take"](self, indices, axis)

    def copy(self) -> Tensor:
        """The same in memory of its own."""
        return _OPS["copy"](self)

    def reshape(self, *shape: Any) -> Tensor:
        """`x.reshape(2, 3)` or `x.reshape((2, 3))`."""
        return _OPS["reshape"](self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Tensor:
        """`x.transpose()`, `x.transpose(1, 0)` or `x.transpose((1, 0))`."""
        if not axes or axes[0] is None:
            return _OPS["transpose"](self)
        one_by_one = isinstance(axes[0], int | np.integer)
        return _OPS["transpose"](self, axes if one_by_one else tuple(axes[0]))

    @property
    def T(self) -> Tensor:
        """The tensor with its axes in reverse order."""
        return _OPS["transpose"](self)

    def ravel(self) -> Tensor:
        """The elements in row-major order, in one axis."""
        return _OPS["reshape"](self, -1)

    def flatten(self) -> Tensor:
        """The elements in row-major order, in one axis."""
        return self.ravel()

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """`x.clip(0, 1)` or `x.clip(min=0)`: what is outside is moved to the bound."""
        return _OPS["clip"](self, min, max)

    def astype(self, dtype: Any, *, copy: bool = True) -> Any:
        """The tensor in another dtype; integers and booleans leave the tape, as by any rounding."""
        if np.dtype(dtype).kind in "biu":
            return self.data.astype(dtype)
        return self if not copy and self.dtype == dtype else _OPS["astype"](self, dtype)
