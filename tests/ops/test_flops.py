"""The floating-point operations that the tape counts are those of the matrix products."""

import numpy as np
import pytest

import ops
from tape import Tape

COUNTED_BY_TORCH = [
    (ops.matmul, [(3, 4), (4, 2)], {}, 2 * 3 * 4 * 2),
    (ops.matmul, [(5, 1, 3, 4), (6, 4, 2)], {}, 2 * 5 * 6 * 3 * 4 * 2),
    (ops.matmul, [(4,), (5, 4, 2)], {}, 2 * 5 * 4 * 2),
    (ops.linear, [(5, 3, 4), (2, 4)], {}, 2 * 5 * 3 * 4 * 2),
    (ops.linear, [(4,), (2, 4), (2,)], {}, 2 * 4 * 2),
    (ops.dot, [(3, 4), (4, 2)], {}, 2 * 3 * 4 * 2),
    (ops.dot, [(5, 3, 4), (6, 4, 2)], {}, 2 * 5 * 3 * 4 * 6 * 2),
    (ops.outer, [(3,), (4,)], {}, 0),
    (ops.einsum, ["ij,jk->ik", (3, 4), (4, 2)], {}, 2 * 3 * 4 * 2),
    (ops.einsum, ["ij,kj", (3, 4), (2, 4)], {}, 2 * 3 * 4 * 2),
    (ops.einsum, ["b...ij,bjk->bk", (5, 2, 3, 4), (5, 4, 2)], {}, 2 * 5 * 4 * 2),
    (ops.einsum, ["...ij,...jk->...ik", (5, 1, 3, 4), (6, 4, 2)], {}, 2 * 5 * 6 * 3 * 4 * 2),
    (ops.einsum, ["ij,ij->", (3, 4), (3, 4)], {}, 2 * 3 * 4),
    (ops.einsum, ["ij,ij->ij", (3, 4), (3, 1)], {}, 0),
    (ops.einsum, ["ij,k->k", (3, 4), (2,)], {}, 0),
    (ops.einsum, ["ij->ji", (3, 4)], {}, 0),
    (ops.conv1d, [(2, 3, 9), (4, 3, 2)], {}, 2 * 2 * 8 * 4 * 3 * 2),
    (
        ops.conv1d,
        [(4, 9), (6, 2, 3), (6,)],
        {"stride": 2, "padding": 1, "dilation": 2, "groups": 2},
        2 * 4 * 6 * 2 * 3,
    ),
]
KNOWN = [
    *COUNTED_BY_TORCH,
    (ops.matmul, [(4,), (4,)], {}, 2 * 4),
    (ops.matmul, [(5, 3, 4), (4,)], {}, 2 * 5 * 3 * 4),
    (ops.matmul, [(3, 0), (0, 2)], {}, 0),
    (ops.dot, [(5, 3, 4), (4,)], {}, 2 * 5 * 3 * 4),
    (ops.dot, [(3, 0), (0, 2)], {}, 0),
    (ops.dot, [(), (3, 4)], {}, 0),
    (ops.dot, [(3, 4), ()], {}, 0),
    (ops.dot, [(3, 1), (1, 2)], {}, 2 * 3 * 2),
    (ops.einsum, ["ij,jk->ik", (3, 4), (1, 2)], {}, 2 * 3 * 4 * 2),
    (ops.einsum, ["ij,jk->ik", (3, 1), (1, 2)], {}, 2 * 3 * 2),
    (ops.einsum, ["ij,jkl->ik", (3, 4), (4, 2, 5)], {}, 2 * 3 * 4 * 2),
    (ops.causal_attention, [(2, 5, 3 * 6)], {"n_heads": 3}, 2 * 3 * (2 * 2 * 2 * 15)),
]


def arguments_of(spec) -> list:
    return [np.ones(x) if isinstance(x, tuple) else x for x in spec]


@pytest.mark.parametrize(("op", "spec", "options", "flops"), KNOWN)
def test_flops_are_two_for_each_multiplication_with_its_addition(op, spec, options, flops):
    with Tape() as tape:
        op(*arguments_of(spec), **options)
    assert tape.records[0].flops == flops


@pytest.mark.parametrize(("op", "spec", "options", "flops"), COUNTED_BY_TORCH)
def test_torch_counts_as_many(op, spec, options, flops):
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    from .torch_twins import TWINS

    operands = [torch.from_numpy(x) if not isinstance(x, str) else x for x in arguments_of(spec)]
    with FlopCounterMode(display=False) as counter:
        TWINS[op.name](*operands, **options)
    assert counter.get_total_flops() == flops


def test_a_chain_of_products_counts_each_in_its_order():
    shapes = ((6, 5), (5, 4), (4, 3), (3, 2), (2, 7))
    arrays = [np.ones(shape) for shape in shapes]
    with Tape() as tape:
        ops.einsum("ij,jk,kl,lm,mn->in", *arrays)
    left = np.einsum_path("ij,jk,kl,lm,mn->in", *arrays, optimize="greedy")[0][1:]
    sizes, flops = [6, 5, 4, 3, 2, 7], 0
    # A product of neighbours is one of matrices; what is left of the chain is by its borders.
    chain = [(i, i + 1) for i in range(5)]
    for one, other in left:
        pair = sorted((chain[one], chain[other]))
        for border in pair:
            chain.remove(border)
        (i, k), (_, j) = pair
        flops += 2 * sizes[i] * sizes[k] * sizes[j]
        chain.append((i, j))
    assert tape.records[0].flops == flops


def test_a_sum_over_one_operand_is_no_product():
    with Tape() as tape:
        ops.einsum("ij->i", np.ones((2, 3)))
    assert tape.records[0].flops == 0
