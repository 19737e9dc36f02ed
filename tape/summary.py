"""A tape as a table, a row for each scope."""

from __future__ import annotations

from collections.abc import Sequence

from tape.place import scope_parts
from tape.record import Record
from tape.tensor import Tensor
from tape.words import amount, table

HEADER = ["scope", "ops", "parameters", "FLOP", "saved", "forward", "back"]


def summarise(records: Sequence[Record], depth: int | None = None) -> str:
    """A row for each scope with what is inside it, scopes within scopes indented, and a total.

    A parameter is counted in every scope that uses it, once in each.
    """
    scopes: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        parts = scope_parts(record.scope)[:depth]
        for level in range(1, len(parts) + 1):
            scopes.setdefault(parts[:level], []).append(record)

    def as_entered(parts: tuple[str, ...]) -> list[int]:
        """The records with which a scope and those around it began, from the outermost."""
        return [scopes[parts[:level]][0].number for level in range(1, len(parts) + 1)]

    rows = [
        _row("  " * (len(parts) - 1) + parts[-1], scopes[parts])
        for parts in sorted(scopes, key=as_entered)
    ]
    return table([HEADER, *rows, _row("total", records)], "<>>>>>>")


def _row(name: str, records: Sequence[Record]) -> list[str]:
    leaves = {x for record in records for x in record.sources if isinstance(x, Tensor)}
    walked = [r.vjp_seconds for r in records if r.vjp_seconds is not None]
    return [
        name,
        str(len(records)),
        amount(sum(leaf.size for leaf in leaves if leaf.requires_grad)),
        amount(sum(r.flops for r in records)),
        amount(sum(r.saved_bytes for r in records), "B"),
        f"{sum(r.seconds for r in records) * 1e3:.2f} ms",
        f"{sum(walked) * 1e3:.2f} ms" if walked else "-",
    ]
