"""Shapes that are checked before an op computes."""

import operator

import numpy as np
from numpy.lib.array_utils import normalize_axis_index


def check_shape(array: np.ndarray | None, axes: str, **lengths: int) -> None:
    """Raise unless an array, if there is one, has the axes that are named.

    Parameters
    ----------
    array : ndarray or None
    axes : str
        What it is called, and its axes: "weight (d_out, d_in)" or "x (..., d_in)".
    **lengths : int
        How long some of these axes are.

    Raises
    ------
    ValueError
        Naming the axes and the shape that was found.
    """
    if array is None:
        return
    names = axes.partition("(")[2].rstrip(")").split(", ")
    any_before = names[0] == "..."
    names = names[any_before:]
    found = array.shape[max(array.ndim - len(names), 0) :] if any_before else array.shape
    if len(found) != len(names) or any(
        lengths.get(name, n) != n for name, n in zip(names, found, strict=True)
    ):
        known = "".join(f", with {name} = {n}" for name, n in lengths.items())
        raise ValueError(f"{axes} has the shape {array.shape}{known}")


def check_broadcasts(found: tuple[int, ...], shape: tuple[int, ...], what: str) -> None:
    """Raise unless what has the shape `found` broadcasts to `shape`.

    Raises
    ------
    ValueError
        Naming it and both shapes.
    """
    overlap = zip(reversed(found), reversed(shape), strict=False)
    if len(found) > len(shape) or any(n not in (1, wanted) for n, wanted in overlap):
        raise ValueError(f"{what} of shape {found} does not broadcast to {shape}")


def one_axis(x: np.ndarray, axis: int) -> int:
    """`axis` of x, counted from the start.

    Raises
    ------
    TypeError
        If it is no integer, as a tuple of axes is not.
    AxisError
        If x has no such axis.
    """
    try:
        return normalize_axis_index(operator.index(axis), x.ndim)
    except TypeError:
        raise TypeError(f"axis is one integer, not {axis!r}") from None
