"""From what a user hands over to the array that is meant."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

OF_A_CLASS = {
    *("__class__", "__dict__", "__doc__", "__module__", "__new__", "__init__"),
    *("__init_subclass__", "__array_finalize__", "__repr__", "__str__"),
}
"""What a subclass of ndarray may define and still be the same array in every op."""


FLOAT16 = np.dtype(np.float16)


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
        if not _computes_as_ndarray(type(value)):
            kind = type(value).__name__
            how = "x.filled(value)" if isinstance(value, np.ma.MaskedArray) else "np.asarray(x)"
            raise TypeError(f"a {kind} computes otherwise than an ndarray: convert it by {how}")
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


def sum_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype to add up in: a sum of float16 would stop growing at 2,048 ones."""
    return np.dtype(np.float32) if dtype == FLOAT16 else dtype


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
