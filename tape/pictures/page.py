"""The page that walks along a tape: data, pictures and viewer in one file that needs no network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from html import escape
from importlib import resources
from typing import Any

from tape.graph import Graph
from tape.pictures.layout import layouts
from tape.pictures.lesson import Lesson
from tape.pictures.svg import sizes, svg
from tape.pictures.timeline import timeline
from tape.scopes import Scope, repeats, scopes_of
from tape.view import view

VIEWER = resources.files("tape.pictures") / "viewer"
DIGITS = 6
"""Significant ones, of the numbers in the page."""


def page(graph: Graph, title: str, lesson: Lesson | None = None) -> str:
    """The HTML of the page.

    `viewer/page.html` is its skeleton, whose comments name what goes in their place: the files
    beside it, and what is made here.
    """
    root = scopes_of(graph)
    data = {
        "title": title,
        "graph": graph.as_json(),
        "scopes": list(_scopes(graph, root)),
        "moments": [asdict(moment) for moment in timeline(graph)],
        "lesson": lesson and asdict(lesson),
    }
    made = {
        "title": escape(title),
        "data": f'<script type="application/json" id="data">{_inert_json(data)}</script>',
        "pictures": f'<div id="pictures" hidden>{"".join(_pictures(graph, root))}</div>',
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
    """One for each scope, the scopes in it closed."""
    views = [view(graph, scope=scope.path, depth=0, fold=False) for scope in root.walk()]
    for each, layout in zip(views, layouts(views, [sizes(graph, v) for v in views]), strict=True):
        yield svg(graph, each, layout)


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
        "first": min((op.number for op in scope.ops), default=0),
        "repeats": repeat,
    }
    for run in repeats(graph, scope):
        for index, child in enumerate(run):
            again = {"like": run[0].path, "index": index}
            yield from _scopes(graph, child, scope.path, again if len(run) > 1 else None)


def _inert_json(data: Any) -> str:
    """JSON that ends no script element and begins no comment, whatever its strings hold."""
    text = json.dumps(_rounded(data), separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
