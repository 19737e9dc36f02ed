"""Ops that copy an array as it is, or in another dtype."""

from typing import Any

import numpy as np

from tape import Array, Sample, ValueAndVJP, normal, op


@op(samples=(Sample(normal(2, 3)), Sample(normal()), Sample(normal(0, 2))))
def copy(x: Array, /) -> ValueAndVJP:
    """x in memory of its own; dx = g."""
    return x.copy(), lambda g: g


@op(
    samples=(Sample(normal(2, 3), "float64"), Sample(normal(), dtype=np.dtype(np.float64))),
    as_given=True,
)
def astype(x: Array, /, dtype: Any) -> ValueAndVJP:
    """x in another dtype; dx = g in the dtype of x.

    No gradient flows through integers and booleans, as through any rounding.

    Raises
    ------
    TypeError
        If there is no such dtype, or x is complex and `dtype` is not.
    """
    dtype = np.dtype(dtype)
    if x.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"{dtype} would drop the imaginary parts: take x.real on arrays")
    return x.astype(dtype), lambda g: g
