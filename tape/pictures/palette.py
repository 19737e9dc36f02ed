"""The colours of a picture."""

from __future__ import annotations

from tape.pictures.selection import Box
from tape.views.graph import Graph

WHITE = "#ffffff"
ROLES = {  # fill and outline
    "parameter": ("#fdebd3", "#e0a458"),
    "input": ("#dfecfa", "#6fa3d8"),
    "op": (WHITE, "#98a2b3"),
    "loss": ("#fbdada", "#d9777a"),
    "activation": ("#e3f3e6", "#7dba8a"),
    "closed scope": ("#e4e7ec", "#98a2b3"),
}
OPEN_SCOPE = ("#8a94a618", "#d0d5dd")  # see-through: the deeper, the darker
GREY, DARK = "#667085", "#344054"
SAVED, GRADIENT, NO_GRADIENT, ALARM = "#0b7285", "#7a3db8", "#d0d5dd", "#d0021b"


def role_of(graph: Graph, box: Box) -> str:
    """What a box is by its colour: a key of `ROLES`.

    A tensor on its way from one scope to another is an activation; an op is an op, unless it makes
    the loss.
    """
    if box.kind == "scope":
        return "closed scope"
    (tensor,) = box.tensors(graph)
    if box.kind == "op":
        return "loss" if tensor.role == "loss" else "op"
    return tensor.role
