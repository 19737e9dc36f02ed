"""A picture as inline SVG, in classes that a style sheet colours."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from html import escape

from tape.graph import Graph
from tape.pictures.geometry import Layout, Place, Point, Size
from tape.pictures.labels import contents
from tape.view import Box, Edge, View
from tape.words import printable

NAME, NOTE = 13, 11
"""Font sizes of a box's first line, and of the others."""

ADVANCE = 0.62
"""Room for a character, in font sizes."""

LEADING, SIDE, TOP = 1.35, 12, 7
LONGEST = 36
TIP = (7, 3)
"""Length of an arrowhead, and half its breadth."""


def sizes(graph: Graph, view: View) -> dict[str, Size]:
    """What the text in the boxes needs, by their ids."""
    return {box.id: _size(_lines(graph, box)) for box in view.root.boxes}


def svg(graph: Graph, view: View, layout: Layout) -> str:
    """The picture of a scope whose inner scopes are closed.

    Its groups of class "box" and "edge" say in data attributes what they stand for; an edge has an
    arrowhead at either end, and a "+=" stands where cotangents meet.
    """
    shown = {number for box in view.root.boxes for number in box.ops}
    return _element(
        "svg",
        *map(_edge, view.edges, layout.edges),
        *(_box(graph, box, layout.boxes[box.id], shown) for box in view.root.boxes),
        *_meetings(view, layout),
        class_="picture",
        data_scope=view.root.path,
        viewBox=f"0 0 {_number(layout.width)} {_number(layout.height)}",
        width=_number(layout.width),
        height=_number(layout.height),
    )


def _lines(graph: Graph, box: Box) -> list[str]:
    if box.kind == "scope":
        return [box.label, *contents(graph, [graph.ops[i] for i in box.ops]).split(", ")]
    if box.kind in ("from", "to"):
        return [f"{box.kind} {box.label}"]
    number = graph.ops[box.ops[0]].output if box.tensor is None else box.tensor
    return [box.label, " × ".join(map(str, graph.tensors[number].shape)) or "scalar"]


def _size(lines: Sequence[str]) -> Size:
    name, *notes = (len(_short(line)) for line in lines)
    width = ADVANCE * max(NAME * name, *(NOTE * note for note in notes), 0)
    return width + 2 * SIDE, LEADING * (NAME + NOTE * len(notes)) + 2 * TOP


def _short(text: str) -> str:
    """The text on one line, less its middle if it is long."""
    text = printable(text)
    half = (LONGEST - 1) // 2
    return text if len(text) <= LONGEST else f"{text[:half]}…{text[-half:]}"


def _box(graph: Graph, box: Box, place: Place, shown: Collection[int]) -> str:
    classes = ["box", box.kind]
    data: dict[str, object] = {"data_box": box.id, "data_ops": " ".join(map(str, box.ops))}
    if box.kind == "leaf":
        classes.append(graph.tensors[box.tensor].role)
    if box.kind == "op" and graph.tensors[graph.ops[box.ops[0]].output].role == "loss":
        classes.append("loss")
    if box.kind == "scope":
        data["data_scope"] = box.scope
    if box.kind in ("from", "to"):
        data["data_scope"] = _other_end(graph, box, shown)
    if box.tensor is not None:
        data["data_tensor"] = box.tensor
    lines = _lines(graph, box)
    y, spans = TOP, []
    for i, line in enumerate(lines):
        size = NOTE if i else NAME
        y += LEADING * size
        look = {"class_": "note" if i else "name", "x": _number(place.width / 2)}
        spans.append(_element("tspan", escape(_short(line)), **look, y=_number(y - 0.3 * size)))
    return _element(
        "g",
        _element("title", escape(" ".join(map(printable, lines)))),
        _element("rect", width=_number(place.width), height=_number(place.height), rx=6),
        _element("text", *spans, text_anchor="middle"),
        class_=" ".join(classes),
        **data,
        transform=f"translate({_number(place.x)},{_number(place.y)})",
    )


def _other_end(graph: Graph, box: Box, shown: Collection[int]) -> str:
    """The scope that a tensor comes from, or the first of those that it goes to."""
    maker = graph.tensors[box.tensor].made_by
    if box.kind == "from":
        return graph.ops[maker].scope
    readers = (op for op in graph.ops if box.tensor in op.inputs and op.number not in shown)
    return next(readers).scope


def _edge(edge: Edge, line: Sequence[Point]) -> str:
    start, *rest = map(_point, line)
    return _element(
        "g",
        _element("path", class_="line", d=f"M{start}C{' '.join(rest)}"),
        _element("path", class_="tip", d=_tip(line)),
        _element("path", class_="tip-back", d=_tip(line[::-1])),
        class_="edge",
        data_tail=edge.tail,
        data_head=edge.head,
        data_tensor=edge.tensor,
        data_back=int(edge.back),
    )


def _tip(line: Sequence[Point]) -> str:
    """A triangle at the end of a line."""
    x, y = line[-1]
    before = next(point for point in reversed(line) if point != line[-1])
    along = math.dist(before, line[-1])
    dx, dy = (x - before[0]) / along, (y - before[1]) / along
    length, half = TIP
    base = [(x - length * dx - s * half * dy, y - length * dy + s * half * dx) for s in (-1, 1)]
    return f"M{_point((x, y))}L{' '.join(map(_point, base))}Z"


def _meetings(view: View, layout: Layout) -> Iterator[str]:
    paths = Counter((edge.tail, edge.tensor) for edge in view.edges if edge.back)
    for box in dict.fromkeys(box for (box, _), n in paths.items() if n > 1):
        place = layout.boxes[box]
        x, y = place.x + place.width + 3, place.y + place.height
        yield _element("text", "+=", class_="meets", data_box=box, x=_number(x), y=_number(y))


def _point(point: Point) -> str:
    return ",".join(map(_number, point))


def _number(x: float) -> str:
    """To a tenth of a pixel."""
    return f"{x:.1f}".removesuffix(".0")


def _element(tag: str, /, *content: str, **attributes: object) -> str:
    """An element; `class_` is written class, and data_box is written data-box."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
    )
    return f"<{tag}{written}>{''.join(content)}</{tag}>"
