"""How speed and memory grow with each size, beside theory: `python -m bench.scaling`."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import tyro

from bench.configurations import CONFIGURATIONS, Configuration
from bench.contender import Contender, in_turn
from bench.floor import matrix_products
from bench.page import publish, quartiles, table
from bench.turns import Turns
from train.config import Config, usable_cores
from train.errors import one_line_errors
from train.memory import PROGRAM, peak_memory

BASE = CONFIGURATIONS["B"]
FACTORS = (0.5, 2, 4)
"""By which each size of the base is multiplied, alone."""

VARIED = {
    "batch size": "batch_size",
    "context": "context",
    "width": "d_model",
    "depth": "n_layers",
}

HEAD = (
    *("varied", "value", "tokens/s", "time per token / base's", "predicted"),
    *("peak memory (MiB)", "/ base's", "predicted"),
)

EXPLANATION = """\
A train step of configuration B ({base}; {workers} workers), and of others in which one size
differs. Time is predicted from the matrix products alone: their floating-point operations for each
token, on as many workers as there are micro-batches for. Memory is predicted by what a run tells
before it begins (`train/memory.py`): so much for each parameter, for each pair of tokens in a
head's attention, and for each number of the residual stream in a layer, of the micro-batches in
flight.
Each row is a process of its own; they take turns, {rounds} times.
Medians, with quartiles in brackets; a ratio of times is that of the same turn. Memory is above
that after imports."""


@dataclass(frozen=True)
class Arguments(Turns):
    """Time train steps of tapegrad, each of its sizes varied alone, in turn.

    Prints a Markdown table.
    """

    rounds: int = 5
    """Turns that are counted; two before them are not."""
    page: Path | None = None
    """A Markdown page to write the table to, under the heading "Scaling"."""


@dataclass(frozen=True)
class Case:
    """A train step that differs from the base's in one size."""

    varied: str
    value: str
    configuration: Configuration
    workers: int

    @property
    def tokens(self) -> int:
        """In a step."""
        return self.configuration.batch_size * self.configuration.context

    @property
    def _micro_batches(self) -> int:
        return self.configuration.batch_size // self.configuration.micro_batch

    def time(self) -> float:
        """For each token, in floating-point operations of the worker that has the most."""
        products = matrix_products(self.configuration)
        flops = sum(2 * math.prod(shape) * count for shape, count in products.items())
        rounds = math.ceil(self._micro_batches / self.workers)
        return flops / self.tokens * rounds / self._micro_batches

    def memory(self) -> float:
        """Bytes that a run says it will take, without the program's own."""
        config = Config(**asdict(self.configuration), workers=self.workers)
        return peak_memory(config, config.vocab_size) - PROGRAM


def cases(workers: int) -> list[Case]:
    """The base, which is the first, and what differs from it in one size."""
    found = [Case("base", "", BASE, workers)]
    for varied, name in VARIED.items():
        for factor in FACTORS:
            value = int(factor * getattr(BASE, name))
            found.append(Case(varied, str(value), replace(BASE, **{name: value}), workers))
    fewer = [2**i for i in range(workers.bit_length()) if 2**i < workers]
    return found + [Case("workers", str(n), BASE, n) for n in fewer]


def compare(all_cases: list[Case], rounds: int) -> str:
    """The table, in Markdown."""
    with ExitStack() as stack:
        contenders = [
            stack.enter_context(
                Contender("bench.in_tapegrad:train_step", case.configuration, case.workers)
            )
            for case in all_cases
        ]
        runs = in_turn(contenders, rounds, name="scaling")
        peaks = [contender.peak_memory() for contender in contenders]
    times = [
        np.array([seconds for seconds, _ in own]) / case.tokens
        for case, own in zip(all_cases, runs, strict=True)
    ]
    base = all_cases[0]
    rows = []
    for case, taken, peak in zip(all_cases, times, peaks, strict=True):
        memory = case.memory() / base.memory()
        rows.append(
            (
                *(case.varied, case.value, quartiles(1 / taken, ",.0f")),
                *(quartiles(taken / times[0], ".2f"), f"{case.time() / base.time():.2f}"),
                *(f"{peak / 2**20:,.0f}", f"{peak / peaks[0]:.2f}", f"{memory:.2f}"),
            )
        )
    return table([HEAD, *rows])


def main() -> None:
    """The command."""
    with one_line_errors():
        arguments = tyro.cli(Arguments, prog="python -m bench.scaling")
        workers = usable_cores()
        found = compare(cases(workers), arguments.rounds)
        print(found)
        if arguments.page:
            settings = ", ".join(f"{key} {value}" for key, value in asdict(BASE).items())
            explanation = EXPLANATION.format(
                base=settings, workers=workers, rounds=arguments.rounds
            )
            publish(arguments.page, "Scaling", explanation, found)


if __name__ == "__main__":
    main()
