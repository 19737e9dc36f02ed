"""A drawing of a tape, as `tape.render` returns it: it saves itself, and notebooks show it."""

from __future__ import annotations

import sys
import warnings
from html import escape
from pathlib import Path
from typing import Any

from graphviz import Digraph

from tape.files import replacing
from tape.pictures.dot import TEXT, CannotDraw, picture
from tape.pictures.page import page
from tape.views.graph import Graph
from tape.views.listing import listing

FRAME = """\
<p>{}</p>
<iframe title="Tape" style="width: 100%; height: 800px; border: 0" srcdoc="{}"></iframe>
"""


class Drawing(Digraph):
    """A Digraph that notebooks show, also without Graphviz, and that saves itself with care.

    Attributes
    ----------
    graph : Graph
        What it is a drawing of.
    timeout : float or None
        Seconds after which a layout is given up.
    """

    graph: Graph
    timeout: float | None = 30

    def copy(self) -> Drawing:
        copied: Drawing = super().copy()
        copied.graph, copied.timeout = self.graph, self.timeout
        return copied

    def save_as(self, path: Path) -> bool:
        """Write a file in the drawing's `format`, whole or not at all; tell whether it is written.

        In a notebook, which has another way to show it, not to be able to is but a warning.

        Raises
        ------
        CannotDraw
            If there is no picture; the DOT text is then beside where it would have been.
        """
        if self.format in TEXT:
            self._write_text(path)
            return True
        try:
            drawn = picture(self.source, self.format, self.timeout)
        except CannotDraw as error:
            beside = path.with_suffix(".gv")
            self._write_text(beside)
            message = f"{path} is not drawn, its DOT text is in {beside}: {error}"
            if not _in_notebook():
                raise CannotDraw(message) from None
            warnings.warn(message, stacklevel=3)
            return False
        with replacing(path) as temporary:
            temporary.write_bytes(drawn)
        return True

    def _write_text(self, path: Path) -> None:
        with replacing(path) as temporary:
            temporary.write_text(self.source, encoding="utf-8")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows: SVG, or why there is none, with the tape as a page and a table."""
        try:
            return {"image/svg+xml": picture(self.source, "svg", self.timeout).decode()}
        except CannotDraw as error:
            reason = f"no picture: {error}"
        return {
            "text/plain": f"{reason}\n\n{listing(self.graph)}",
            "text/html": FRAME.format(escape(reason), escape(page(self.graph, "Tape"))),
        }


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")
