"""Turning DOT text into a picture with Graphviz, that is the program `dot`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

TEXT = ("gv", "dot")
PICTURES = ("svg", "png", "pdf")

INSTALL = (
    "Graphviz is missing. Install it (Debian, Ubuntu: apt install graphviz; macOS: brew install "
    "graphviz; Windows: winget install graphviz; conda: conda install graphviz), or write the page "
    "that does without: tape.to_html('tape.html')."
)


class CannotDraw(RuntimeError):
    """Graphviz is missing, took too long, or failed."""


def format_of(path: Path | None, format: str | None) -> str:
    """The format that is asked for, or that a file's suffix names; "svg" without either.

    Raises
    ------
    ValueError
        If a drawing cannot be written in it.
    """
    suffix = path.suffix if path else ".svg"
    found = (suffix[1:] if format is None else format).lower()
    if found not in (*PICTURES, *TEXT):
        what = f"suffix {suffix!r} of {path}" if format is None else f"format {format!r}"
        raise ValueError(f"unknown {what}: a drawing is {', '.join(PICTURES)}, gv or dot")
    return found


def picture(source: str, format: str, timeout: float | None) -> bytes:
    """Lay out DOT text and draw it.

    Raises
    ------
    CannotDraw
        If Graphviz is missing, took longer than `timeout` seconds, or failed.
    """
    program = shutil.which("dot")
    if program is None:
        raise CannotDraw(INSTALL)
    try:
        run = subprocess.run(
            [program, f"-T{format}"],
            input=source.encode(),
            capture_output=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise CannotDraw(
            f"its layout took more than {timeout:g} s; show less with depth= or scope=, or allow "
            "more with timeout="
        ) from None
    if run.returncode:
        reason = run.stderr.decode(errors="replace").strip().splitlines()
        raise CannotDraw(f"Graphviz failed: {reason[-1] if reason else run.returncode}")
    return run.stdout
