"""The tape: ops as they ran, and what can be asked of them."""

from __future__ import annotations

import threading
import webbrowser
from collections import deque
from collections.abc import Collection, Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tape.explain import explain_leaf, explain_record
from tape.files import replacing
from tape.graph import describe
from tape.listing import listing
from tape.nonfinite import NonFinite, first_nonfinite_cotangent, first_nonfinite_result
from tape.pictures.dot import format_of
from tape.pictures.drawing import Drawing
from tape.pictures.lesson import read_lesson
from tape.pictures.page import page
from tape.pictures.render import draw
from tape.place import current_scope, line_of_caller
from tape.record import VJP, Record, Source
from tape.saved import owner, saved_by
from tape.step import Step
from tape.summary import summarise
from tape.tensor import Tensor
from tape.trace import Trace
from tape.view import view as choose
from tape.walk import Map, first_cotangent, walk

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

    Parameters
    ----------
    keep_results : bool
        Hold the result of every op, for `first_nonfinite` and `explain`. Otherwise what no VJP
        needs is freed at once.
    guard : bool
        Take a fingerprint of every array that an op saves for its VJP, so that `backward` can
        tell if somebody changed one. It costs 5 to 8% of a train step (`python -m bench.guard`),
        and code that is known to change nothing may do without; tables and pictures then do not
        know what was saved.
    trace : bool
        Take portraits (statistics, a histogram, a small picture) of every result, cotangent and
        gradient as they pass, for `to_html` and `render`.

    Attributes
    ----------
    records : list of Record
    failure : str or None
        The error that ended the last walk, which had released what it passed.

    Examples
    --------
    >>> import ops
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> with Tape() as tape:
    ...     loss = (w * w).sum()
    >>> tape.backward(loss)
    >>> w.grad
    array([2., 4.], dtype=float32)
    """

    def __init__(
        self, *, keep_results: bool = False, guard: bool = True, trace: bool = False
    ) -> None:
        self.records: list[Record] = []
        self.keep_results = keep_results
        self.guard = guard
        self.trace = Trace() if trace else None
        self.failure: str | None = None
        self._weighed: set[int] = set()

    def __enter__(self) -> Tape:
        _open.stack.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        stack = _open.stack  # a generator that is closed late is not the innermost
        del stack[-1 - stack[::-1].index(self)]

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"<Tape of {len(self)} records>"

    def __str__(self) -> str:
        return listing(describe(self))

    def render(
        self,
        filename: str | Path | None = None,
        *,
        format: str | None = None,
        view: bool = False,
        direction: str = "TB",
        depth: int | None = None,
        scope: str | None = None,
        fold: bool = True,
        show: Collection[str] = ("shape",),
        backward: bool = False,
        max_nodes: int = 500,
        timeout: float | None = 30,
    ) -> Drawing:
        """Draw the tape, from the inputs down to the loss.

        Parameters
        ----------
        filename : path, optional
            Where to save the drawing, in the format of the suffix: .svg, .png, .pdf, or .gv or
            .dot for its text in Graphviz's language, which does not need Graphviz.
        format : str, optional
            The format, whatever the suffix is; without a file, that of the drawing's `pipe`.
        view : bool
            Open the file that was saved.
        direction : {"TB", "BT", "LR", "RL"}
            Which way results go: from top to bottom, from left to right, ...
        depth : int, optional
            How many levels of scopes to open; the others are a box each. All by default.
        scope : str, optional
            Draw only what ran in there, and the tensors that go in and out.
        fold : bool
            Draw one of several neighbours that do the same, as "blocks.0 … blocks.5 × 6".
        show : collection of str
            What is said of each box: any of "shape", "dtype", "bytes", "flops", "ms" and
            "gradient". The last, the norm, needs `Tape(trace=True)` and a walk.
        backward : bool
            Draw the walk back in the same places.
        max_nodes : int
            Open fewer levels of scopes if there would be more boxes than that.
        timeout : float or None
            Seconds after which to give up the layout.

        Returns
        -------
        Drawing
            A `graphviz.Digraph`, which a notebook shows.

        Raises
        ------
        ValueError
            If an argument is none of those above, no op ran in `scope`, or there are no gradients
            to show.
        CannotDraw
            A RuntimeError, if Graphviz is missing or took too long. The text is then kept in a .gv
            file beside `filename`. In a notebook it is a warning, and the drawing shows the page.
        """
        path = None if filename is None else Path(filename)
        if view and path is None:
            raise ValueError("view=True opens the file that was saved: give a filename")
        kind = format_of(path, format)
        graph = describe(self)
        seen = choose(graph, scope=scope or "", depth=depth, fold=fold, max_boxes=max_nodes)
        drawing = draw(graph, seen, direction=direction, show=show, backward=backward)
        drawing.format, drawing.timeout = kind, timeout
        saved = path is not None and drawing.save_as(path)
        if view and saved:
            webbrowser.open(path.resolve().as_uri())
        return drawing

    def to_html(
        self, path: str | Path, *, title: str = "Tape", lesson: str | Path | None = None
    ) -> Path:
        """Write the page that walks along the tape, forward and back; it needs no network.

        Values, cotangents and gradients are shown of a tape that was opened with `trace=True`, and
        the way back of one that was walked.

        Parameters
        ----------
        path : path
            Where to write it; an earlier page there is replaced.
        title : str
        lesson : path, optional
            A file of texts that make the page a guided tour; `tape/pictures/lesson.py` tells how
            it is written.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ValueError
            If the lesson is none, or one of its steps is not on this tape.
        """
        graph = describe(self)
        tour = None if lesson is None else read_lesson(lesson, graph)
        with replacing(Path(path)) as temporary:
            temporary.write_text(page(graph, title, tour), encoding="utf-8")
        return Path(path)

    def summary(self, depth: int | None = None) -> str:
        """The tape as a table by scope: ops, parameters, FLOPs, bytes saved, milliseconds.

        Parameters
        ----------
        depth : int, optional
            How many levels of scopes within scopes to show.
        """
        return summarise(describe(self), depth)

    def explain(self, of: Record | Tensor) -> str:
        """What the tape knows of a record, or of the one that made a tensor, as text.

        Its formula, operands and result with their statistics, what it saved, what it took, the
        line that called it and the source of its VJP. Of a leaf, its values and its gradient.

        Raises
        ------
        TypeError
            If it is neither.
        """
        if isinstance(of, Record):
            return explain_record(self, of, of.result)
        if not isinstance(of, Tensor):
            raise TypeError(f"explain takes a tensor or a record, not {type(of).__name__}")
        if of.tape is not self:
            return explain_leaf(of)
        return explain_record(self, self.records[of.number], of.data)

    def first_nonfinite(
        self, output: Tensor | None = None, cotangent: Any = None
    ) -> NonFinite | None:
        """Where the first NaN or infinity came up, None if all is finite.

        An infinity that is meant, such as a score masked by -inf, counts like any other.

        Parameters
        ----------
        output : Tensor, optional
            If given, and all results are finite, the walk back from it is searched too, with
            `cotangent` as in `backward`. The walk leaves no gradients, and keeps the records.

        Raises
        ------
        RuntimeError
            If the tape was opened without `keep_results`, or the walk back is to be searched and
            an earlier one without `keep=True` has released the records.
        """
        if not self.keep_results:
            raise RuntimeError("the results are gone: open the tape with Tape(keep_results=True)")
        found = first_nonfinite_result(self)
        if found is None and output is not None:
            found = first_nonfinite_cotangent(self, output, cotangent)
        return found

    def record(
        self,
        op: Op,
        operands: Sequence[Tensor | None],
        result: np.ndarray,
        vjp: VJP,
        flops: int,
        seconds: float,
    ) -> Tensor:
        """Write down that `op` made `result` of `operands`; return it as a tensor.

        Raises
        ------
        TypeError
            If a gradient would have to go back through complex numbers or integers.
        """
        wanting = [x for x in operands if x is not None and x.requires_grad]
        for x in wanting:
            if x.data.dtype.kind != "f":  # since somebody gave it other data
                x.check_floating()
        needs_grad = bool(wanting)
        if needs_grad and result.dtype.kind == "c":
            raise TypeError(f"no gradient goes through complex numbers, which {op.name} made")
        output = Tensor(result, requires_grad=needs_grad and result.dtype.kind == "f")
        output.tape, output.number = self, len(self.records)
        record = Record(
            number=output.number,
            op=op,
            sources=tuple(x.number if x is not None and x.tape is self else x for x in operands),
            shape=output.shape,
            dtype=output.dtype,
            requires_grad=output.requires_grad,
            scope=current_scope(),
            line=line_of_caller(),
            flops=flops,
            seconds=seconds,
            vjp=vjp if output.requires_grad else None,
            rule=getattr(getattr(vjp, "__wrapped__", vjp), "__code__", None),
            result=result if self.keep_results else None,
        )
        if self.guard and record.vjp is not None:
            record.saved = tuple(saved_by(vjp, operands, result))
            record.saved_bytes = self._weigh(record)
        self.records.append(record)
        if self.trace is not None:
            self.trace.ran(record, result)
        return output

    def _weigh(self, record: Record) -> int:
        """The memory that a record is the first to save, that of leaves left out."""
        leaves = [x.data for x in record.sources if isinstance(x, Tensor)]
        self._weighed.update(id(owner(x)) for x in leaves)
        owners = {id(x): x for x in (owner(saved.array) for saved in record.saved)}
        new = owners.keys() - self._weighed
        self._weighed |= new
        return sum(owners[i].nbytes for i in new)

    def source(self, source: Source) -> Record | Tensor | None:
        """The record or the leaf that an operand came from; both have a shape and a dtype."""
        return self.records[source] if isinstance(source, int) else source

    def backward(
        self,
        output: Tensor,
        cotangent: Any = None,
        *,
        into: MutableMapping[Tensor, np.ndarray] | None = None,
        keep: bool = False,
        map: Map = map,
    ) -> None:
        """Walk the records in reverse and leave a gradient at every leaf that wants one.

        For each leaf x, the sum over elements of `cotangent` * d output / dx is added to `x.grad`.
        There, gradients appear only when the whole walk has succeeded.

        Parameters
        ----------
        output : Tensor
            A result that this tape recorded, usually the loss.
        cotangent : array_like, optional
            Of the shape of `output`; 1 if that is a scalar.
        into : mutable mapping from Tensor to ndarray, optional
            Where to sum the gradients instead of the leaves' `grad`, each as it arrives: added to
            the array that is there, or put in as an array of its own. Threads that walk tapes of
            their own into sinks of their own may share parameters.
        keep : bool
            Keep what the records saved, for another walk.
        map : callable
            Runs the parts of a VJP that make the cotangents of one operand each, as the builtin
            runs a function on a list. They do not depend on each other, so threads may share them.

        Raises
        ------
        ValueError
            If this tape did not record `output`, it depends on nothing that wants a gradient, or
            `cotangent` is missing or has another shape.
        RuntimeError
            If an earlier walk without `keep=True` has released the records, or an array that an op
            saved has been changed since.
        """
        deque(self._walk(output, cotangent, into, keep, map, may_write=True), maxlen=0)

    def backward_steps(
        self,
        output: Tensor,
        cotangent: Any = None,
        *,
        into: MutableMapping[Tensor, np.ndarray] | None = None,
        keep: bool = False,
    ) -> Iterator[Step]:
        """`backward`, one record at a time; what it hands out stays as it is handed out.

        Leaves get their `grad` when the last step has been taken; a walk that is left before
        leaves none.

        Yields
        ------
        Step
            A record, the cotangent that came in and those that go out to its operands.
        """
        return self._walk(output, cotangent, into, keep, map, may_write=False)

    def _walk(
        self,
        output: Tensor,
        cotangent: Any,
        into: MutableMapping[Tensor, np.ndarray] | None,
        keep: bool,
        map: Map,
        may_write: bool,
    ) -> Iterator[Step]:
        if output.tape is not self:
            raise ValueError(f"this tape did not record the output to walk back from: {output!r}")
        start = self.records[output.number]
        if not start.requires_grad:
            raise ValueError(f"{start} depends on no tensor with requires_grad=True")
        if not keep:
            self._weighed.clear()  # what is freed on the way may come again under the same id
        first = first_cotangent(output, cotangent)
        if self.trace is None:
            return walk(self, start, first, into, keep, map, may_write)
        return self.trace.watch(walk(self, start, first, into, keep, map, may_write=False), into)
