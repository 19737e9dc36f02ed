"""How fast a train step is, beside PyTorch's and the floor: `python -m bench.train_step`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from bench.configurations import CONFIGURATIONS, Configuration
from bench.contender import Contender, in_turn
from bench.page import publish, quartiles, table
from train.config import usable_cores
from train.errors import UserError, one_line_errors

TOLERANCE = 1e-3
"""How far the losses of the first steps may be apart, relative to tapegrad's."""

CHECKED = 3
"""Of how many counted steps the losses are compared; later ones drift apart by rounding."""

EXPLANATION = """\
Forward, backward, clipping and AdamW in float32, on random tokens. Each contender is a process of
its own; they take turns, {rounds} times. Medians, with quartiles in brackets; a ratio is that of
the two runs of the same turn. Memory is the most that the process ever held above what it held
after its imports. "sgemm alone" is what the speed would be if a step were its matrix products and
nothing else, so tapegrad's ratio to it is how much of that it reaches."""


@dataclass(frozen=True)
class Arguments:
    """Time train steps of tapegrad and of PyTorch in turn, and compare their speed and memory.

    Prints Markdown tables. Fails if the contenders' losses differ.
    """

    names: Annotated[tuple[str, ...], tyro.conf.Positional] = tuple(CONFIGURATIONS)
    """Configurations, of those in bench/configurations.py."""
    compile: bool = False
    """Also run PyTorch with torch.compile, which needs a C++ compiler and a minute or so."""
    rounds: int = 15
    """Turns that are counted; two before them are not."""
    workers: int = field(default_factory=usable_cores)
    """Threads of each contender."""
    page: Path | None = None
    """A Markdown page to write the tables to, under the heading "Train step"."""

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in CONFIGURATIONS:
                raise UserError(f"no configuration {name!r}: there are {', '.join(CONFIGURATIONS)}")
        for flag in ("rounds", "workers"):
            if (value := getattr(self, flag)) < 1:
                raise UserError(f"--{flag} {value}: must be above 0")


def training(
    configuration: Configuration, workers: int, compiled: bool
) -> dict[str, tuple[Any, ...]]:
    """The arguments of each `Contender` that trains, by its name; tapegrad comes first."""
    made: dict[str, tuple[Any, ...]] = {
        "tapegrad": ("bench.in_tapegrad:train_step", configuration, workers)
    }
    batch, micro_batch = configuration.batch_size, configuration.micro_batch
    for kind in ("eager", "compiled") if compiled else ("eager",):
        # The whole batch, what all workers together hold at once, and what one of them does.
        for size in sorted({batch, micro_batch * workers, micro_batch}, reverse=True):
            made[f"PyTorch {kind}, {size} sequences at a time"] = (
                "bench.in_pytorch:train_step",
                *(configuration, workers, size, kind == "compiled"),
            )
    return made


def compare(name: str, rounds: int, workers: int, compiled: bool) -> str:
    """The settings of a configuration and its table, in Markdown.

    Raises
    ------
    RuntimeError
        If the contenders do not train alike.
    """
    configuration = CONFIGURATIONS[name]
    trainers = training(configuration, workers, compiled)
    floor = ("bench.floor:train_step", configuration, workers)
    with ExitStack() as stack:
        processes = [stack.enter_context(Contender(*made)) for made in (*trainers.values(), floor)]
        *runs, alone = in_turn(processes, rounds, name=name)
        peaks = [process.peak_memory() / 2**20 for process in processes[:-1]]
    seconds, losses = np.moveaxis(np.array(runs), -1, 0)  # each (trainer, round)
    if not np.allclose(losses[:, :CHECKED], losses[0, :CHECKED], rtol=TOLERANCE):
        found = dict(zip(trainers, losses[:, :CHECKED].tolist(), strict=True))
        raise RuntimeError(f"{name}: the losses of the first steps differ: {found}")

    speeds = configuration.batch_size * configuration.context / np.array([*seconds, alone])
    speed_columns = [
        (quartiles(speed, ",.0f"), quartiles(speeds[0] / speed, ".2f")) for speed in speeds
    ]
    memory_columns = [(f"{peak:,.0f}", f"{peaks[0] / peak:.2f}") for peak in peaks]
    rows = [
        (label, *speed, *memory)
        for label, speed, memory in zip(
            (*trainers, "sgemm alone"), speed_columns, (*memory_columns, ("", "")), strict=True
        )
    ]
    head = ("", "tokens/s", "tapegrad's / this", "peak memory (MiB)", "tapegrad's / this")
    settings = ", ".join(f"{key} {value}" for key, value in asdict(configuration).items())
    return f"**{name}**: {settings}\n\n{table([head, *rows])}"


def main() -> None:
    """The command."""
    with one_line_errors():
        arguments = tyro.cli(Arguments, prog="python -m bench.train_step")
        tables = []
        for name in arguments.names:
            tables.append(compare(name, arguments.rounds, arguments.workers, arguments.compile))
            print(f"{tables[-1]}\n", flush=True)
        if arguments.page:
            explanation = EXPLANATION.format(rounds=arguments.rounds)
            publish(arguments.page, "Train step", explanation, *tables, packages=["torch"])


if __name__ == "__main__":
    main()
