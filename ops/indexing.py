"""Reading by index; its VJP adds what was read back to where it came from."""

from typing import Any

import numpy as np

from tape import Sample, integers, normal, op

Array = np.ndarray


@op(
    samples=(
        Sample(normal(4, 5), 2),
        Sample(normal(4, 5), (slice(None, None, -1), slice(1, 4, 2))),
        Sample(normal(4, 5), (None, Ellipsis, -1)),
        Sample(normal(4, 5), np.array([[0, 2], [2, 2]])),
        Sample(normal(4, 5), (np.array([0, 0, 3]), np.array([1, 1, 4]))),
        Sample(normal(4, 5), np.array([True, False, True, True])),
        Sample(normal(4, 5), slice(0, 0)),
    )
)
def getitem(x: Array, /, index: Any):
    """x[index], by NumPy's rules; an element read several times gets the sum of the cotangents."""

    shape = x.shape

    def vjp(g: Array) -> Array:
        dx = np.zeros(shape, g.dtype)
        if _is_basic(index):
            dx[index] = g
        else:
            np.add.at(dx, index, g)
        return dx

    return x[index], vjp


def _is_basic(index: Any) -> bool:
    """Whether NumPy reads a view by this index, so that no element is read twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(x is None or x is Ellipsis or isinstance(x, int | slice) for x in parts)


@op(
    samples=(
        Sample(integers(0, 6, 3, 4), normal(6, 5)),
        Sample(np.array([1, 1, 1], np.int32), normal(4, 2)),
        Sample(np.array([2, 255], np.uint8), normal(256, 2)),
        Sample(integers(0, 6, 0), normal(6, 5)),
        Sample(np.array(3), normal(6, 5)),
    )
)
def embedding(ids: Array, weight: Array, /):
    """Rows of a table: weight[ids].

    ids : (...) integers in [0, n); weight : (n, d); result : (..., d). A row that was read
    several times gets the sum of the cotangents.

    Raises
    ------
    IndexError
        Naming the first id that is negative or not below n.
    """
    check_ids(ids, weight.shape[0], "an id")
    shape = weight.shape

    def vjp(g: Array):
        return None, lambda: _sum_rows(ids.reshape(-1), g.reshape(-1, shape[1]), shape[0])

    return weight[ids], vjp


def check_ids(ids: Array, n: int, what: str) -> None:
    """Raise unless all `ids` are integers in [0, n)."""
    if ids.dtype.kind not in "iu":
        raise IndexError(f"{what} must be an integer, not {ids.dtype}")
    outside = (ids < 0) | (ids >= n)
    if outside.any():
        raise IndexError(f"{what} of {ids[outside].flat[0]} is outside the range 0 to {n - 1}")


def _sum_rows(ids: Array, rows: Array, n: int) -> Array:
    """An (n, d) table whose row i is the sum of the `rows` with id i.

    Sorting makes the rows of an id neighbours, for `reduceat` to sum: three times as fast as
    `np.add.at` on text, where a few ids come again and again.
    """
    table = np.zeros((n, rows.shape[1]), rows.dtype)
    if ids.size:
        order = np.argsort(ids, kind="stable")
        in_order = ids[order]
        starts = np.flatnonzero(np.diff(in_order, prepend=in_order[0] ^ 1))
        table[in_order[starts]] = np.add.reduceat(rows[order], starts)
    return table
