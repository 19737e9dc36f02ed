"""What an op costs beside its arithmetic, here and elsewhere: `python -m bench.overhead`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from bench.contender import Contender, in_turn
from bench.overhead_cases import PROGRAMS
from bench.overhead_in_tapegrad import numbers_of_ops
from bench.page import publish, quartiles, table
from bench.turns import Turns
from train.errors import one_line_errors

TOLERANCE = 1e-3
"""How far the sums of the gradients' absolute values may be apart, relative to PyTorch's."""

CONTENDERS = {
    "tapegrad, guard=False": ("bench.overhead_in_tapegrad:cases", False),
    "tapegrad": ("bench.overhead_in_tapegrad:cases", True),
    "PyTorch, eager": ("bench.overhead_in_pytorch:cases",),
    "MyGrad": ("bench.overhead_in_mygrad:cases",),
    "HIPS autograd": ("bench.overhead_in_autograd:cases",),
}
THEM = "PyTorch, eager"

EXPLANATION = """\
Microseconds for each op, forward and back together, in float32 on one thread; an op is one that
tapegrad's tape has. Every library is a process of its own, and they take turns, {rounds} times.
Medians, with quartiles in brackets; the ratio to PyTorch is that of the same turn."""


@dataclass(frozen=True)
class Arguments(Turns):
    """Time programs of many small ops in tapegrad and in other libraries, in turn.

    Prints Markdown tables. Fails if the gradients differ.
    """

    page: Path | None = None
    """A Markdown page to write the tables to, under the heading "Overhead"."""


def compare(rounds: int) -> str:
    """A table of programs, and one of a call off the tape, in Markdown.

    Raises
    ------
    RuntimeError
        If the libraries do not compute the same.
    """
    with ExitStack() as stack:
        made = [*CONTENDERS.values(), ("bench.overhead_in_tapegrad:adds",)]
        processes = [stack.enter_context(Contender(*each)) for each in made]
        *runs, adds = in_turn(processes, rounds, name="overhead")
    seconds, sums = np.moveaxis(np.array(runs), -1, 0)  # each (contender, round, program)
    names = list(CONTENDERS)
    if not np.allclose(sums, sums[names.index(THEM)], rtol=TOLERANCE):
        raise RuntimeError(f"the gradients add up to {dict(zip(names, sums[:, 0], strict=True))}")
    microseconds = 1e6 * seconds / numbers_of_ops()
    ratios = microseconds / microseconds[names.index(THEM)]
    rows = [
        [name, *map(_cell, own.T, to.T)]
        for name, own, to in zip(names, microseconds, ratios, strict=True)
    ]
    head = ["", *(str(program.__doc__).rstrip(".") for program in PROGRAMS)]
    off, plain = 1e6 * np.array(adds).T
    calls = [
        ["", "µs"],
        ["`ops.add` off the tape", quartiles(off, ".2f")],
        ["`np.add`", quartiles(plain, ".2f")],
        ["the difference", quartiles(off - plain, ".2f")],
    ]
    return f"{table([head, *rows])}\n\n{table(calls)}"


def _cell(microseconds: np.ndarray, ratios: np.ndarray) -> str:
    return f"{quartiles(microseconds, '.1f')}, × {np.median(ratios):.2f}"


def main() -> None:
    """The command."""
    with one_line_errors():
        arguments = tyro.cli(Arguments, prog="python -m bench.overhead")
        found = compare(arguments.rounds)
        print(found)
        if arguments.page:
            explanation = EXPLANATION.format(rounds=arguments.rounds)
            packages = ["torch", "mygrad", "autograd"]
            publish(arguments.page, "Overhead", explanation, found, packages=packages)


if __name__ == "__main__":
    main()
