"""tapegrad's side of `bench.ops`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from bench.op_cases import CASES, cotangent, drawn, timed
from tape import Op, Sample, Tape, Tensor
from train.allocator import keep_freed_memory


def cases() -> Callable[[], list[list[float]]]:
    """Forward and backward of every case on one thread, as `timed` runs them."""
    keep_freed_memory()
    threadpool_limits(1)
    return timed([_step(op, sample) for op, sample in CASES])


def _step(op: Op, sample: Sample) -> Callable[[], list[np.ndarray]]:
    arrays, call = drawn(op, sample)
    operands = [Tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays]
    g = cotangent(call(op, *operands).shape)

    def step() -> list[np.ndarray]:
        gradients: dict[Tensor, np.ndarray] = {}
        with Tape(guard=False) as tape:
            y = call(op, *operands)
        tape.backward(y, g, into=gradients)
        return list(gradients.values())

    return step
