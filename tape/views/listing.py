"""A tape as a table, a row for each op."""

from __future__ import annotations

from tape.engine.record import printable
from tape.views.graph import Graph, OpNode
from tape.views.words import amount, table

OPERANDS = 6  # of more, only the first are named

HEADER = ["#", "op", "operands", "result", "saved", "scope"]


def listing(graph: Graph) -> str:
    """What each op read and made, the memory held for its VJP, and the scope it ran in."""
    return table([HEADER, *(_row(graph, op) for op in graph.ops)], "><<<><")


def _row(graph: Graph, op: OpNode) -> list[str]:
    result = graph.tensors[op.output]
    return [
        f"#{op.number}",
        op.name,
        _operands([_source(graph, operand.tensor) for operand in op.operands]),
        f"{result.dtype}{result.shape}",
        amount(op.saved_bytes, "B") if graph.watched else "-",
        printable(op.scope),
    ]


def _operands(sources: list[str]) -> str:
    if len(sources) > OPERANDS:
        sources = [*sources[: OPERANDS - 1], f"… {len(sources)} in all"]
    return ", ".join(sources)


def _source(graph: Graph, number: int | None) -> str:
    if number is None:
        return "None"
    tensor = graph.tensors[number]
    return printable(tensor.name) or "leaf" if tensor.made_by is None else f"#{tensor.made_by}"
