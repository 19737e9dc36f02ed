"""A tape as a table, a row for each scope."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tape.views.graph import Graph, OpNode, TensorNode
from tape.views.scopes import scope_parts, scopes_of
from tape.views.words import amount, table

HEADER = ["scope", "ops", "parameters", "FLOP", "saved", "forward", "back"]


def summarise(graph: Graph, depth: int | None = None) -> str:
    """A row for each scope with what is inside it, scopes within scopes indented, and a total.

    A parameter is counted in every scope that uses it, once in each.
    """
    rows = [HEADER]
    for scope in scopes_of(graph).walk():
        level = len(scope_parts(scope.path))
        if level > 0 and (depth is None or level <= depth):
            rows.append(_row(graph, "  " * (level - 1) + scope.name, scope.ops))
    return table([*rows, _row(graph, "total", graph.ops)], "<>>>>>>")


def parameters_of(graph: Graph, ops: Iterable[OpNode]) -> list[TensorNode]:
    """The parameters that these ops read, each once."""
    leaves = (graph.tensors[i] for i in sorted({i for op in ops for i in op.inputs}))
    return [leaf for leaf in leaves if leaf.role == "parameter"]


def n_parameters(graph: Graph, ops: Iterable[OpNode]) -> int:
    """How many numbers are in them."""
    return sum(math.prod(parameter.shape) for parameter in parameters_of(graph, ops))


def _row(graph: Graph, name: str, ops: Sequence[OpNode]) -> list[str]:
    return [
        name,
        str(len(ops)),
        amount(n_parameters(graph, ops)),
        amount(sum(op.flops for op in ops)),
        amount(sum(op.saved_bytes for op in ops), "B") if graph.watched else "-",
        _time([op.milliseconds for op in ops]),
        _time([op.back_milliseconds for op in ops]),
    ]


def _time(milliseconds: Sequence[float | None]) -> str:
    """The sum of those that are known, a dash if none is."""
    known = [each for each in milliseconds if each is not None]
    return f"{sum(known):.2f} ms" if known else "-"
