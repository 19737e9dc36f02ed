"""Results in Markdown, and the page that keeps them."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from bench.commits import code_of_this_tree
from tape.files import replacing
from train.machine import describe_machine


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first row is its head, and columns after the first align right."""
    head, *body = rows
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *body))


def quartiles(values: Sequence[float], form: str) -> str:
    """Median and quartiles, each formatted by `form`: "2.50 (2.00, 3.25)"."""
    low, middle, high = (format(x, form) for x in np.quantile(values, (0.25, 0.5, 0.75)))
    return f"{middle} ({low}, {high})"


def publish(path: Path, heading: str, *parts: str, packages: Sequence[str] = ()) -> None:
    """`update` with the parts, and with the command that is running, its code and its machine.

    `packages` are those whose versions matter beside NumPy's.
    """
    module = sys.modules["__main__"].__spec__.name.removesuffix(".__main__")
    command = shlex.join(["python", "-m", module, *sys.argv[1:]])
    facts = describe_machine() | {name: version(name) for name in packages}
    machine = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())
    made = f"Made by `{command}` at {code_of_this_tree()} on: {machine}."
    update(path, heading, "\n\n".join([*parts, made]))


def update(path: Path, heading: str, text: str) -> None:
    """Put `text` under "## heading" of a page, in place of what is there up to the next "## ".

    A section that is not there yet becomes the last one.
    """
    page = path.read_text("utf-8") if path.exists() else ""
    section = f"## {heading}\n\n{text.strip()}\n\n"
    old = re.compile(rf"^## {re.escape(heading)}$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    page, found = old.subn(lambda _: section, page, count=1)
    if not found:
        page = f"{page.rstrip()}\n\n{section}"
    with replacing(path) as beside:
        beside.write_text(f"{page.strip()}\n", "utf-8")
