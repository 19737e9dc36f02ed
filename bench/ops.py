"""How fast single ops are, beside PyTorch's: `python -m bench.ops`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from bench.contender import Contender, in_turn
from bench.op_cases import CASES, drawn
from bench.page import publish, quartiles, table
from bench.turns import Turns
from tape import Op, Sample
from train.errors import one_line_errors

TOLERANCE = 1e-3
"""How far the sums of the gradients' absolute values may be apart, relative to PyTorch's."""

HEAD = ("op", "operands", "tapegrad (ms)", "PyTorch (ms)", "PyTorch / tapegrad")

EXPLANATION = """\
Forward and backward together in float32, on one thread, with the operands that a micro-batch of
configuration A would bring; all operands but integers want a gradient. PyTorch runs eagerly. Both
sides are processes of their own and take turns, {rounds} times. Medians, with quartiles in
brackets; a ratio is that of the same turn, and above 1 where tapegrad is faster."""


@dataclass(frozen=True)
class Arguments(Turns):
    """Time ops of tapegrad and of PyTorch in turn.

    Prints a Markdown table. Fails if their gradients differ.
    """

    page: Path | None = None
    """A Markdown page to write the table to, under the heading "Ops"."""


def compare(rounds: int) -> str:
    """The table, in Markdown.

    Raises
    ------
    RuntimeError
        If the two sides do not compute the same.
    """
    with (
        Contender("bench.ops_in_tapegrad:cases") as ours,
        Contender("bench.ops_in_pytorch:cases") as theirs,
    ):
        runs = np.array(in_turn((ours, theirs), rounds, name="ops"))
    seconds, sums = np.moveaxis(runs, (-1, 2), (0, 1))  # each (case, side, round)
    rows = []
    for case, (own, other), found in zip(CASES, seconds, sums, strict=True):
        name, operands = describe(*case)
        if not np.allclose(*found, rtol=TOLERANCE):
            raise RuntimeError(f"{name}: the gradients add up to {found[:, 0]}")
        times = (quartiles(1e3 * side, ".2f") for side in (own, other))
        rows.append((name, operands, *times, quartiles(other / own, ".2f")))
    return table([HEAD, *rows])


def describe(op: Op, sample: Sample) -> tuple[str, str]:
    """The op with its options, and the shapes of its operands."""
    name = ", ".join([op.name, *(f"{key}={value}" for key, value in sample.options.items())])
    operands, _ = drawn(op, sample)
    return name, ", ".join("x".join(map(str, operand.shape)) for operand in operands)


def main() -> None:
    """The command."""
    with one_line_errors():
        arguments = tyro.cli(Arguments, prog="python -m bench.ops")
        found = compare(arguments.rounds)
        print(found)
        if arguments.page:
            explanation = EXPLANATION.format(rounds=arguments.rounds)
            publish(arguments.page, "Ops", explanation, found, packages=["torch"])


if __name__ == "__main__":
    main()
