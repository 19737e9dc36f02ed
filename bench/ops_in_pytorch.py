"""PyTorch's side of `bench.ops`: the same ops, as its users would write them, in eager mode."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from bench.op_cases import CASES, cotangent, drawn, timed
from tape import Op, Sample
from tests.ops.torch_twins import TWINS

SHORTER: dict[str, Callable[..., torch.Tensor]] = {
    "cross_entropy": F.cross_entropy,
    "linear_cross_entropy": lambda x, weight, targets: F.cross_entropy(
        F.linear(x, weight).flatten(0, -2), targets.flatten()
    ),
    "scaled_dot_product_attention": lambda q, k, v, causal: F.scaled_dot_product_attention(
        q, k, v, is_causal=causal
    ),
    "softmax": lambda x: x.softmax(-1),
}
"""Where the twin that tests use takes detours, for options that no case here has."""


def cases() -> Callable[[], list[list[float]]]:
    """Forward and backward of every case on one thread, as `timed` runs them."""
    torch.set_num_threads(1)
    return timed([_step(op, sample) for op, sample in CASES])


def _step(op: Op, sample: Sample) -> Callable[[], list[np.ndarray]]:
    arrays, call = drawn(op, sample)
    function = SHORTER.get(op.name, TWINS[op.name])
    operands = [torch.from_numpy(array) for array in arrays]
    g = torch.from_numpy(cotangent(call(function, *operands).shape))
    wanted = [operand.requires_grad_() for operand in operands if operand.is_floating_point()]

    def step() -> list[np.ndarray]:
        for operand in wanted:
            operand.grad = None
        call(function, *operands).backward(g)
        return [operand.grad.numpy() for operand in wanted]

    return step
