"""From the operands of a call to the arrays that an op computes with, in one floating dtype."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from tape.arrays import FLOAT16, array_of, is_python, sum_dtype
from tape.tensor import Tensor


def values_of(
    operands: Sequence[Any], *, floating: bool = False, discrete: Collection[int] = ()
) -> tuple[list[Any], np.dtype | None]:
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
    if (dtype := _dtype_of_all(operands)) is not None:
        return [None if x is None else x.data for x in operands], dtype
    values = [None if x is None or isinstance(x, str) else array_of(_bare(x)) for x in operands]
    places = [
        i
        for i, value in enumerate(values)
        if value is not None and not (i in discrete and value.dtype.kind in "biu")
    ]
    dtype = _common_dtype([(operands[i], values[i]) for i in places], floating)
    for i in places:
        values[i] = _converted(operands[i], values[i], sum_dtype(dtype))
    return [x if value is None else value for x, value in zip(operands, values, strict=True)], dtype


def _dtype_of_all(operands: Sequence[Any]) -> np.dtype | None:
    """The dtype of tensors that need no conversion; None if it is not as simple as that."""
    common = None
    for x in operands:
        if x is None:
            continue
        if not isinstance(x, Tensor):
            return None
        dtype = x.data.dtype
        if dtype is not common and (common is not None or dtype.kind != "f" or dtype == FLOAT16):
            return None
        common = dtype
    return common


def _bare(operand: Any) -> Any:
    return operand.data if isinstance(operand, Tensor) else operand


def _common_dtype(pairs: Sequence[tuple[Any, np.ndarray]], floating: bool) -> np.dtype | None:
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


def _converted(operand: Any, value: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if value.dtype.kind == "c":
        dtype = np.result_type(dtype, np.complex64)
    if isinstance(operand, int):
        return np.asarray(operand, dtype)  # which raises where it does not fit
    return value if value.dtype == dtype else value.astype(dtype)
