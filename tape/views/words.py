"""Numbers and tables in words, for people who read a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def amount(n: float, unit: str = "") -> str:
    """`n` to three digits with an SI prefix: "1.23 MB", "512 B", "0"."""
    prefixes = ["", "k", "M", "G", "T", "P", "E"]
    while n >= 999.5 and len(prefixes) > 1:
        n, prefixes = n / 1000, prefixes[1:]
    digits = f"{n:.3g}"
    return f"{digits} {prefixes[0]}{unit}".rstrip() if n else "0"


def table(rows: Sequence[Sequence[str]], align: str) -> str:
    """Rows of cells in columns; `align` has a < (left) or > (right) for each column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True)
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)
