"""Laying out pictures: by Graphviz, or without it by `tape.pictures.layered`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tape.pictures.dot import CannotDraw, picture
from tape.pictures.geometry import MARGIN, Layout, Place, Point, Size
from tape.pictures.layered import layered
from tape.view import View

TIMEOUT = 30
"""Seconds that Graphviz gets for all pictures together."""

DPI = 72

Sizes = Mapping[str, Size]


def layouts(views: Sequence[View], sizes: Sequence[Sizes]) -> list[Layout]:
    """Lay out pictures of boxes without groups; `sizes` has those of the boxes by id.

    Where Graphviz is missing, fails or takes too long, the layouts are our own.
    """
    try:
        return list(by_graphviz(views, sizes))
    except CannotDraw:
        return [layered(view, size) for view, size in zip(views, sizes, strict=True)]


def by_graphviz(views: Sequence[View], sizes: Sequence[Sizes]) -> Iterator[Layout]:
    """The layouts of Graphviz, which is called once for all.

    Raises
    ------
    CannotDraw
        As `tape.pictures.dot.picture` does.
    """
    source = "".join(_dot(view, size) for view, size in zip(views, sizes, strict=True))
    text = picture(source, "json0", TIMEOUT).decode()
    decoder = json.JSONDecoder()
    for view in views:
        found, end = decoder.raw_decode(text := text.lstrip())
        text = text[end:]
        yield _read(view, found)


def _dot(view: View, sizes: Sizes) -> str:
    lines = ["digraph {", "graph [nodesep=0.35 ranksep=0.4]", "node [shape=box fixedsize=true]"]
    for box in view.root.boxes:
        width, height = sizes[box.id]
        lines.append(f"{box.id} [width={width / DPI} height={height / DPI}]")
    lines += [f"{edge.tail} -> {edge.head} [dir=none id={i}]" for i, edge in enumerate(view.edges)]
    return "\n".join([*lines, "}\n"])


def _read(view: View, found: Mapping[str, Any]) -> Layout:
    """A layout from Graphviz's JSON, where y runs up."""
    *_, right, top = map(float, found["bb"].split(","))

    def point(text: str) -> Point:
        x, y = map(float, text.split(","))
        return MARGIN + x, MARGIN + top - y

    def place(node: Mapping[str, str]) -> Place:
        x, y = point(node["pos"])
        width, height = float(node["width"]) * DPI, float(node["height"]) * DPI
        return Place(x - width / 2, y - height / 2, width, height)

    edges = {int(edge["id"]): edge["pos"].split() for edge in found.get("edges", ())}
    return Layout(
        width=right + 2 * MARGIN,
        height=top + 2 * MARGIN,
        boxes={node["name"]: place(node) for node in found.get("objects", ())},
        edges=tuple([point(text) for text in edges[i]] for i in range(len(view.edges))),
    )
