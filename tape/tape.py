"""The tape: ops as they ran, and the walk back along them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from graphviz import Digraph

from tape.cotangents import Cotangents, unbroadcast
from tape.place import current_scope, describe_place, line_of_caller
from tape.record import VJP, Record
from tape.render import draw, save
from tape.tensor import Tensor, as_array

if TYPE_CHECKING:
    from tape.registry import Op


class _OpenTapes(threading.local):
    def __init__(self) -> None:
        self.stack: list[Tape] = []


_open = _OpenTapes()


def current_tape() -> Tape | None:
    """The innermost open tape of this thread."""
    return _open.stack[-1] if _open.stack else None


class Tape:
    """A flat list of records, in the order in which the ops ran.

    Ops run inside `with Tape() as tape:` are recorded. Tapes are per thread and nest: the
    innermost one records, and what an outer tape recorded is a leaf to it.

    Examples
    --------
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> with Tape() as tape:
    ...     loss = (w * w).sum()
    >>> tape.backward(loss)
    >>> w.grad
    array([2., 4.], dtype=float32)
    """

    def __init__(self) -> None:
        self.records: list[Record] = []

    def __enter__(self) -> Tape:
        _open.stack.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _open.stack.pop()

    def __len__(self) -> int:
        return len(self.records)

    def __str__(self) -> str:
        return "\n".join(map(str, self.records))

    def render(self, filename: str | Path | None = None) -> Digraph:
        """Draw the records, from the inputs down to the loss.

        Parameters
        ----------
        filename : path, optional
            Where to save the drawing, in the format of the suffix (.svg, .png, .pdf, .gv).

        Returns
        -------
        graphviz.Digraph
            Which a notebook shows.

        Raises
        ------
        RuntimeError
            If the program `dot` is missing, which every format but `.gv` needs.
        """
        graph = draw(self.records)
        if filename is not None:
            save(graph, filename)
        return graph

    def record(
        self,
        op: Op,
        operands: Sequence[Tensor | None],
        result: np.ndarray,
        vjp: VJP,
        flops: int,
        seconds: float,
    ) -> Tensor:
        """Write down that `op` made `result` of `operands`; return it as a tensor."""
        needs_grad = any(x is not None and x.requires_grad for x in operands)
        output = Tensor(result, requires_grad=needs_grad and result.dtype.kind == "f")
        output.tape, output.number = self, len(self.records)
        self.records.append(
            Record(
                number=output.number,
                op=op,
                sources=tuple(
                    x.number if x is not None and x.tape is self else x for x in operands
                ),
                shape=output.shape,
                dtype=output.dtype,
                requires_grad=output.requires_grad,
                scope=current_scope(),
                line=line_of_caller(),
                flops=flops,
                seconds=seconds,
                vjp=vjp if output.requires_grad else None,
            )
        )
        return output

    def source(self, source: int | Tensor) -> Record | Tensor:
        """The record or the leaf that an operand came from; both have a shape and a dtype."""
        return self.records[source] if isinstance(source, int) else source

    def backward(
        self,
        output: Tensor,
        cotangent: Any = None,
        *,
        into: MutableMapping[Tensor, np.ndarray] | None = None,
        keep: bool = False,
    ) -> None:
        """Walk the records in reverse and leave a gradient at every leaf that wants one.

        For each leaf x, the sum over elements of `cotangent` * d output / dx is added to `x.grad`.
        Gradients appear only when the whole walk has succeeded.

        Parameters
        ----------
        output : Tensor
            A result that this tape recorded, usually the loss.
        cotangent : array_like, optional
            Of the shape of `output`; 1 if that is a scalar.
        into : mutable mapping from Tensor to ndarray, optional
            Where to sum the gradients instead of the leaves' `grad`. Threads that walk tapes of
            their own into sinks of their own may share parameters.
        keep : bool
            Keep what the records saved, for another walk.

        Raises
        ------
        ValueError
            If this tape did not record `output`, it depends on nothing that wants a gradient, or
            `cotangent` is missing or has another shape.
        RuntimeError
            If an earlier walk without `keep=True` has released the records.
        """
        start = self._start(output)
        cotangents = Cotangents()
        cotangents.add(start.number, _first_cotangent(output, cotangent), owned=False)
        for number in range(start.number, -1, -1):
            g = cotangents.pop(number)
            if g is None:
                continue
            record = self.records[number]
            for source, operand_cotangent, owned in self._walk(record, g):
                cotangents.add(source, operand_cotangent, owned)
            if not keep:
                record.vjp = None
        for leaf, gradient in cotangents.owned_items():
            if into is None:
                if leaf.grad is None:
                    leaf.grad = gradient
                else:
                    np.add(leaf.grad, gradient, out=leaf.grad)
            elif leaf in into:
                np.add(into[leaf], gradient, out=into[leaf])
            else:
                into[leaf] = gradient

    def _start(self, output: Tensor) -> Record:
        if output.tape is not self:
            raise ValueError(f"this tape did not record the output to walk back from: {output!r}")
        record = self.records[output.number]
        if not record.requires_grad:
            raise ValueError(f"{record} depends on no tensor with requires_grad=True")
        return record

    def _walk(
        self, record: Record, g: np.ndarray
    ) -> Iterator[tuple[int | Tensor, np.ndarray, bool]]:
        """The cotangents of a record's operands, and whether each is the engine's to write to."""
        if record.vjp is None:
            raise RuntimeError(
                f"{record} has released what it saved: pass keep=True to the walk before this one"
            )
        with self._blame(record):
            found = record.vjp(g)
            found = found if isinstance(found, tuple) else (found,)
            if len(found) != len(record.sources):
                raise ValueError(f"{len(found)} cotangents for {len(record.sources)} operands")
            fitted = [
                (source, self._fit(raw() if callable(raw) else raw, record, self.source(source)))
                for source, raw in zip(record.sources, found, strict=True)
                if not (raw is None or source is None or not self.source(source).requires_grad)
            ]
        for source, array in fitted:
            sharers = sum(other is array or other.base is array for _, other in fitted)
            yield source, array, array.base is None and array is not g and sharers == 1

    @staticmethod
    def _fit(raw: Any, record: Record, operand: Record | Tensor) -> np.ndarray:
        """A cotangent in the shape and dtype of its operand."""
        fitted = unbroadcast(as_array(raw), operand.shape)
        if fitted.dtype == operand.dtype:
            return fitted
        if fitted.dtype != record.dtype:
            raise TypeError(f"a cotangent of {fitted.dtype} for an operand of {operand.dtype}")
        return fitted.astype(operand.dtype)

    @contextmanager
    def _blame(self, record: Record) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            operands = [s if s is None else self.source(s) for s in record.sources]
            call = record.op.describe_call(operands)
            error.add_note(f"in the VJP of {call}, {describe_place(record.line, record.scope)}")
            raise


def _first_cotangent(output: Tensor, cotangent: Any) -> np.ndarray:
    if cotangent is None:
        if output.size != 1:
            raise ValueError(f"an output of shape {output.shape} needs a cotangent of that shape")
        return np.ones_like(output.data)
    array = np.asarray(cotangent, output.dtype)
    if array.shape != output.shape:
        raise ValueError(f"a cotangent of shape {array.shape} for an output of {output.shape}")
    return array
