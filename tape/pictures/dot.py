"""Turning DOT text into a picture, with Graphviz: the program `dot`, or what pygraphviz carries."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

TEXT = ("gv", "dot")
PICTURES = ("svg", "png", "pdf")

INSTALL = (
    "Graphviz is missing. Install it (Debian, Ubuntu: apt install graphviz; macOS: brew install "
    "graphviz; Windows: winget install graphviz; conda: conda install graphviz), or pip install "
    "pygraphviz, which carries it, or write the page that needs neither: tape.to_html('tape.html')."
)

# A process of its own, so that a layout that takes too long can be killed.
PYGRAPHVIZ = """
import re, sys, pygraphviz
format, text = sys.argv[1].removeprefix("-T"), sys.stdin.buffer.read().decode()
for source in re.split("^(?=digraph )", text, flags=re.MULTILINE)[1:]:
    sys.stdout.buffer.write(pygraphviz.AGraph(string=source).draw(format=format, prog="dot"))
"""


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
    """Lay out DOT text and draw it; of several graphs, the pictures follow one another.

    Raises
    ------
    CannotDraw
        If Graphviz is missing, took longer than `timeout` seconds, or failed.
    """
    try:
        run = subprocess.run(
            [*_program(), f"-T{format}"],
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


def _program() -> list[str]:
    if dot := shutil.which("dot"):
        return [dot]
    if find_spec("pygraphviz"):
        return [sys.executable, "-P", "-c", PYGRAPHVIZ]
    raise CannotDraw(INSTALL)
