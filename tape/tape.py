"""The tape: a recording that can be looked at, asked and drawn."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tape.engine.place import here
from tape.engine.record import Record
from tape.engine.recording import Recording
from tape.engine.variable import Variable
from tape.inputs import array_of

if TYPE_CHECKING:
    from tape.pictures.drawing import Drawing
    from tape.views.nonfinite import NonFinite
    from tape.watch.clock import Clock
    from tape.watch.guard import Guard
    from tape.watch.results import Results
    from tape.watch.trace import Trace


def current_tape() -> Tape | None:
    """The innermost open tape of this thread."""
    recording = here.recordings[-1] if here.recordings else None
    return recording if isinstance(recording, Tape) else None


class Tape(Recording):
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
        tell if somebody changed one, and keep VJPs from writing to their cotangents. It costs 5 to
        8% of a train step (`python -m bench.guard`), and code that is known to change nothing may
        do without; tables and pictures then do not know what was saved.
    trace : bool
        Take portraits (statistics, a histogram, a small picture) of every result, cotangent and
        gradient as they pass, for `to_html` and `render`.
    timed : bool
        Take the time of every op and of every VJP, for tables and pictures.

    Attributes
    ----------
    records : list of Record
    failure : str or None
        The error that ended the last walk, which had released what it passed.
    results, guard, trace, clock : Results, Guard, Trace, Clock or None
        What these options found out.

    Examples
    --------
    >>> import ops
    >>> from tape import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> with Tape() as tape:
    ...     loss = (w * w).sum()
    >>> tape.backward(loss)
    >>> w.grad
    array([2., 4.], dtype=float32)
    """

    def __init__(
        self,
        *,
        keep_results: bool = False,
        guard: bool = True,
        trace: bool = False,
        timed: bool = False,
    ) -> None:
        self.results: Results | None = None
        self.guard: Guard | None = None
        self.trace: Trace | None = None
        self.clock: Clock | None = None
        if keep_results:
            from tape.watch.results import Results

            self.results = Results()
        if guard:
            from tape.watch.guard import Guard

            self.guard = Guard()
        if trace:
            from tape.watch.trace import Trace

            self.trace = Trace()
        if timed:
            from tape.watch.clock import Clock

            self.clock = Clock()
        every = (self.results, self.guard, self.trace, self.clock)
        super().__init__([watcher for watcher in every if watcher is not None])

    def first_cotangent(self, output: np.ndarray, cotangent: Any) -> np.ndarray:
        """An array of the shape and dtype of `output` that a walk back from it starts with.

        Raises
        ------
        ValueError
            If there is none, and the output is no scalar, or it has another shape.
        TypeError
            If it is complex, or no array can be made of it.
        """
        if cotangent is None:
            if output.size != 1:
                raise ValueError(
                    f"an output of shape {output.shape} needs a cotangent of that shape"
                )
            return np.ones_like(output)
        array: np.ndarray = array_of(
            cotangent.data if isinstance(cotangent, Variable) else cotangent
        )
        if array.dtype.kind == "c":
            raise TypeError(f"a complex cotangent for an output of {output.dtype}")
        if array.shape != output.shape:
            shapes = f"{array.shape} for an output of {output.shape}"
            raise ValueError(f"a cotangent of shape {shapes}")
        return array.astype(output.dtype, copy=False)

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"<Tape of {len(self)} records>"

    def __str__(self) -> str:
        from tape.views.graph import describe
        from tape.views.listing import listing

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
            What is said of each box: any of "shape", "dtype", "bytes", "flops", "ms" (which needs
            `Tape(timed=True)`) and "gradient": the norm, which needs `Tape(trace=True)` and a walk.
        backward : bool
            Draw the walk back in the same places.
        max_nodes : int
            Open fewer levels of scopes, and show parts of a long run as a box each, if there would
            be more boxes than that.
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
        import webbrowser

        from tape.pictures.dot import format_of
        from tape.pictures.render import draw
        from tape.pictures.selection import select
        from tape.views.graph import describe

        path = None if filename is None else Path(filename)
        if view and path is None:
            raise ValueError("view=True opens the file that was saved: give a filename")
        kind = format_of(path, format)
        graph = describe(self)
        seen = select(graph, scope=scope or "", depth=depth, fold=fold, max_boxes=max_nodes)
        drawing = draw(graph, seen, direction=direction, show=show, backward=backward)
        drawing.format, drawing.timeout = kind, timeout
        saved = path is not None and drawing.save_as(path)
        if view and path is not None and saved:
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
        from tape.files import replacing
        from tape.pictures.lesson import read_lesson
        from tape.pictures.page import page
        from tape.views.graph import describe

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
        from tape.views.graph import describe
        from tape.views.summary import summarise

        return summarise(describe(self), depth)

    def explain(self, of: Record | Variable) -> str:
        """What the tape knows of a record, or of the one that made a tensor, as text.

        Its formula, operands and result with their statistics, what it saved, what it took, the
        line that called it and the source of its VJP. Of a leaf, its values and its gradient.

        Raises
        ------
        TypeError
            If it is neither.
        """
        from tape.views.explain import explain_leaf, explain_record

        if isinstance(of, Record):
            return explain_record(self, of)
        if not isinstance(of, Variable):
            raise TypeError(f"explain takes a tensor or a record, not {type(of).__name__}")
        if of.tape is not self or of.number is None:
            return explain_leaf(of)
        return explain_record(self, self.records[of.number], of.data)

    def first_nonfinite(
        self, output: Variable | None = None, cotangent: Any = None
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
        from tape.views.nonfinite import first_nonfinite_cotangent, first_nonfinite_result

        if self.results is None:
            raise RuntimeError("the results are gone: open the tape with Tape(keep_results=True)")
        found = first_nonfinite_result(self, self.results)
        if found is None and output is not None:
            found = first_nonfinite_cotangent(self, output, cotangent)
        return found
