"""What a picture of a graph shows: boxes in groups, and the edges between them."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Literal, NamedTuple

from tape.pictures.parts import in_parts, is_divided
from tape.views.graph import Graph, OpNode, TensorNode
from tape.views.scopes import Scope, repeats, scopes_of

MOST_BESIDE = 10
"""Edges from one box to another, of more that there are."""


@dataclass(frozen=True, slots=True)
class Box:
    """An op, a leaf, a scope that is drawn closed, or a tensor's way to or from the outside.

    Attributes
    ----------
    id : str
        By kind: "op3", "tensor4", "scope5" (its first op), "from6" and "to6" (the tensor).
    kind : str
        "op", "leaf", "scope", "from" or "to".
    label : str
        An op's name, a leaf's within the scope it is drawn in (its role if it has none), a
        scope's, or that of the scope, or else the op, at the other end of the way.
    ops : tuple of int
        The ops that it stands for.
    scope : str
        The path of a closed scope; otherwise of the one that it is drawn in.
    times : int
        How many repeats a closed scope stands for.
    tensor : int or None
        The leaf, or what is on its way, the first of several.
    there : int or None
        The op at the other end of the way, the first if there are several.
    """

    id: str
    kind: Literal["op", "leaf", "scope", "from", "to"]
    label: str
    ops: tuple[int, ...]
    scope: str
    times: int = 1
    tensor: int | None = None
    there: int | None = None

    def tensors(self, graph: Graph) -> list[TensorNode]:
        """What its ops made, or the tensor that it is."""
        if self.tensor is not None:
            return [graph.tensors[self.tensor]]
        return [graph.tensors[graph.ops[op].output] for op in self.ops]


@dataclass(frozen=True, slots=True)
class Group:
    """An open scope.

    Attributes
    ----------
    path, label : str
        Of a run of repeats, the first one's path, and "blocks.0 … blocks.5 × 6".
    times : int
        How many repeats it stands for; 0 for the scope that is seen.
    boxes : tuple of Box
    groups : tuple of Group
    """

    path: str
    label: str
    times: int
    boxes: tuple[Box, ...]
    groups: tuple[Group, ...]

    def all_boxes(self) -> Iterator[Box]:
        """The boxes in it, and in the groups below."""
        yield from self.boxes
        for group in self.groups:
            yield from group.all_boxes()


@dataclass(frozen=True, slots=True)
class Edge:
    """A tensor on its way from the box that made it to one that reads it.

    Of the tensors that go from a part of a scope to one other box, only the first has an edge.

    Attributes
    ----------
    tail, head : str
        The boxes' ids.
    tensor : int
    back : bool
        Whether a gradient flows back along it.
    """

    tail: str
    head: str
    tensor: int
    back: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """A graph as a picture shows it.

    Attributes
    ----------
    root : Group
    edges : tuple of Edge
    depth : int
        How many levels of scopes are open.
    closed : bool
        Whether these are fewer than were asked for, to keep to `max_boxes`.
    divided : bool
        Whether parts of the scope are a box each, for the same reason.
    """

    root: Group
    edges: tuple[Edge, ...]
    depth: int
    closed: bool = False
    divided: bool = False


def select(
    graph: Graph,
    *,
    scope: str = "",
    depth: int | None = None,
    fold: bool = True,
    max_boxes: int | None = None,
) -> Selection:
    """Choose what to show of a graph.

    Parameters
    ----------
    scope : str
        Only what ran in there, and the tensors that go in and out.
    depth : int, optional
        How many levels of scopes to open; the others are a box each. All by default.
    fold : bool
        Show one of several neighbours that do the same, as "blocks.0 … blocks.5 × 6".
    max_boxes : int, optional
        Open fewer levels if there would be more boxes than that, and if even that does not help,
        show parts of the scope as a box each.

    Raises
    ------
    ValueError
        If no op ran in that scope, or the depth is negative.
    """
    if depth is not None and depth < 0:
        raise ValueError(f"depth counts levels of scopes from 0, not {depth}")
    seen = scopes_of(graph).find(scope)
    wanted = seen.height if depth is None else min(depth, seen.height)
    reading = _Reading(graph)
    most = sys.maxsize if max_boxes is None else max_boxes
    for level in range(wanted, -1, -1):
        arrangement = _Arrangement(reading, seen, level, fold)
        if len(arrangement.boxes) <= most:
            return arrangement.selection(closed=level < wanted)
    limit = most
    while len(arrangement.boxes) > most and limit > 1:
        arrangement = _Arrangement(reading, in_parts(seen, limit), 0, fold)
        limit //= 2
    return arrangement.selection(closed=wanted > 0, divided=most > 1)


def select_each(graph: Graph, root: Scope) -> Iterator[Selection]:
    """What to show of each scope of a tree, parents first: the scopes in it are closed."""
    reading = _Reading(graph)
    for scope in root.walk():
        yield _Arrangement(reading, scope, 0, fold=False).selection()


class _Read(NamedTuple):
    """An op reads a tensor, as one of its operands."""

    op: OpNode
    position: int
    tensor: int

    @property
    def wanted(self) -> bool:
        """Whether a gradient flows back here."""
        return self.op.operands[self.position].wanted


class _Reading:
    """All that is read in a graph, by op and by tensor, and whether a walk back came by."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.walked = any(op.walked for op in graph.ops)
        self.of_op: list[list[_Read]] = [[] for _ in graph.ops]
        self.of_tensor: list[list[_Read]] = [[] for _ in graph.tensors]
        for op in graph.ops:
            for position, operand in enumerate(op.operands):
                if operand.tensor is not None:
                    read = _Read(op, position, operand.tensor)
                    self.of_op[op.number].append(read)
                    self.of_tensor[operand.tensor].append(read)


