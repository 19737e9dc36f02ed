"""Sums of products over axes named by letters."""

import math
import string
from collections.abc import Sequence

import numpy as np

from tape import Sample, normal, op

Array = np.ndarray
Term = tuple[str, Array]
"""An array, after the labels of its axes."""


def _flops(subscripts: str, a: Array, b: Array | None = None) -> int:
    """Of a matrix product over the labels that both operands have and the result has not."""
    if b is None:
        return 0
    first, second, result = _spelled_out(subscripts, [a.ndim, b.ndim])
    shared = set(first) & set(second)
    if shared <= set(result):
        return 0
    axes = zip(first + second, a.shape + b.shape, strict=True)
    lengths = {label: n for label, n in axes if n != 1}
    return 2 * math.prod(lengths.get(label, 1) for label in shared | set(result))


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
    ),
    flops=_flops,
)
def einsum(subscripts: str, a: Array, b: Array | None = None, /):
    """`numpy.einsum` of one operand or two: einsum("ij,jk->ik", a, b) is a @ b.

    Each axis has a label. Axes of one label run together, and the products of the elements are
    summed over the labels that the result leaves out. "..." stands for any number of axes, which
    broadcast, as does an axis of length 1. Without "->" the result has the axes of "..." and then,
    in alphabetical order, the labels that come once.

    The cotangent of an operand is itself an einsum, of g and the other operand, to the labels of
    its own: in the example, da is einsum("ik,jk->ij", g, b).

    Raises
    ------
    TypeError
        If `subscripts` is not a string, or there are more than two operands.
    ValueError
        If `subscripts` makes no sense, or does not fit the operands.
    """
    if not isinstance(subscripts, str):
        raise TypeError(f'einsum takes a string such as "ij,jk->ik" first, not {subscripts!r:.80}')
    operands = [a] if b is None else [a, b]
    y = np.einsum(subscripts, *operands, optimize=True)  # by matrix products where it can
    *labels, result = _spelled_out(subscripts, [x.ndim for x in operands])
    shapes = [x.shape for x in operands]
    others = [] if b is None else [(labels[1], b), (labels[0], a)]

    def vjp(g: Array):
        def cotangent(i: int) -> Array:
            return _carried_back([(result, g), *others[i : i + 1]], labels[i], shapes[i])

        return None, lambda: cotangent(0), lambda: cotangent(1)

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
