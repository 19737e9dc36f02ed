"""What is written above a picture, in the markup of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tape.pictures.labels import contents, small, text
from tape.pictures.palette import ALARM, GRADIENT, ROLES, WHITE, role_of
from tape.pictures.selection import Group, Selection
from tape.views.graph import Graph, OpNode
from tape.views.scopes import scopes_of
from tape.views.words import amount

WIDTH = 240  # points at least, so that both walks are laid out alike, whatever is said of them


def caption(graph: Graph, selection: Selection, backward: bool) -> str:
    """What is seen, what the colours mean, what is not shown, and what is not finite."""
    lines = "<BR/>".join(_lines(graph, selection, backward))
    cell = f'<TD WIDTH="{WIDTH}" ALIGN="LEFT" BALIGN="LEFT">{lines}</TD>'
    return f'<TABLE BORDER="0" CELLSPACING="0"><TR>{cell}</TR></TABLE>'


def _lines(graph: Graph, selection: Selection, backward: bool) -> Iterator[str]:
    ops = scopes_of(graph).find(selection.root.path).ops
    saved = sum(op.saved_bytes for op in ops)
    size = contents(graph, ops) + f", saves {amount(saved, 'B')}" * bool(saved)
    yield f"<B>{text(selection.root.path) or 'tape'}</B>&#160;&#160; {small(size)}"
    yield small(_legend({role_of(graph, box) for box in selection.root.all_boxes()}))
    if backward:
        yield small("walk back: arrows carry gradients, += sums", GRADIENT)
    else:
        yield small("forward: arrows carry results")
    times = [box.times for box in selection.root.all_boxes()]
    times += [group.times for group in _groups(selection.root)]
    if max(times, default=1) > 1:
        yield small("repeats are folded into the first (fold=False shows all)")
    if selection.closed:
        yield small(f"closed below depth {selection.depth}, to keep to max_nodes boxes")
    if selection.divided:
        yield small("runs of ops are a box each, to keep to max_nodes boxes")
    alarm = _first_nonfinite(graph, ops)
    if alarm:
        yield small(f"<B>{text(alarm)}</B>", ALARM)


def _legend(roles: set[str]) -> str:
    swatches = []
    for role, (fill, outline) in ROLES.items():
        if role in roles:
            square = "□" if fill == WHITE else "■"
            swatches.append(f'<FONT COLOR="{outline}" POINT-SIZE="11">{square}</FONT>&#160;{role}')
    return "&#160;&#160; ".join(swatches)


def _groups(group: Group) -> Iterator[Group]:
    for inner in group.groups:
        yield inner
        yield from _groups(inner)


def _first_nonfinite(graph: Graph, ops: Sequence[OpNode]) -> str:
    """Where the first NaN or infinity came up, walking forward and then back, "" if nowhere."""
    forward = [("result", op, graph.tensors[op.output].portrait) for op in ops]
    back = [("gradient", op, graph.tensors[op.output].gradient) for op in reversed(ops)]
    for what, op, portrait in forward + back:
        if portrait is not None and not portrait.finite:
            where = f" in {op.scope}" if op.scope else ""
            return f"first {what} that is not finite: #{op.number} {op.name}{where}"
    return ""
