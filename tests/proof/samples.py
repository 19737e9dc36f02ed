"""What the samples of an op cover."""

from collections import Counter

import numpy as np

import ops  # noqa: F401 (registers them)
from tape import REGISTRY, Kink, Op, Sample, Tape, Tensor
from tests.ops.running import bound, differentiable, raw_cotangents


def coverage() -> dict[str, Counter[str]]:
    """Of each op, how many samples it has, and how many of these have which trait."""
    return {
        op.name: Counter(
            trait for sample in op.samples for trait in ("samples", *_traits(op, sample))
        )
        for op in REGISTRY.values()
    }


def _traits(op: Op, sample: Sample) -> list[str]:
    operands, _ = bound(op, sample)
    arrays = [x for x in operands if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    sizes = np.abs(np.concatenate([x.ravel() for x in arrays]))
    has = {
        "broadcast": _is_broadcast(op, sample),
        "0-d": any(x.ndim == 0 for x in arrays),
        "empty": any(x.size == 0 for x in arrays),
        "extreme": np.any((sizes >= 1e3) | ((sizes > 0) & (sizes < 1e-37))),
        "kink": isinstance(sample, Kink),
    }
    return [trait for trait, holds in has.items() if holds]


def _is_broadcast(op: Op, sample: Sample) -> bool:
    """Whether the engine has to sum a cotangent over axes that its operand lacks."""
    operands, call = bound(op, sample)
    with np.errstate(all="ignore"), Tape() as tape:
        call(op, *map(differentiable, operands))
        return any(
            raw.shape != source.shape
            for record in tape.records
            for raw, source in zip(
                raw_cotangents(record, np.ones(record.shape)),
                (x for x in record.sources if isinstance(x, Tensor) and x.requires_grad),
                strict=True,
            )
        )
