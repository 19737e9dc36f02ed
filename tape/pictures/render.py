"""A selection of a graph as DOT text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from graphviz import Digraph

from tape.pictures.caption import caption
from tape.pictures.drawing import Drawing
from tape.pictures.labels import SHOW, label, nonfinite, text
from tape.pictures.palette import ALARM, GRADIENT, GREY, NO_GRADIENT, OPEN_SCOPE, ROLES, role_of
from tape.pictures.selection import Group, Selection
from tape.views.graph import Graph

DIRECTIONS = ("TB", "BT", "LR", "RL")

GRAPH = {
    "fontname": "Helvetica,Arial,sans-serif",
    "fontsize": "11",
    "labelloc": "t",
    "labeljust": "l",
    "nodesep": "0.12",
    "ranksep": "0.2",
}
NODE = {
    "shape": "box",
    "style": "rounded,filled",
    "fontname": GRAPH["fontname"],
    "fontsize": "11",
    "width": "0.3",
    "height": "0.25",
    "margin": "0.08,0.05",
    "penwidth": "0.8",
}
EDGE = {
    "fontname": GRAPH["fontname"],
    "fontsize": "12",
    "fontcolor": GRADIENT,
    "labeldistance": "1.4",
    "labelangle": "40",
    "color": GREY,
    "penwidth": "0.8",
    "arrowsize": "0.5",
}


def draw(
    graph: Graph,
    selection: Selection,
    *,
    direction: str = "TB",
    show: Collection[str] = ("shape",),
    backward: bool = False,
) -> Drawing:
    """Draw a selection of a graph, forward or walking back; the same gives the same text.

    Raises
    ------
    ValueError
        If the direction or an entry of `show` is unknown, or gradients are asked for and the graph
        has none.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"unknown direction {direction!r}: it is one of {', '.join(DIRECTIONS)}")
    for entry in show:
        if entry not in SHOW:
            raise ValueError(f"unknown entry {entry!r} of show: it is any of {', '.join(SHOW)}")
    if "gradient" in show and not any(tensor.gradient for tensor in graph.tensors):
        raise ValueError(
            "no gradients to show: open Tape(trace=True), and call tape.backward(loss)"
        )

    drawing = Drawing("tape", graph_attr=GRAPH, node_attr=NODE, edge_attr=EDGE)
    drawing.graph = graph
    drawing.attr(rankdir=direction, label=f"<{caption(graph, selection, backward)}>")
    _draw_group(drawing, graph, selection.root, show, "cluster")
    sections = {box.id: group.path for group in selection.root.groups for box in group.all_boxes()}
    to_come = Counter(edge.tensor for edge in selection.edges if edge.back)
    for edge in selection.edges:
        attributes = {}
        leads_on = graph.tensors[edge.tensor].made_by is not None
        if leads_on and sections.get(edge.tail) != sections.get(edge.head):
            attributes["minlen"] = "2"  # room for the leaves of a section below the one before it
        if backward and edge.back:
            attributes |= {"dir": "back", "color": GRADIENT}
            to_come[edge.tensor] -= 1
            if to_come[edge.tensor]:  # the last to read a tensor is the first to send a gradient
                attributes["taillabel"] = "+="
        elif backward:
            attributes |= {"dir": "none", "color": NO_GRADIENT}
        drawing.edge(edge.tail, edge.head, **attributes)
    return drawing


def _draw_group(
    into: Digraph, graph: Graph, group: Group, show: Collection[str], name: str
) -> None:
    """The boxes of a scope, and the scopes in it as clusters, whose names begin with its own."""
    for box in group.boxes:
        fill, outline = ROLES[role_of(graph, box)]
        alarm = nonfinite(box.tensors(graph))
        into.node(
            box.id,
            f"<{label(graph, box, show)}>",
            fillcolor=fill,
            color=ALARM if alarm else outline,
            penwidth="2" if alarm else None,
        )
    fill, outline = OPEN_SCOPE
    for i, inner in enumerate(group.groups):
        with into.subgraph(name=f"{name}_{i}") as cluster:
            cluster.attr(
                label=f"<{text(inner.label)}>",
                style="rounded,filled",
                fillcolor=fill,
                color=outline,
                fontcolor=GREY,
                fontsize="10",
                margin="6",
            )
            _draw_group(cluster, graph, inner, show, f"{name}_{i}")
