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
from bench.page import publish, spread, table
from ops.attention import BLOCK
from train.config import usable_cores
from train.errors import UserError, one_line_errors

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
token, on as many workers as there are micro-batches for. Memory is predicted as the parameters,
times four bytes for data, two moments and a gradient; attention's weights, over pairs of tokens;
and activations, which are the rest of the base's peak and grow with the tokens in flight, the width
and the depth. Each row is a process of its own; they take turns, {rounds} times.
Medians, with quartiles in brackets; a ratio of times is that of the same turn. Memory is above
that after imports."""


@dataclass(frozen=True)
class Arguments:
    """Time train steps of tapegrad, each of its sizes varied alone, in turn.

    Prints a Markdown table.
    """

    rounds: int = 5
    """Turns that are counted; two before them are not."""
    page: Path | None = None
    """A Markdown page to write the table to, under the heading "Scaling"."""

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise UserError(f"--rounds {self.rounds}: must be above 0")


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

    @property
    def _busy(self) -> int:
        """Workers that have something to do."""
        return min(self.workers, self._micro_batches)

    def time(self) -> float:
        """For each token, in floating-point operations of the worker that has the most."""
        products = matrix_products(self.configuration)
        flops = sum(2 * math.prod(shape) * count for shape, count in products.items())
        rounds = math.ceil(self._micro_batches / self.workers)
        return flops / self.tokens * rounds / self._micro_batches

    def known_memory(self) -> float:
        """Bytes of parameters, moments, gradients and attention weights."""
        _, length, _, n_layers, n_heads = self.configuration.shape
        parameters = sum(x.size for x in self.configuration.model().parameters())
        pairs = length * (length + BLOCK) / 2  # each query with the keys up to its block's last
        attention = self._busy * self.configuration.micro_batch * n_layers * n_heads * pairs
        return 4 * (parameters * (1 + 2 + 1) + attention)

    def activations(self) -> float:
        """What the memory of all other activations is proportional to."""
        each = self.configuration
        return self._busy * each.micro_batch * each.context * each.d_model * each.n_layers


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
    for_activations = (peaks[0] - base.known_memory()) / base.activations()
    rows = []
    for case, taken, peak in zip(all_cases, times, peaks, strict=True):
        memory = case.known_memory() + for_activations * case.activations()
        rows.append(
            (
                *(case.varied, case.value, spread(1 / taken, ",.0f")),
                *(spread(taken / times[0], ".2f"), f"{case.time() / base.time():.2f}"),
                *(f"{peak / 2**20:,.0f}", f"{peak / peaks[0]:.2f}", f"{memory / peaks[0]:.2f}"),
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
