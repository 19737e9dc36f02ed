"""The walk back along a tape."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from operator import call
from typing import TYPE_CHECKING, Any

import numpy as np

from tape.arrays import array_of, as_array, sum_dtype
from tape.cotangents import Cotangents, unbroadcast
from tape.place import describe_place
from tape.record import Record
from tape.step import Step
from tape.tensor import Tensor

if TYPE_CHECKING:
    from tape.tape import Tape

Map = Callable[[Callable[..., Any], list[Any]], Iterable[Any]]
"""Runs a function on each item of a list, as the builtin of that name does."""


def walk(
    tape: Tape,
    start: Record,
    first: np.ndarray,
    into: MutableMapping[Tensor, np.ndarray] | None,
    keep: bool,
    map: Map,
    may_write: bool,
) -> Iterator[Step]:
    """Pull the cotangent `first` of a record's result back to the leaves, in reverse order.

    The gradients are added to `into` as they arrive, or at the end to the leaves' `grad`. With
    `may_write`, sums go into arrays that earlier steps handed out. See `Tape.backward`.
    """
    cotangents = Cotangents(may_write, into)
    cotangents.add(start.number, first, owned=False)
    try:
        for number in range(start.number, -1, -1):
            g = cotangents.pop(number)
            if g is None:
                continue
            record = tape.records[number]
            if g.dtype != record.dtype:  # a sum of float16
                g = g.astype(record.dtype)
            step = Step(record, g, *_pull_back(tape, record, g, map))
            for arrival in step.arrivals():
                cotangents.add(*arrival)
            if not keep:
                record.release()
            arrival = None  # the next step may have the memory
            yield step
            del step
    except (Exception, KeyboardInterrupt) as error:
        if not keep and tape.failure is None:
            tape.failure = f"{type(error).__name__}: {error}"
        raise
    tape.failure = None
    for leaf, gradient in cotangents.owned_items():
        gradient = gradient.astype(leaf.dtype, copy=False)
        if into is not None:
            into[leaf] = into[leaf] + gradient if leaf in into else gradient
        elif leaf.grad is None:
            leaf.grad = gradient
        else:
            np.add(leaf.grad, gradient, out=leaf.grad)


def first_cotangent(output: Tensor, cotangent: Any) -> np.ndarray:
    """What a walk back from `output` starts with: `cotangent`, or 1 for a scalar.

    Raises
    ------
    ValueError
        If it is missing or has another shape.
    """
    if cotangent is None:
        if output.size != 1:
            raise ValueError(f"an output of shape {output.shape} needs a cotangent of that shape")
        return np.ones_like(output.data)
    array = array_of(cotangent.data if isinstance(cotangent, Tensor) else cotangent)
    if array.dtype.kind == "c":
        raise TypeError(f"a complex cotangent for an output of {output.dtype}")
    array = array.astype(output.dtype, copy=False)
    if array.shape != output.shape:
        raise ValueError(f"a cotangent of shape {array.shape} for an output of {output.shape}")
    return array


def _pull_back(
    tape: Tape, record: Record, g: np.ndarray, map: Map
) -> tuple[tuple[np.ndarray | None, ...], tuple[tuple[int, ...] | None, ...]]:
    """The cotangents of a record's operands, and the shapes that the VJP gave them.

    Both are None for operands that want none.
    """
    record.check_saved(tape.failure)
    operands = [tape.source(source) for source in record.sources]
    with _blame(record, operands, g):
        began = time.perf_counter()
        found = record.vjp(g)
        found = found if isinstance(found, tuple) else (found,)
        if len(found) != len(operands):
            raise ValueError(f"{len(found)} cotangents for {len(operands)} operands")
        wanted = [
            raw if operand is not None and operand.requires_grad else None
            for raw, operand in zip(found, operands, strict=True)
        ]
        made = iter(map(call, [raw for raw in wanted if callable(raw)]))
        cotangents: list[np.ndarray | None] = []
        shapes: list[tuple[int, ...] | None] = []
        for operand, raw in zip(operands, wanted, strict=True):
            array = None if raw is None else as_array(next(made) if callable(raw) else raw)
            cotangents.append(None if array is None else _fit(array, record, operand))
            shapes.append(None if array is None else array.shape)
        record.vjp_seconds = time.perf_counter() - began
    return tuple(cotangents), tuple(shapes)


def _fit(cotangent: np.ndarray, record: Record, operand: Record | Tensor) -> np.ndarray:
    """A cotangent in the shape and dtype of its operand."""
    fitted = unbroadcast(cotangent, operand.shape)
    if fitted.dtype == operand.dtype:
        return fitted
    if fitted.dtype not in (record.dtype, sum_dtype(record.dtype)):
        raise TypeError(f"a cotangent of {fitted.dtype} for an operand of {operand.dtype}")
    return fitted.astype(operand.dtype)


@contextmanager
def _blame(record: Record, operands: list[Record | Tensor | None], g: np.ndarray) -> Iterator[None]:
    """Name the VJP that fails; one that writes to g, which others may hold, does."""
    writeable = g.flags.writeable
    g.setflags(write=False)
    try:
        yield
    except Exception as error:
        call = record.op.describe_call(operands)
        error.add_note(f"in the VJP of {call}, {describe_place(record.line, record.scope)}")
        raise
    finally:
        g.setflags(write=writeable)
