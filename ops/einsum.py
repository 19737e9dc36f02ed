"""Sums of products over axes named by letters."""

import math
import string
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from tape import Array, Sample, ValueAndVJP, normal, op

Term = tuple[str, Array]
"""An array, after the labels of its axes."""


def _flops(subscripts: str, *arrays: Array, optimize: Any = True) -> int:
    """Of the products of two arrays, in the order in which they are made, that are of matrices."""
    *terms, result = _spelled_out(subscripts, [x.ndim for x in arrays])
    pairs = [
        (label, n)
        for term, x in zip(terms, arrays, strict=True)
        for label, n in zip(term, x.shape, strict=True)
    ]
    lengths = {label: n for label, n in pairs if n != 1}
    flops = 0
    for positions in np.einsum_path(subscripts, *arrays, optimize="greedy")[0][1:]:
        joined = [terms.pop(position) for position in sorted(positions, reverse=True)]
        wanted = set(result).union(*terms)
        shared = set.intersection(*map(set, joined))
        labels = set().union(*joined)
        if len(joined) == 2 and not shared <= wanted:
            flops += 2 * math.prod(lengths.get(label, 1) for label in shared | (labels & wanted))
        terms.append("".join(labels & wanted))
    return flops


@op(
    samples=(
        Sample("ij,jk->ik", normal(3, 4), normal(4, 2)),
        Sample("kj,ji", normal(3, 4), normal(4, 2)),
        Sample("bthd,bshd->bhts", normal(2, 3, 2, 4), normal(2, 5, 2, 4)),
        Sample("i ... j, ... jk -> ...ik", normal(3, 5, 1, 4), normal(6, 4, 2)),
        Sample("i...,i...", normal(3, 2), normal(3, 1)),
        Sample("ij,jk->ik", normal(3, 1), normal(4, 2)),
        Sample("ij,ij->ji", normal(3, 1), normal(1, 4)),
        Sample("ij,k->k", normal(3, 4), normal(2)),
        Sample("iji,kj->ki", normal(3, 2, 3), normal(4, 2)),
        Sample(",ij->i", normal(), normal(3, 4)),
        Sample("ij,jk->ik", normal(3, 0), normal(0, 2)),
        Sample("Ba", normal(3, 4)),
        Sample("ba", normal(3, 4)),
        Sample("...ii->...i", normal(2, 3, 3)),
        Sample("iji->j", normal(3, 2, 3)),
        Sample("ij->", normal(0, 2)),
        Sample("ij,jk,kl->il", normal(2, 3), normal(3, 4), normal(4, 2)),
        Sample("i,ij,j->", normal(3), normal(3, 4), normal(4), optimize=False),
        Sample("a,b,c,a", normal(2), normal(3), normal(2), normal(2)),
        Sample("...i,ij,...j->...", normal(2, 3), normal(3, 3), normal(1, 3)),
    ),
    flops=_flops,
)
def einsum(subscripts: str, /, *arrays: Array, optimize: Any = True) -> ValueAndVJP:
    """`numpy.einsum`: einsum("ij,jk->ik", a, b) is a @ b.

    Each axis has a label. Axes of one label run together, and the products of the elements are
    summed over the labels that the result leaves out. "..." stands for any number of axes, which
    broadcast, as does an axis of length 1. Without "->" the result has the axes of "..." and then,
    in alphabetical order, the labels that come once.

    The cotangent of an operand is itself an einsum, of g and the other operands, to the labels of
    its own: in the example, da is einsum("ik,jk->ij", g, b).

    Parameters
    ----------
    subscripts : str
    *arrays
        At least one.
    optimize : bool or str
        The order in which more than two are joined, as in NumPy; True makes matrix products.

    Raises
    ------
    TypeError
        If `subscripts` is not a string.
    ValueError
        If `subscripts` makes no sense, or does not fit the operands.
    """
    if not isinstance(subscripts, str):
        raise TypeError(f'einsum takes a string such as "ij,jk->ik" first, not {subscripts!r:.80}')
    y = np.einsum(subscripts, *arrays, optimize=optimize)
    *labels, result = _spelled_out(subscripts, [x.ndim for x in arrays])
    terms = list(zip(labels, arrays, strict=True))

    def vjp(g: Array) -> Any:
        def cotangent(i: int) -> Array:
            others = terms[:i] + terms[i + 1 :]
            return _carried_back([(result, g), *others], labels[i], arrays[i].shape)

        return None, *(partial(cotangent, i) for i in range(len(terms)))

    return y, vjp


def _spelled_out(subscripts: str, ranks: Sequence[int]) -> list[str]:
    """The labels of each operand and of the result, with letters in place of each ellipsis."""
    inputs, arrow, result = subscripts.replace(" ", "").partition("->")
    if not arrow:
        result = "..." + "".join(sorted(x for x in inputs if x != "," and inputs.count(x) == 1))
    terms = inputs.split(",")
    hidden = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)]
    free = [x for x in string.ascii_letters if x not in subscripts]
    return [
        term.replace("...", "".join(reversed(free[:n])))  # the last axis has the first letter
        for term, n in zip([*terms, result], [*hidden, max(hidden)], strict=True)
    ]


def _carried_back(terms: Sequence[Term], labels: str, shape: tuple[int, ...]) -> Array:
    """The sum of the products of `terms`, in the shape of the operand that has these labels.

    It is the same all along a label that no term has, summed over one along which the operand was
    broadcast, and 0 off the diagonal of one that comes twice.
    """
    lengths = dict(zip(labels, shape, strict=True))
    names, arrays = zip(*terms, strict=True)
    inputs = ",".join(names)
    kept = "".join(label for label, n in lengths.items() if n != 1 and label in inputs)
    found = np.einsum(f"{inputs}->{kept}", *arrays, optimize=True)
    found = found[tuple(slice(None) if label in kept else None for label in lengths)]
    found = np.broadcast_to(found, tuple(lengths.values()))
    if len(lengths) == len(labels):
        return found
    cotangent = np.zeros(shape, found.dtype)
    np.einsum(f"{labels}->{''.join(lengths)}", cotangent)[...] = found  # a view of the diagonal
    return cotangent