class _Arrangement:
    """Which box every op and tensor goes into, with so many levels of scopes open."""

    def __init__(self, reading: _Reading, seen: Scope, depth: int, fold: bool) -> None:
        self.reading = reading
        self.graph = reading.graph
        self.seen = seen
        self.divided = is_divided(seen)
        self.depth = depth
        self.fold = fold
        self.boxes: dict[str, Box] = {}
        self.around: dict[str, tuple[str, ...]] = {}  # the open scopes that a box is in
        self.within: dict[str, list[Box]] = defaultdict(list)  # the boxes right in an open scope
        self.runs: dict[str, list[list[Scope]]] = {}  # the children of an open scope
        self.of_op: dict[int, Box] = {}  # of one that is folded away, the box of its like
        self.of_tensor: dict[int, Box] = {}  # where it comes from
        self.outside: dict[tuple[str, str | int], Box] = {}
        self.leaving: dict[int, Box] = {}  # where a tensor goes to
        self.folded_away: set[int] = set()
        self.bundled: set[str] = set()  # the boxes from which one edge stands for several
        self._open(seen, depth, ())
        self.reads = self._reads()
        self._put_tensors()

    def selection(self, closed: bool = False, divided: bool = False) -> Selection:
        """All that was arranged."""
        return Selection(self._group(self.seen), self._edges(), self.depth, closed, divided)

    def _group(self, scope: Scope, run: Sequence[Scope] = ()) -> Group:
        """An open scope with all that is drawn in it."""
        open_runs = [run for run in self.runs[scope.path] if run[0].path in self.runs]
        return Group(
            path=scope.path,
            label=_label(run),
            times=len(run),
            boxes=tuple(self.within[scope.path]),
            groups=tuple(self._group(run[0], run) for run in open_runs),
        )

    def _edges(self) -> tuple[Edge, ...]:
        """What the ops in sight read, each operand once, and the ways out."""
        found: dict[tuple[object, ...], Edge] = {}
        beside: Counter[tuple[str, str]] = Counter()
        for read in self.reads:
            tail = self.of_tensor.get(read.tensor)
            head = self.of_op.get(read.op.number) or self.leaving.get(read.tensor)
            if not tail or not head or tail is head:
                continue
            key = (tail.id, head.id, read.tensor, head.kind == "op" and read.position)
            most = 1 if tail.id in self.bundled else MOST_BESIDE
            if key not in found and beside[tail.id, head.id] < most:
                beside[tail.id, head.id] += 1
                back = read.wanted and (read.op.walked or not self.reading.walked)
                found[key] = Edge(tail.id, head.id, read.tensor, back)
        return tuple(found.values())

    def _put(self, box: Box, around: tuple[str, ...]) -> Box:
        self.boxes[box.id] = box
        self.around[box.id] = around
        self.within[around[-1]].append(box)
        self.of_op |= dict.fromkeys(box.ops, box)
        return box

    def _open(self, scope: Scope, depth: int, around: tuple[str, ...]) -> None:
        """Put the ops of a scope into boxes of their own, or of the scopes below."""
        around = (*around, scope.path)
        for op in scope.own_ops:
            self._put(Box(f"op{op.number}", "op", op.name, (op.number,), scope.path), around)
        alone = [[child] for child in scope.children]
        self.runs[scope.path] = repeats(self.graph, scope) if self.fold else alone
        for run in self.runs[scope.path]:
            first, *others = run
            if depth:
                self._open(first, depth - 1, around)
            else:
                ops = tuple(op.number for copy in run for op in copy.ops)
                box = Box(f"scope{ops[0]}", "scope", _label(run), ops, first.path, len(run))
                self._put(box, around)
                if is_divided(first):
                    self.bundled.add(box.id)
            for copy in others:
                for op, like in zip(copy.ops, first.ops, strict=True):
                    self.folded_away.add(op.number)
                    self.of_op[op.number] = self.of_op[like.number]

    def _reads(self) -> list[_Read]:
        """What the ops in sight read, and who outside is first to read what they made."""
        inside = (op for op in self.seen.ops if op.number not in self.folded_away)
        reads = [read for op in inside for read in self.reading.of_op[op.number]]
        for op in self.seen.ops:
            everywhere = self.reading.of_tensor[op.output]
            outside = (read for read in everywhere if read.op.number not in self.of_op)
            reads += islice(outside, 1)
        return sorted(reads, key=lambda read: (read.op.number, read.position))

    def _put_tensors(self) -> None:
        by_tensor: dict[int, list[OpNode]] = defaultdict(list)
        for read in self.reads:
            by_tensor[read.tensor].append(read.op)
        for number, readers in by_tensor.items():
            tensor = self.graph.tensors[number]
            heads = [self.of_op[op.number] for op in readers if op.number in self.of_op]
            if tensor.made_by in self.of_op:
                self.of_tensor[number] = self.of_op[tensor.made_by]
                for op in readers:
                    if op.number not in self.of_op:
                        self.leaving[number] = self._put_outside("to", number, op)
            elif heads and tensor.made_by is not None:
                maker = self.graph.ops[tensor.made_by]
                self.of_tensor[number] = self._put_outside("from", number, maker)
            elif heads and not self._is_private(tensor, heads):
                around = _common({self.around[box.id] for box in heads})
                label = tensor.name.removeprefix(f"{around[-1]}.") or tensor.role
                box = Box(f"tensor{number}", "leaf", label, (), around[-1], tensor=number)
                self.of_tensor[number] = self._put(box, around)

    def _put_outside(self, kind: Literal["from", "to"], tensor: int, there: OpNode) -> Box:
        """A box for each tensor; by parts, one for all whose other ends are called the same."""
        path, label = self.seen.path, there.scope or there.name
        key = (kind, label if self.divided else tensor)
        if key not in self.outside:
            box = Box(f"{kind}{tensor}", kind, label, (), path, tensor=tensor, there=there.number)
            self.outside[key] = self._put(box, (path,))
            if self.divided:
                self.bundled.add(box.id)
        return self.outside[key]

    def _is_private(self, tensor: TensorNode, heads: Sequence[Box]) -> bool:
        """Whether one closed scope has it inside: a parameter, or by parts any leaf."""
        only = heads[0]
        if only.kind != "scope" or any(head is not only for head in heads):
            return False
        return tensor.role == "parameter" or self.divided or only.id in self.bundled


def _common(paths: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """What all of them begin with."""
    same = takewhile(lambda steps: len({*steps}) == 1, zip(*paths, strict=False))
    return tuple(steps[0] for steps in same)


def _label(run: Sequence[Scope]) -> str:
    """ "attention" of one scope, "blocks.0 … blocks.5 × 6" of a run of repeats."""
    names = [scope.name for scope in run]
    return f"{names[0]} … {names[-1]} × {len(names)}" if len(names) > 1 else "".join(names)
