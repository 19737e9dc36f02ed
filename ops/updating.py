"""Writing by index: into a copy, since nothing that a tape holds may change."""

from typing import Any

import numpy as np

from tape import Array, Sample, ValueAndVJP, normal, op

UPDATES = (
    Sample(normal(4, 5), normal(5), 2),
    Sample(normal(4, 5), normal(2, 1), (slice(None, None, -2), slice(1, None))),
    Sample(normal(4, 5), normal(3, 5), [2, -2, 2]),
    Sample(normal(4, 5), normal(), np.array([[0, 3], [3, 3]], np.uint8)),
    Sample(normal(2, 3, 4), normal(3, 2), ([1, 0, 1], slice(0, 2), [2, 0, 2])),
    Sample(normal(2, 3), normal(2), np.array([[True, False, False], [False, False, True]])),
    Sample(normal(3), 2.0, -1),
    Sample(normal(), normal(), ()),
    Sample(normal(3), normal(0), slice(1, 1)),
)


def _fitting(values: Array, slots: Array) -> Array:
    """`values` in the shape and dtype of `slots`, of the same kind."""
    return np.broadcast_to(values, slots.shape).astype(slots.dtype, casting="same_kind", copy=False)


@op(samples=UPDATES)
def index_add(x: Array, values: Array, /, index: Any) -> ValueAndVJP:
    """A copy of x with `values` added at `index`; what meets at one element adds up.

    dx = g, dvalues = g[index]. `index` is any that NumPy takes, `values` broadcasts to x[index].

    Raises
    ------
    IndexError
        Naming an index that is outside its axis.
    ValueError
        If `values` does not broadcast.
    TypeError
        If `values` are complex and x is not.
    """
    y = x.copy()
    positions = np.arange(x.size).reshape(x.shape)[index]  # adding at these is the faster way
    np.add.at(y.reshape(-1), positions.reshape(-1), _fitting(values, x[index]).reshape(-1))
    return y, lambda g: (g, lambda: g[index])


@op(samples=UPDATES)
def index_set(x: Array, values: Array, /, index: Any) -> ValueAndVJP:
    """A copy of x with `values` at `index`; where several meet at one element, the last counts.

    dx = g, and 0 where a value was set; dvalues = g[index], and 0 where a later value replaced
    it. `index` is any that NumPy takes, `values` broadcasts to x[index].

    Raises
    ------
    IndexError
        Naming an index that is outside its axis.
    ValueError
        If `values` does not broadcast.
    TypeError
        If `values` are complex and x is not.
    """
    y = x.copy()
    y[index] = _fitting(values, x[index])

    def vjp(g: Array) -> Any:
        def dx() -> Array:
            kept = g.copy()
            kept[index] = 0
            return kept

        def dvalues() -> Array:
            found = g[index]
            numbers = np.arange(found.size).reshape(found.shape)
            standing = np.empty(g.shape, int)
            standing[index] = numbers
            return np.where(standing[index] == numbers, found, 0)

        return dx, dvalues

    return y, vjp
