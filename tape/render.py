"""Drawing a tape."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from graphviz import Digraph, ExecutableNotFound, escape

from tape.place import scope_parts
from tape.record import Record
from tape.tensor import Tensor

PARAMETER, INPUT, OP = "#f6d9b8", "#d9e8f6", "#ffffff"


def draw(records: Sequence[Record]) -> Digraph:
    """The records as a graph: ops white, parameters orange, other leaves blue, scopes boxed.

    The same records give the same text.
    """
    graph = Digraph("tape", node_attr={"shape": "box", "style": "filled,rounded"})
    graph.attr(fontname="sans-serif")
    graph.attr("node", fontname="sans-serif", fontsize="11")
    _draw_scopes(graph, records, ())
    leaves: dict[Tensor, str] = {}
    for record in records:
        for source in record.sources:
            if isinstance(source, Tensor) and source not in leaves:
                leaves[source] = f"leaf{len(leaves)}"
                color = PARAMETER if source.requires_grad else INPUT
                label = _label(source.name or "input", source.shape)
                graph.node(leaves[source], label, fillcolor=color, shape="box", style="filled")
            if source is not None:
                tail = leaves[source] if isinstance(source, Tensor) else str(source)
                graph.edge(tail, str(record.number))
    return graph


def save(graph: Digraph, filename: str | Path) -> None:
    """Write a graph to a file, in the format that its suffix names; `.gv` is Graphviz's own text.

    Raises
    ------
    RuntimeError
        If the program `dot` is missing, which every format but `.gv` needs.
    """
    path = Path(filename)
    if path.suffix == ".gv":
        path.write_text(graph.source, encoding="utf-8")
        return
    try:
        graph.render(outfile=path, cleanup=True)
    except ExecutableNotFound:
        raise RuntimeError(
            f"drawing {path} needs the program `dot`: install Graphviz (apt, brew, winget or conda "
            "install graphviz), or draw to a .gv file"
        ) from None


def _draw_scopes(graph: Digraph, records: Sequence[Record], outer: tuple[str, ...]) -> None:
    """Ops as nodes, those of a scope in a cluster of their own."""
    depth = len(outer)
    for inner, group in groupby(
        records, lambda record: scope_parts(record.scope)[depth : depth + 1]
    ):
        if not inner:
            for record in group:
                graph.node(str(record.number), _label(record.op.name, record.shape), fillcolor=OP)
            continue
        with graph.subgraph(name=f"cluster {'.'.join(outer + inner)}") as cluster:
            cluster.attr(label=escape(inner[0]), color="#aaaaaa", fontcolor="#666666")
            _draw_scopes(cluster, list(group), outer + inner)


def _label(name: str, shape: tuple[int, ...]) -> str:
    return escape(f"{name}\n{' x '.join(map(str, shape)) or 'scalar'}")
