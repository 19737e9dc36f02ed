"""Triangles of matrices, which are the last two axes."""

import numpy as np

from tape import Array, Sample, ValueAndVJP, normal, op

TRIANGLES = (
    Sample(normal(3, 4)),
    Sample(normal(2, 4, 3), k=1),
    Sample(normal(3, 3), k=-1),
    Sample(normal(0, 3)),
    Sample(normal(3)),
)


@op(samples=TRIANGLES)
def tril(x: Array, /, k: int = 0) -> ValueAndVJP:
    """x with zeros above its k-th diagonal; a vector is each row of a square. dx is the same of g.

    Diagonal 0 is the main one, positive ones are above it.
    """
    return np.tril(x, k), lambda g: np.tril(g, k)


@op(samples=TRIANGLES)
def triu(x: Array, /, k: int = 0) -> ValueAndVJP:
    """x with zeros below its k-th diagonal; a vector is each row of a square. dx is the same of g.

    Diagonal 0 is the main one, positive ones are above it.
    """
    return np.triu(x, k), lambda g: np.triu(g, k)
