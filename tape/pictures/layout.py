"""Laying out a picture: boxes in rows, every edge from one row down to another.

After Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System
Structures", 1981: rows by longest paths, a node in every row that an edge passes, and an order
by barycentres. Within a row, positions are the nearest possible to those of the neighbours. The
edges of one tensor from one box share the nodes that they pass, as a trunk from which they branch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby, pairwise

from tape.pictures.geometry import MARGIN, Layout, Point, Rectangle, Size
from tape.pictures.selection import Box, Selection

BETWEEN_ROWS = 40
BESIDE_BOX, BESIDE_LINE = 14, 6
STRAIGHTNESS = (1, 1, 64)
"""How much it matters that a piece is upright, by how many of its ends are no boxes."""

SWEEPS = 12
LARGE = 100
"""Boxes; a picture of more gets a third of the sweeps."""

Ends = tuple[int, int, int]
"""Of an edge: its tail and its head among the boxes, and its tensor among those of the picture."""


@dataclass(slots=True, eq=False)
class _Node:
    """A box, or where edges pass a row; x and y are of its middle."""

    width: int = 0
    height: int = 0
    beside: float = BESIDE_LINE
    weight: int = 1
    row: int = 0
    x: float = 0
    y: int = 0
    above: list[_Link] = field(default_factory=list)
    below: list[_Link] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Link:
    """A piece of a line, from one x in a row to another in the next."""

    upper: _Node
    lower: _Node
    weight: int
    start: int = 0
    end: int = 0


def layout(selection: Selection, sizes: Mapping[str, Size]) -> Layout:
    """Lay out the boxes of a selection without groups, what runs first on top.

    An edge of a trunk begins where it leaves what the edges above it have drawn.
    """
    boxes = sorted(selection.root.boxes, key=_time)
    index = {box.id: i for i, box in enumerate(boxes)}
    tensors = {
        tensor: i for i, tensor in enumerate(dict.fromkeys(e.tensor for e in selection.edges))
    }
    width, height, rectangles, lines = _lay_out(
        tuple(sizes[box.id] for box in boxes),
        tuple((index[e.tail], index[e.head], tensors[e.tensor]) for e in selection.edges),
    )
    by_id = {box.id: rectangle for box, rectangle in zip(boxes, rectangles, strict=True)}
    return Layout(width, height, by_id, lines)


def _time(box: Box) -> float:
    """When a box is first passed: what comes from elsewhere before all, what leaves after all."""
    return min(box.ops, default=math.inf if box.kind == "to" else -1)


@lru_cache(maxsize=64)  # blocks that repeat are laid out alike
def _lay_out(
    sizes: tuple[Size, ...], ends: tuple[Ends, ...]
) -> tuple[int, int, tuple[Rectangle, ...], tuple[Sequence[Point], ...]]:
    """Width, height, boxes and lines of a picture, from boxes in the order of their time."""
    boxes = [_Node(width, height, BESIDE_BOX) for width, height in sizes]
    _choose_rows(boxes, ends)
    chains = _chains(boxes, ends)
    passing = [link.lower for chain in chains for link in chain[:-1]]
    nodes = sorted([*boxes, *passing], key=lambda node: node.row)
    rows = [list(row) for _, row in groupby(nodes, key=lambda node: node.row)]
    _choose_x(rows, SWEEPS if len(boxes) <= LARGE else SWEEPS // 3)
    for node in nodes:
        _choose_ports(node)

    tops, bottoms = [], []
    y = MARGIN
    for row in rows:
        height = max(node.height for node in row)
        for node in row:
            node.y = y + height // 2
        tops.append(y)
        bottoms.append(y + height)
        y += height + BETWEEN_ROWS
    lines = (
        _smooth([point for link in chain for point in _points(link, bottoms, tops)])
        for chain in chains
    )
    return (
        max((_left(node) + node.width for node in nodes), default=MARGIN) + MARGIN,
        max(bottoms, default=MARGIN) + MARGIN,
        tuple(
            Rectangle(_left(node), node.y - node.height // 2, node.width, node.height)
            for node in boxes
        ),
        tuple(
            line if tail < head else line[::-1]
            for (tail, head, _), line in zip(ends, lines, strict=True)
        ),
    )


def _choose_rows(boxes: Sequence[_Node], ends: Sequence[Ends]) -> None:
    """Every box below all it reads, and what reads nothing right above the first of its readers."""
    lower: list[list[_Node]] = [[] for _ in boxes]
    reading = [False] * len(boxes)
    for tail, head, _ in ends:
        lower[min(tail, head)].append(boxes[max(tail, head)])
        reading[max(tail, head)] = True
    for box, readers in zip(boxes, lower, strict=True):
        for reader in readers:
            reader.row = max(reader.row, box.row + 1)
    for i, readers in enumerate(lower):
        if readers and not reading[i]:
            boxes[i].row = min(reader.row for reader in readers) - 1


def _chains(boxes: Sequence[_Node], ends: Sequence[Ends]) -> list[list[_Link]]:
    """Every edge in pieces, each begun where the one above it in its trunk last passed a row."""
    chains: list[list[_Link]] = [[] for _ in ends]
    trunks: dict[tuple[int, int], _Node] = {}
    for i in sorted(range(len(ends)), key=lambda i: boxes[max(ends[i][:2])].row):
        tail, head, tensor = ends[i]
        trunk, lower = (min(tail, head), tensor), boxes[max(tail, head)]
        node = trunks.get(trunk, boxes[min(tail, head)])
        while node.row < lower.row - 1:
            link = _join(node, _Node(row=node.row + 1))
            chains[i].append(link)
            node = link.lower
        chains[i].append(_join(node, lower))
        trunks[trunk] = node
    return chains


def _join(upper: _Node, lower: _Node) -> _Link:
    link = _Link(upper, lower, STRAIGHTNESS[(not upper.width) + (not lower.width)])
    upper.below.append(link)
    lower.above.append(link)
    upper.weight += link.weight
    lower.weight += link.weight
    return link


def _choose_x(rows: Sequence[list[_Node]], sweeps: int) -> None:
    """Order the rows from top to bottom and back, several times; then only straighten them."""
    for row in rows:
        _settle(row, [0] * len(row))
    turns = [rows if sweep % 2 == 0 else rows[::-1] for sweep in range(sweeps)]
    for turn in turns:
        for row in turn:
            wanted = {
                node: _barycentre(node, node.above if turn is rows else node.below) for node in row
            }
            row.sort(key=wanted.__getitem__)
            _settle(row, [wanted[node] for node in row])
    for turn in turns:
        for row in turn:
            _settle(row, [_barycentre(node, node.above + node.below) for node in row])
    left = min((node.x - node.width / 2 for row in rows for node in row), default=0)
    for row in rows:
        for node in row:
            node.x += MARGIN - left


def _barycentre(node: _Node, links: Sequence[_Link]) -> float:
    """The mean of the other ends by weight, the node's own x if it has none."""
    total, weight = 0.0, 0
    for link in links:
        end = link.lower if link.upper is node else link.upper
        total += link.weight * end.x
        weight += link.weight
    return total / weight if weight else node.x


