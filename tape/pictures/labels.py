"""What is written in a box of a picture, in the markup of Graphviz."""

from __future__ import annotations

import html
import math
from collections.abc import Collection, Iterator, Sequence

from tape.engine.record import printable
from tape.pictures.palette import ALARM, DARK, GREY, SAVED
from tape.pictures.selection import Box
from tape.views.graph import Graph, OpNode, TensorNode
from tape.views.summary import n_parameters, parameters_of
from tape.views.words import amount
from tape.watch.portrait import Portrait

SHOW = ("shape", "dtype", "bytes", "flops", "ms", "gradient")

SMALL = 9  # points


def label(graph: Graph, box: Box, show: Collection[str]) -> str:
    """A box's name, and below it in small print what `show` asks for.

    What ops saved stands there always, and so do values that are not finite.
    """
    ops = [graph.ops[i] for i in box.ops]
    facts = _scope_facts(graph, ops, show) if box.kind == "scope" else _facts(graph, box, ops, show)
    lines = [small(line) for line in facts if line]
    saved = sum(op.saved_bytes for op in ops)
    lines += [small(f"saves {amount(saved, 'B')}", SAVED)] * bool(saved)
    lines += [small(f"<B>{line}</B>", ALARM) for line in nonfinite(box.tensors(graph))]
    name = text(box.label)
    if box.kind == "op":
        name += small(f"&#160;#{box.ops[0]}")
    elif box.kind in ("from", "to"):
        name = f"{box.kind} {name}"
    elif box.kind == "leaf":
        name = small(name, DARK)
    return "<BR/>".join([name, *lines])


def text(plain: str) -> str:
    """Plain text as markup that shows it as it is."""
    return html.escape(printable(plain).replace("\\", "\\\\"))


def small(markup: str, color: str = GREY) -> str:
    """Markup in small print."""
    return f'<FONT POINT-SIZE="{SMALL}" COLOR="{color}">{markup}</FONT>'


def nonfinite(tensors: Sequence[TensorNode]) -> list[str]:
    """How many values, and how many of their gradients, are not finite: a line each, or none."""
    lines = [
        ("", [tensor.portrait for tensor in tensors]),
        ("gradient: ", [tensor.gradient for tensor in tensors]),
    ]
    return [what + _count(portraits) for what, portraits in lines if _count(portraits)]


def _count(portraits: Sequence[Portrait | None]) -> str:
    taken = [portrait for portrait in portraits if portrait is not None]
    nan, infinite = sum(p.nan for p in taken), sum(p.infinite for p in taken)
    return ", ".join(f"{n:,} {what}" for n, what in ((nan, "NaN"), (infinite, "infinite")) if n)


def _facts(graph: Graph, box: Box, ops: Sequence[OpNode], show: Collection[str]) -> Iterator[str]:
    (tensor,) = box.tensors(graph)
    shape = " × ".join(map(str, tensor.shape)) or "scalar"
    of_tensor = {"shape": shape, "dtype": tensor.dtype, "bytes": amount(tensor.bytes, "B")}
    yield " · ".join(fact for key, fact in of_tensor.items() if key in show)
    yield from _costs(ops, show)
    if "gradient" in show and tensor.gradient is not None:
        yield f"|gradient| {tensor.gradient.norm:.3g}"


def _scope_facts(graph: Graph, ops: Sequence[OpNode], show: Collection[str]) -> Iterator[str]:
    yield contents(graph, ops)
    if "bytes" in show:
        yield f"results {amount(sum(graph.tensors[op.output].bytes for op in ops), 'B')}"
    yield from _costs(ops, show)
    norms = [x.gradient.norm for x in parameters_of(graph, ops) if x.gradient is not None]
    if "gradient" in show and norms:
        yield f"|gradient of parameters| {math.hypot(*norms):.3g}"


def contents(graph: Graph, ops: Sequence[OpNode]) -> str:
    """How many ops there are and how many parameters they read, in words."""
    parameters = n_parameters(graph, ops)
    counted = [f"{len(ops)} op{'s' * (len(ops) != 1)}"]
    counted += [f"{amount(parameters)} parameter{'s' * (parameters != 1)}"] * bool(parameters)
    return ", ".join(counted)


def _costs(ops: Sequence[OpNode], show: Collection[str]) -> Iterator[str]:
    flops = sum(op.flops for op in ops)
    costs = [amount(flops, "FLOP")] * ("flops" in show and flops > 0)
    if "ms" in show:
        forward = [op.milliseconds for op in ops if op.milliseconds is not None]
        back = [op.back_milliseconds for op in ops if op.back_milliseconds is not None]
        costs += [f"{sum(forward):.3g} ms"] * bool(forward)
        costs += [f"back {sum(back):.3g} ms"] * bool(back)
    yield " · ".join(costs)
