"""From what a user hands over to the arrays that an op computes with, in one floating dtype."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from tape.engine.cotangents import FLOAT16, FLOAT32, FLOAT64
from tape.engine.variable import Variable

OF_A_CLASS = {
    *("__class__", "__dict__", "__doc__", "__module__", "__new__", "__init__"),
    *("__init_subclass__", "__array_finalize__", "__repr__", "__str__"),
}
"""What a subclass of ndarray may define and still be the same array in every op."""


def array_of(value: Any) -> np.ndarray:
    """`value` as an array of the dtype that NumPy gives it, without a copy where it is one.

    Raises
    ------
    TypeError
        If `value` is ragged, holds something other than numbers, or is of a subclass of ndarray
        that changes what operators or methods mean, as `np.matrix` and masked arrays do.
    """
    if type(value) is np.ndarray:
        array = value
    elif isinstance(value, np.memmap):
        array = value.view(np.ndarray)
    elif isinstance(value, np.ndarray):
        kind: Any = type(value)
        if not _computes_as_ndarray(kind):
            how = "x.filled(value)" if isinstance(value, np.ma.MaskedArray) else "np.asarray(x)"
            raise TypeError(
                f"a {kind.__name__} computes otherwise than an ndarray: convert it by {how}"
            )
        array = value
    else:
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise TypeError(f"no array can be made of {value!r:.80}: {error}") from None
    if array.dtype.kind not in "biufc":
        raise TypeError(f"no array of numbers can be made of {value!r:.80}")
    return array


def as_array(value: Any) -> np.ndarray:
    """`array_of`, but that Python's own floats, alone or in lists, become float32.

    Raises
    ------
    TypeError
        As `array_of`.
    """
    array = array_of(value)
    return array.astype(np.float32) if array.dtype == np.float64 and is_python(value) else array


def sum_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype to add up in: a sum of float16 would stop growing at 2,048 ones."""
    return FLOAT32 if dtype == FLOAT16 else dtype


PLAIN = frozenset((bool, int, float, str, type(None), slice, type(Ellipsis)))
"""Options that need no conversion."""


def is_python(value: Any) -> bool:
    """Whether a value consists of Python's own numbers, which have no precision to keep."""
    if isinstance(value, list | tuple):
        return all(map(is_python, value))
    return not hasattr(value, "dtype") and isinstance(value, int | float | complex)


@functools.cache
def _computes_as_ndarray(kind: type) -> bool:
    """Whether a subclass redefines nothing that an op could run into."""
    added = [vars(base) for base in kind.__mro__ if issubclass(base, np.ndarray)][:-1]
    return all(
        name in OF_A_CLASS or not hasattr(np.ndarray, name) for names in added for name in names
    )


def values_of(
    operands: Sequence[Any], floating: bool = False, discrete: Collection[int] = ()
) -> tuple[list[Any], np.dtype[Any] | None]:
    """An array for each operand, and their dtype; a str or None stays what it is.

    Floating arrays with axes decide the dtype. What carries no precision of its own is converted
    to it: numbers, 0-d arrays, lists, integers and booleans. Without floating arrays with axes,
    the other typed floats decide; without these, it is float64 where typed integers meet Python's
    floats, and float32 where all is Python's own. Integers among themselves promote as in NumPy.

    Parameters
    ----------
    operands : sequence
        Tensors, arrays, numbers and lists of numbers; each may be a str or None.
    floating : bool
        Whether integers are converted even if nothing floating is beside them.
    discrete : collection of int
        Places of operands whose integers and booleans stay as they are.

    Returns
    -------
    values : list
        In float32 if the dtype is float16, whose sums stop growing at 2,048: an op computes in
        float32, and its results are rounded.
    dtype : dtype or None
        Of the parts, if there are complex operands; None if there are no numbers.

    Raises
    ------
    TypeError
        If an operand is no array of numbers.
    OverflowError
        If a Python integer does not fit the integers beside it.
    """
    if (dtype := _dtype_of_tensors(operands, discrete)) is not None:
        return [
            x.data if isinstance(x, Variable) else None if x is None else np.asarray(x, dtype)
            for x in operands
        ], dtype
    values: list[Any] = [
        x if x is None or isinstance(x, str) else array_of(_bare(x)) for x in operands
    ]
    numbers = [
        i
        for i, value in enumerate(values)
        if isinstance(value, np.ndarray) and not (i in discrete and value.dtype.kind in "biu")
    ]
    dtype = _common_dtype([(operands[i], values[i]) for i in numbers], floating)
    if dtype is not None:
        for i in numbers:
            values[i] = _converted(operands[i], values[i], sum_dtype(dtype))
    return values, dtype


def _dtype_of_tensors(operands: Sequence[Any], discrete: Collection[int]) -> np.dtype[Any] | None:
    """The one dtype of tensors beside Python's own numbers; None if it is not as simple as that."""
    common = None
    for i, x in enumerate(operands):
        if isinstance(x, Variable):
            dtype = x.data.dtype
            if dtype is not common and (common is not None or dtype not in (FLOAT32, FLOAT64)):
                return None
            common = dtype
        elif not (x is None or (type(x) in (float, int) and i not in discrete)):
            return None
    return common


def _bare(operand: Any) -> Any:
    return operand.data if isinstance(operand, Variable) else operand


def _common_dtype(pairs: Sequence[tuple[Any, np.ndarray]], floating: bool) -> np.dtype[Any] | None:
    """The dtype of operands, each with its value, or of the parts of complex ones; None of none."""
    typed = [(operand, value) for operand, value in pairs if not is_python(operand)]
    floats = [(operand, value) for operand, value in typed if value.dtype.kind in "fc"]
    arrays = [x for x in floats if x[1].ndim and not isinstance(x[0], list | tuple)]
    if floats:
        return np.result_type(*(value.real.dtype for _, value in arrays or floats))
    if floating or any(value.dtype.kind in "fc" for _, value in pairs):
        return np.dtype(np.float64 if typed else np.float32)
    weak = [x if isinstance(x, int) else value.dtype for x, value in pairs]
    return np.result_type(*weak) if weak else None


def _converted(operand: Any, value: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    if value.dtype.kind == "c":
        dtype = np.result_type(dtype, np.complex64)
    if isinstance(operand, int):
        return np.asarray(operand, dtype)  # which raises where it does not fit
    return value if value.dtype == dtype else value.astype(dtype)


def option(value: Any) -> Any:
    """What an op gets for an option: arrays for tensors, and lists that are its own.

    A NumPy number becomes Python's, as 1 / np.sqrt(d_head) would widen what it is multiplied with.

    Raises
    ------
    TypeError
        If a tensor wants a gradient, as none flows through an option.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is tuple and PLAIN.issuperset(map(type, value)):
        return value
    if isinstance(value, tuple | list):
        return (tuple if isinstance(value, tuple) else list)(map(option, value))
    if isinstance(value, Variable):
        if value.requires_grad:
            raise TypeError(f"no gradient flows through an option, and one wants it: {value!r}")
        value = value.data
    if isinstance(value, np.generic) or (
        isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iuf"
    ):
        return value.item()
    return value
