"""A picture as inline SVG, in classes that a style sheet colours."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from tape.engine.record import printable
from tape.pictures.geometry import Layout, Point, Rectangle, Size
from tape.pictures.labels import contents
from tape.pictures.layout import layout
from tape.pictures.palette import role_of
from tape.pictures.selection import Box, Edge, Selection
from tape.views.graph import Graph

NAME, NOTE = 13, 11
"""Font sizes of a box's first line, and of the others."""

ADVANCE = 0.62
"""Room for a character, in font sizes."""

LEADING, SIDE, TOP = 1.35, 12, 7
LONGEST = 36
TIP = (7, 3)
"""Length of an arrowhead, and half its breadth."""


def svg(graph: Graph, selection: Selection) -> str:
    """The picture of a scope whose inner scopes are closed.

    Its groups of class "box" and "edge" say in data attributes what they stand for; an edge has an
    arrowhead at either end, and a "+=" stands where cotangents meet.
    """
    boxes = selection.root.boxes
    lines = {box.id: _lines(graph, box) for box in boxes}
    found = layout(selection, {box: _size(each) for box, each in lines.items()})
    parts = [
        f'<svg class="picture" data-scope="{escape(selection.root.path)}" '
        f'viewBox="0 0 {found.width} {found.height}">',
        *map(_edge, selection.edges, found.edges),
        *(_box(graph, box, lines[box.id], found.boxes[box.id]) for box in boxes),
        *_meetings(selection, found),
        "</svg>",
    ]
    return "".join(parts)


def _lines(graph: Graph, box: Box) -> list[str]:
    if box.kind == "scope":
        return [box.label, *contents(graph, [graph.ops[i] for i in box.ops]).split(", ")]
    if box.kind in ("from", "to"):
        return [f"{box.kind} {box.label}"]
    (tensor,) = box.tensors(graph)
    return [box.label, " × ".join(map(str, tensor.shape)) or "scalar"]


def _size(lines: Sequence[str]) -> Size:
    name, *notes = (len(_short(line)) for line in lines)
    width = ADVANCE * max(NAME * name, *(NOTE * note for note in notes), 0)
    height = LEADING * (NAME + NOTE * len(notes))
    return math.ceil(width) + 2 * SIDE, math.ceil(height) + 2 * TOP


def _short(text: str) -> str:
    """The text on one line, less its middle if it is long."""
    text = printable(text)
    half = (LONGEST - 1) // 2
    return text if len(text) <= LONGEST else f"{text[:half]}…{text[-half:]}"


def _box(graph: Graph, box: Box, lines: Sequence[str], at: Rectangle) -> str:
    role = role_of(graph, box) if box.kind in ("leaf", "op") else ""
    classes = " ".join(dict.fromkeys(("box", box.kind, role))).strip()
    data = f'data-box="{box.id}" data-ops="{" ".join(map(str, box.ops))}"'
    if box.kind == "scope":
        data += f' data-scope="{escape(box.scope)}"'
    if box.there is not None:
        data += f' data-there="{box.there}"'
    if box.tensor is not None:
        data += f' data-tensor="{box.tensor}"'
    y: float = TOP
    spans = ""
    for i, line in enumerate(lines):
        look, size = ("note", NOTE) if i else ("name", NAME)
        y += LEADING * size
        middle, base, text = at.width // 2, round(y - 0.3 * size), escape(_short(line))
        spans += f'<tspan class="{look}" x="{middle}" y="{base}">{text}</tspan>'
    return (
        f'<g class="{classes}" {data} '
        f'transform="translate({at.x},{at.y})">'
        f"<title>{escape(' '.join(map(printable, lines)))}</title>"
        f'<rect width="{at.width}" height="{at.height}" rx="6"></rect>'
        f'<text text-anchor="middle">{spans}</text></g>'
    )


def _edge(edge: Edge, line: Sequence[Point]) -> str:
    points = [f"{x},{y}" for x, y in line]
    down = line[0][1] < line[-1][1]
    return (
        f'<g class="edge" data-tail="{edge.tail}" data-head="{edge.head}" '
        f'data-tensor="{edge.tensor}" data-back="{int(edge.back)}">'
        f'<path class="line" d="M{points[0]}C{" ".join(points[1:])}"></path>'
        f'<path class="tip" d="M{points[-1]}{_tip(down)}"></path>'
        f'<path class="tip-back" d="M{points[0]}{_tip(not down)}"></path></g>'
    )


def _tip(down: bool) -> str:
    """A triangle that points to where it begins."""
    length, half = TIP
    return f"l{-half},{-length if down else length}h{2 * half}z"


def _meetings(selection: Selection, found: Layout) -> Iterator[str]:
    paths = Counter((edge.tail, edge.tensor) for edge in selection.edges if edge.back)
    for box in dict.fromkeys(box for (box, _), n in paths.items() if n > 1):
        at = found.boxes[box]
        x, y = at.x + at.width + 3, at.y + at.height
        yield f'<text class="meets" data-box="{box}" x="{x}" y="{y}">+=</text>'
