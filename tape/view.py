"""What a picture of a graph shows: boxes in groups, and the edges between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from tape.graph import Graph, OpNode, TensorNode
from tape.scopes import Scope, repeats, scopes_of


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
        The leaf, or what is on its way.
    """

    id: str
    kind: Literal["op", "leaf", "scope", "from", "to"]
    label: str
    ops: tuple[int, ...]
    scope: str
    times: int = 1
    tensor: int | None = None


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
class View:
    """A graph as a picture shows it.

    Attributes
    ----------
    root : Group
    edges : tuple of Edge
    depth : int
        How many levels of scopes are open.
    closed : bool
        Whether these are fewer than were asked for, to keep to `max_boxes`.
    """

    root: Group
    edges: tuple[Edge, ...]
    depth: int
    closed: bool


def view(
    graph: Graph,
    *,
    scope: str = "",
    depth: int | None = None,
    fold: bool = True,
    max_boxes: int | None = None,
) -> View:
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
        Open fewer levels if there would be more boxes than that.

    Raises
    ------
    ValueError
        If no op ran in that scope, or the depth is negative.
    """
    if depth is not None and depth < 0:
        raise ValueError(f"depth counts levels of scopes from 0, not {depth}")
    seen = scopes_of(graph).find(scope)
    wanted = seen.height if depth is None else min(depth, seen.height)
    for level in range(wanted, -1, -1):
        arrangement = _Arrangement(graph, seen, level, fold)
        if max_boxes is None or len(arrangement.boxes) <= max_boxes:
            break
    return View(arrangement.group(seen), arrangement.edges(), level, closed=level < wanted)


class _Arrangement:
    """Which box every op and tensor goes into, with so many levels of scopes open."""

    def __init__(self, graph: Graph, seen: Scope, depth: int, fold: bool) -> None:
        self.graph = graph
        self.seen = seen
        self.fold = fold
        self.boxes: dict[str, Box] = {}
        self.around: dict[str, tuple[str, ...]] = {}  # the open scopes that a box is in
        self.runs: dict[str, list[list[Scope]]] = {}  # the children of an open scope
        self.of_op: dict[int, Box] = {}  # of one that is folded away, the box of its like
        self.of_tensor: dict[int, Box] = {}  # where it comes from
        self.folded_away: set[int] = set()
        self._open(seen, depth, ())
        self._place_tensors()

    def group(self, scope: Scope, run: Sequence[Scope] = ()) -> Group:
        """An open scope with all that is drawn in it."""
        open_runs = [run for run in self.runs[scope.path] if run[0].path in self.runs]
        return Group(
            path=scope.path,
            label=_label(run),
            times=len(run),
            boxes=tuple(b for b in self.boxes.values() if self.around[b.id][-1] == scope.path),
            groups=tuple(self.group(run[0], run) for run in open_runs),
        )

    def edges(self) -> tuple[Edge, ...]:
        """What the ops in sight read, each operand once, and the ways out."""
        walked = any(op.walked for op in self.graph.ops)
        found: dict[tuple[object, ...], Edge] = {}
        for op in self.graph.ops:
            if op.number in self.folded_away:
                continue
            for place, operand in enumerate(op.operands):
                tail, head = self.of_tensor.get(operand.tensor), self.of_op.get(op.number)
                if tail and not head:
                    head = self.boxes.get(f"to{operand.tensor}")
                if tail and head and tail is not head:
                    key = (tail.id, head.id, operand.tensor, head.kind == "op" and place)
                    back = operand.wanted and (op.walked or not walked)
                    found.setdefault(key, Edge(tail.id, head.id, operand.tensor, back))
        return tuple(found.values())

    def _put(self, box: Box, around: tuple[str, ...]) -> Box:
        self.boxes[box.id] = box
        self.around[box.id] = around
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
            for copy in others:
                for op, like in zip(copy.ops, first.ops, strict=True):
                    self.folded_away.add(op.number)
                    self.of_op[op.number] = self.of_op[like.number]

    def _place_tensors(self) -> None:
        readers: dict[int, list[OpNode]] = {}
        for op in self.graph.ops:
            if op.number not in self.folded_away:
                for tensor in op.inputs:
                    readers.setdefault(tensor, []).append(op)
        for number, ops in readers.items():
            tensor = self.graph.tensors[number]
            heads = [self.of_op[op.number] for op in ops if op.number in self.of_op]
            if tensor.made_by in self.of_op:
                self.of_tensor[number] = self.of_op[tensor.made_by]
                elsewhere = [op for op in ops if op.number not in self.of_op]
                if elsewhere:
                    self._put_outside("to", number, elsewhere[0])
            elif heads and tensor.made_by is not None:
                maker = self.graph.ops[tensor.made_by]
                self.of_tensor[number] = self._put_outside("from", number, maker)
            elif heads and not self._is_private(tensor, heads):
                around = _common([self.around[box.id] for box in heads])
                label = tensor.name.removeprefix(f"{around[-1]}.") or tensor.role
                box = Box(f"tensor{number}", "leaf", label, (), around[-1], tensor=number)
                self.of_tensor[number] = self._put(box, around)

    def _put_outside(self, kind: Literal["from", "to"], tensor: int, there: OpNode) -> Box:
        path = self.seen.path
        label = there.scope or there.name
        return self._put(Box(f"{kind}{tensor}", kind, label, (), path, tensor=tensor), (path,))

    @staticmethod
    def _is_private(tensor: TensorNode, heads: Sequence[Box]) -> bool:
        """Whether it is a parameter of one closed scope, which has it inside."""
        return tensor.role == "parameter" and heads[0].kind == "scope" and len({*heads}) == 1


def _common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What all of them begin with."""
    same = takewhile(lambda steps: len({*steps}) == 1, zip(*paths, strict=False))
    return tuple(steps[0] for steps in same)


def _label(run: Sequence[Scope]) -> str:
    """ "attention" of one scope, "blocks.0 … blocks.5 × 6" of a run of repeats."""
    names = [scope.name for scope in run]
    return f"{names[0]} … {names[-1]} × {len(names)}" if len(names) > 1 else "".join(names)
