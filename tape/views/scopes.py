"""The scopes of a graph as a tree, and which of them repeat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from tape.views.graph import Graph, OpNode


@dataclass(slots=True)
class Scope:
    """A part of a model as its ops name it; the root has the path "".

    Attributes
    ----------
    path, name : str
        "blocks.3.attention" and, within its parent, "attention".
    own_ops : list of OpNode
        Those that are in no scope below.
    children : list of Scope
        In the order in which they were first entered.
    ops : list of OpNode
        All in it, and in the scopes below, in tape order.
    """

    path: str
    name: str
    own_ops: list[OpNode] = field(default_factory=list)
    children: list[Scope] = field(default_factory=list)
    ops: list[OpNode] = field(default_factory=list)

    @property
    def height(self) -> int:
        """How many levels of scopes are below."""
        return max((1 + child.height for child in self.children), default=0)

    def walk(self) -> Iterator[Scope]:
        """The scope and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, path: str) -> Scope:
        """The scope of that path, here or below.

        Raises
        ------
        ValueError
            If there is none.
        """
        for scope in self.walk():
            if scope.path == path:
                return scope
        paths = ", ".join(scope.path for scope in self.walk() if scope.path)
        raise ValueError(f"no op ran in a scope {path!r}; the scopes are: {paths or 'none'}")


def scope_parts(path: str) -> tuple[str, ...]:
    """ "blocks.3.attention" in its steps: ("blocks.3", "attention")."""
    return tuple(re.split(r"\.(?!\d)", path)) if path else ()


def scopes_of(graph: Graph) -> Scope:
    """The root of the tree of a graph's scopes."""
    root = Scope("", "")
    by_path = {"": root}
    for op in graph.ops:
        scope = root
        scope.ops.append(op)
        for part in scope_parts(op.scope):
            path = f"{scope.path}.{part}" if scope.path else part
            if path not in by_path:
                by_path[path] = Scope(path, part)
                scope.children.append(by_path[path])
            scope = by_path[path]
            scope.ops.append(op)
        scope.own_ops.append(op)
    return root


def repeats(graph: Graph, scope: Scope) -> list[list[Scope]]:
    """The children in runs: neighbours "blocks.0", "blocks.1", ... that do the same are one run.

    The same are ops of the same names in the same scopes on the same shapes, joined in the same
    way, with parameters of the same shapes and other tensors from outside of the same shapes.
    """
    same = groupby(scope.children, lambda child: (_stem(child.name), _signature(graph, child)))
    return [list(run) for _, run in same]


def _stem(name: str) -> str:
    """ "blocks" of "blocks.3"; a name without a number is its own."""
    return re.sub(r"\.\d+$", "", name)


def _signature(graph: Graph, scope: Scope) -> Sequence[tuple[Any, ...]]:
    ops = scope.ops
    position = {op.output: i for i, op in enumerate(ops)}

    def source(tensor: int | None) -> tuple[Any, ...]:
        if tensor is None or tensor in position:
            return (None if tensor is None else position[tensor],)
        node = graph.tensors[tensor]
        return ("from outside", node.shape, node.role == "parameter")

    return [
        (
            op.name,
            op.scope.removeprefix(scope.path),
            graph.tensors[op.output].shape,
            tuple(source(operand.tensor) for operand in op.operands),
        )
        for op in ops
    ]
