"""A layout without Graphviz: boxes in rows, every edge from one row down to another.

After Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System
Structures", 1981: rows by longest paths, a place in every row that an edge passes, and an order
by barycentres. Within a row, positions are the nearest possible to those of the neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from statistics import fmean

from tape.pictures.geometry import MARGIN, Layout, Place, Point, Size
from tape.view import Box, View

BETWEEN_ROWS = 40
BESIDE_BOX, BESIDE_LINE = 14, 6
SWEEPS = 12


@dataclass(slots=True, eq=False)
class _Node:
    """A box, or where an edge passes a row; x and y are of its middle."""

    width: float = 0
    height: float = 0
    beside: float = BESIDE_LINE
    row: int = 0
    x: float = 0
    y: float = 0
    above: list[_Link] = field(default_factory=list)
    below: list[_Link] = field(default_factory=list)

    @property
    def bottom(self) -> float:
        return self.y + self.height / 2

    @property
    def top(self) -> float:
        return self.y - self.height / 2

    def port(self, place: int, n: int) -> float:
        """Where the line at that place of n side by side ends."""
        return self.x + self.width * ((place + 1) / (n + 1) - 0.5)


@dataclass(slots=True, eq=False)
class _Link:
    """A piece of an edge, from a row to the next."""

    upper: _Node
    lower: _Node

    def points(self, bottoms: Sequence[float], tops: Sequence[float]) -> list[Point]:
        """Straight down to the end of the row, across, and straight down to the node below."""
        leaving = sorted(self.upper.below, key=lambda link: link.lower.x)
        coming = sorted(self.lower.above, key=lambda link: link.upper.x)
        x0 = self.upper.port(leaving.index(self), len(leaving))
        x1 = self.lower.port(coming.index(self), len(coming))
        return [
            (x0, self.upper.bottom),
            (x0, bottoms[self.upper.row]),
            (x1, tops[self.lower.row]),
            (x1, self.lower.top),
        ]


def layered(view: View, sizes: Mapping[str, Size]) -> Layout:
    """Lay out the boxes of a view, what runs first on top."""
    boxes = {
        box.id: _Node(*sizes[box.id], BESIDE_BOX) for box in sorted(view.root.boxes, key=_time)
    }
    when = {box: i for i, box in enumerate(boxes)}
    ends = [sorted((edge.tail, edge.head), key=when.__getitem__) for edge in view.edges]
    pairs = [(boxes[upper], boxes[lower]) for upper, lower in ends]
    _choose_rows(list(boxes.values()), pairs)
    chains = [_chain(*pair) for pair in pairs]
    passing = (link.lower for chain in chains for link in chain[:-1])
    by_row = sorted([*boxes.values(), *passing], key=lambda node: node.row)
    rows = [list(row) for _, row in groupby(by_row, key=lambda node: node.row)]
    _choose_x(rows)

    tops, bottoms = [], []
    y = MARGIN
    for row in rows:
        height = max(node.height for node in row)
        for node in row:
            node.y = y + height / 2
        tops.append(y)
        bottoms.append(y + height)
        y += height + BETWEEN_ROWS
    lines = [[p for link in chain for p in link.points(bottoms, tops)] for chain in chains]
    nodes = [node for row in rows for node in row]
    return Layout(
        width=max((node.x + node.width / 2 for node in nodes), default=MARGIN) + MARGIN,
        height=max(bottoms, default=MARGIN) + MARGIN,
        boxes={
            box: Place(node.x - node.width / 2, node.top, node.width, node.height)
            for box, node in boxes.items()
        },
        edges=tuple(
            _smooth(line if edge.tail == upper else line[::-1])
            for edge, (upper, _), line in zip(view.edges, ends, lines, strict=True)
        ),
    )


def _time(box: Box) -> float:
    """When a box is first passed: what comes from elsewhere before all, what leaves after all."""
    return min(box.ops, default=math.inf if box.kind == "to" else -1)


def _choose_rows(boxes: Sequence[_Node], pairs: Sequence[tuple[_Node, _Node]]) -> None:
    """Every box below all it reads, and what reads nothing right above the first of its readers."""
    for box in boxes:
        above = [upper for upper, lower in pairs if lower is box]
        box.row = max((upper.row + 1 for upper in above), default=0)
    for box in boxes:
        if box not in {lower for _, lower in pairs}:
            box.row = min((lower.row - 1 for upper, lower in pairs if upper is box), default=0)


def _chain(upper: _Node, lower: _Node) -> list[_Link]:
    """An edge in pieces, joined in the rows between its ends."""
    passing = [_Node(row=row) for row in range(upper.row + 1, lower.row)]
    chain = [_Link(*pair) for pair in pairwise([upper, *passing, lower])]
    for link in chain:
        link.upper.below.append(link)
        link.lower.above.append(link)
    return chain


def _choose_x(rows: Sequence[list[_Node]]) -> None:
    """Order the rows from top to bottom and back, several times; then only straighten them."""
    for row in rows:
        _place(row, [0] * len(row))
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wanted = {
                node: _barycentre(node.above if sweep % 2 == 0 else node.below, node)
                for node in row
            }
            row.sort(key=wanted.__getitem__)
            _place(row, [wanted[node] for node in row])
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            _place(row, [_barycentre([*node.above, *node.below], node) for node in row])
    left = min((node.x - node.width / 2 for row in rows for node in row), default=0)
    for row in rows:
        for node in row:
            node.x += MARGIN - left


def _barycentre(links: Sequence[_Link], node: _Node) -> float:
    """The mean of the other ends, the node's own place if it has none."""
    ends = (link.lower if link.upper is node else link.upper for link in links)
    return fmean(end.x for end in ends) if links else node.x


def _place(row: Sequence[_Node], wanted: Sequence[float]) -> None:
    """Put nodes side by side, in order, where the squares of the ways from `wanted` sum to least.

    Without the room that each needs, that is a regression on numbers that never fall: where they
    would, neighbours share their mean.
    """
    room, offsets = 0.0, []
    for node in row:
        offsets.append(room + node.width / 2 + node.beside)
        room += node.width + 2 * node.beside
    levels: list[list[float]] = []
    for offset, x in zip(offsets, wanted, strict=True):
        levels.append([x - offset])
        while len(levels) > 1 and fmean(levels[-2]) > fmean(levels[-1]):
            levels[-2:] = [levels[-2] + levels[-1]]
    flat = (fmean(level) for level in levels for _ in level)
    for node, offset, x in zip(row, offsets, flat, strict=True):
        node.x = x + offset


def _smooth(line: Sequence[Point]) -> list[Point]:
    """Through all points, upright at each, as cubic curves."""
    points = [line[0]]
    for (x0, y0), (x1, y1) in pairwise(line):
        if (x0, y0) != (x1, y1):
            middle = (y0 + y1) / 2
            points += [(x0, middle), (x1, middle), (x1, y1)]
    return points
