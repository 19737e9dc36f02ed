"""The page that walks along a tape: data, pictures and viewer in one file that needs no network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib import resources
from operator import attrgetter
from typing import Any

from tape.pictures.lesson import Lesson
from tape.pictures.parts import in_parts
from tape.pictures.selection import select_each
from tape.pictures.svg import svg
from tape.pictures.timeline import Moment, timeline
from tape.views.graph import Graph, fields_of
from tape.views.scopes import Scope, repeats, scopes_of

VIEWER = resources.files("tape.pictures") / "viewer"
DIGITS = 6
"""Significant ones, of the numbers in the page."""

MOST = 100
"""Ops and scopes in a picture."""


def page(graph: Graph, title: str, lesson: Lesson | None = None) -> str:
    """The HTML of the page.

    `viewer/page.html` is its skeleton, whose comments name what goes in their place: the files
    beside it, and what is made here.
    """
    root = in_parts(scopes_of(graph), MOST)
    data = {
        "title": title,
        "graph": graph,
        "scopes": list(_scopes(graph, root)),
        "moments": _columns(timeline(graph)),
        "lesson": lesson,
    }
    made = {
        "title": escape(title),
        "data": f'<script type="application/json" id="data">{_inert_json(data)}</script>',
        "pictures": "\n".join(_pictures(graph, root)),
    }

    def fill(comment: re.Match[str]) -> str:
        kind, file = comment.groups()
        if file is None:
            return made[kind]
        text = (VIEWER / file).read_text(encoding="utf-8")
        return f"<style>\n{text}</style>" if kind == "css" else f"<script>\n{text}</script>"

    skeleton = (VIEWER / "page.html").read_text(encoding="utf-8")
    return re.sub(r"<!-- (\w+)(?:: ([\w.]+))? -->", fill, skeleton)


def _pictures(graph: Graph, root: Scope) -> Iterator[str]:
    """One for each scope, the scopes in it closed, as text that the viewer makes elements of."""
    for selection in select_each(graph, root):
        yield f'<script type="image/svg+xml">{svg(graph, selection)}</script>'


def _columns(moments: Sequence[Moment]) -> dict[str, Sequence[int]]:
    """The fields of all moments, each as a list."""
    return {name: list(map(attrgetter(name), moments)) for name in Moment.__slots__}


def _scopes(
    graph: Graph,
    scope: Scope,
    parent: str | None = None,
    repeat: Mapping[str, Any] | None = None,
) -> Iterator[dict[str, Any]]:
    """The scope and those below as the viewer reads them, parents first."""
    yield {
        "path": scope.path,
        "name": scope.name,
        "parent": parent,
        "children": [child.path for child in scope.children],
        "ops": [op.number for op in scope.own_ops],
        "first": min((op.number for op in scope.ops[:1]), default=0),
        "repeats": repeat,
    }
    for run in repeats(graph, scope):
        for index, child in enumerate(run):
            again = {"like": run[0].path, "index": index}
            yield from _scopes(graph, child, scope.path, again if len(run) > 1 else None)


def _inert_json(data: Any) -> str:
    """JSON that ends no script element and begins no comment, whatever its strings hold."""
    text = json.dumps(data, default=_rounded, separators=(",", ":"), allow_nan=False)
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def _rounded(node: Any) -> dict[str, Any]:
    """The fields of a node, its floats to some digits."""
    fields = fields_of(node)
    if float in map(type, fields.values()):
        for key, value in fields.items():
            if isinstance(value, float):
                fields[key] = float(f"{value:.{DIGITS}g}")
    return fields