def _settle(row: Sequence[_Node], wanted: Sequence[float]) -> None:
    """Put nodes side by side, in order, where the squares of the ways from `wanted` sum to least.

    The squares count by the weights of the nodes. Without the room that each needs, that is a
    regression on numbers that never fall: where they would, neighbours share their mean.
    """
    room, offsets = 0.0, []
    for node in row:
        offsets.append(room + node.width / 2 + node.beside)
        room += node.width + 2 * node.beside
    levels: list[tuple[float, int, int]] = []  # the mean of what weight, and of how many nodes
    for node, offset, x in zip(row, offsets, wanted, strict=True):
        mean, weight, n = x - offset, node.weight, 1
        while levels and levels[-1][0] > mean:
            before, by, m = levels.pop()
            mean, weight, n = (before * by + mean * weight) / (by + weight), by + weight, m + n
        levels.append((mean, weight, n))
    flat = (mean for mean, _, n in levels for _ in range(n))
    for node, offset, x in zip(row, offsets, flat, strict=True):
        node.x = x + offset


def _choose_ports(node: _Node) -> None:
    """Lines leave a node, and come to it, side by side in the order of their other ends."""
    node.below.sort(key=lambda link: link.lower.x)
    node.above.sort(key=lambda link: link.upper.x)
    left = _left(node)
    for i, link in enumerate(node.below, 1):
        link.start = left + node.width * i // (len(node.below) + 1)
    for i, link in enumerate(node.above, 1):
        link.end = left + node.width * i // (len(node.above) + 1)


def _left(node: _Node) -> int:
    return round(node.x) - node.width // 2


def _points(link: _Link, bottoms: Sequence[int], tops: Sequence[int]) -> Iterator[Point]:
    """Straight down to the end of the row, across, and straight down to the node below."""
    yield link.start, link.upper.y - link.upper.height // 2 + link.upper.height
    yield link.start, bottoms[link.upper.row]
    yield link.end, tops[link.lower.row]
    yield link.end, link.lower.y - link.lower.height // 2


def _smooth(line: Sequence[Point]) -> Sequence[Point]:
    """Through all points, upright at each, as cubic curves; what is straight is one piece."""
    between = zip(line, line[1:], line[2:], strict=False)
    turns = [b for a, b, c in between if not a[0] == b[0] == c[0]]
    points = [line[0]]
    for (x0, y0), (x1, y1) in pairwise([line[0], *turns, line[-1]]):
        if (x0, y0) != (x1, y1):
            middle = (y0 + y1) // 2
            points += [(x0, middle), (x1, middle), (x1, y1)]
    return points
