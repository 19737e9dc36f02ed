"""What a train step spends its time on, beside its matrix products: `python -m bench.profile`."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from tqdm import tqdm

from bench import floor
from bench.configurations import CONFIGURATIONS, Configuration
from bench.in_tapegrad import Training
from bench.page import publish, table
from tape import Tape, Tensor
from tape.watch.clock import Clock
from train.config import usable_cores
from train.errors import UserError, one_line_errors

WARM_UP = 2
HEAD = ("", "calls", "forward (ms)", "back (ms)", "both (ms)", "share", "GFLOP/s")

EXPLANATION = """\
A train step by its ops, with {workers} workers at once: medians of {repeats} steps. Calls are those
of a micro-batch; milliseconds are those of all micro-batches that fall to a worker, and GFLOP/s,
of matrix products alone, are a worker's. The rest is Python between ops, sums of gradients, and
threads that wait for each other. "sgemm alone" is the floor: the step's matrix products and
nothing else."""


@dataclass(frozen=True)
class Arguments:
    """Time the ops within train steps of tapegrad.

    Prints Markdown tables.
    """

    names: Annotated[tuple[str, ...], tyro.conf.Positional] = tuple(CONFIGURATIONS)
    """Configurations, of those in bench/configurations.py."""
    repeats: int = 15
    """Steps that are counted; two before them are not."""
    workers: int = field(default_factory=usable_cores)
    """Threads."""
    page: Path | None = None
    """A Markdown page to write the tables to, under the heading "Profile"."""

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in CONFIGURATIONS:
                raise UserError(f"no configuration {name!r}: there are {', '.join(CONFIGURATIONS)}")
        for flag in ("repeats", "workers"):
            if (value := getattr(self, flag)) < 1:
                raise UserError(f"--{flag} {value}: must be above 0")


def by_op(
    configuration: Configuration, training: Training
) -> Callable[[], dict[str, tuple[float, ...]]]:
    """Each run takes a micro-batch on every worker.

    It gives the calls, the floating-point operations, and the seconds forward and back of each op,
    as means over the workers.
    """
    part = [array[: configuration.micro_batch] for array in training.batch]
    sinks: list[dict[Tensor, np.ndarray]] = [{} for _ in range(training.pool.n)]

    def take(sink: dict[Tensor, np.ndarray]) -> Tape:
        with Tape(guard=False, timed=True) as tape:
            loss = training.model.loss(*part)
        tape.backward(loss, into=sink)
        return tape

    def run() -> dict[str, tuple[float, ...]]:
        spent: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(4))
        for tape in training.pool.map(take, sinks):
            clock = tape.clock or Clock()
            for record in tape.records:
                forward, back = clock.forward[record.number], clock.back[record.number]
                spent[record.op.name] += 1, 3 * record.flops, forward, back
        return {name: tuple(sums / len(sinks)) for name, sums in spent.items()}

    return run


def profile(configuration: Configuration, repeats: int, workers: int) -> str:
    """The table of a configuration, in Markdown."""
    training = Training(configuration, workers)
    ops, alone = by_op(configuration, training), floor.train_step(configuration, workers)
    runs = []
    for _ in tqdm(range(WARM_UP + repeats), leave=False):
        began = time.perf_counter()
        _, gradients = training.gradients()
        walked = time.perf_counter()
        training.update(gradients)
        updated = time.perf_counter()
        runs.append((updated - began, updated - walked, alone(), ops()))
    *seconds, by_name = zip(*runs[WARM_UP:], strict=True)
    step, update, least = np.median(seconds, axis=1)
    micro_batches = math.ceil(configuration.batch_size / configuration.micro_batch / workers)

    rows = []
    of_ops = all_flops = 0.0
    for name in by_name[0]:
        calls, *each = np.median([spent[name] for spent in by_name], axis=0)
        flops, forward, back = micro_batches * np.array(each)
        of_ops, all_flops = of_ops + forward + back, all_flops + flops
        cells = f"{calls:.0f}", f"{1e3 * forward:.1f}", f"{1e3 * back:.1f}"
        rows.append((forward + back, _row(name, forward + back, step, flops, cells)))
    return table(
        [
            HEAD,
            *(cells for _, cells in sorted(rows, reverse=True)),
            _row("clipping and AdamW", update, step),
            _row("the rest", step - of_ops - update, step),
            _row("step", step, step, all_flops),
            _row("sgemm alone", least, step, all_flops),
        ]
    )


def _row(
    label: str, seconds: float, step: float, flops: float = 0.0, cells: tuple[str, ...] = ("",) * 3
) -> tuple[str, ...]:
    rate = f"{flops / seconds / 1e9:.0f}" if flops else ""
    return label, *cells, f"{1e3 * seconds:.1f}", f"{seconds / step:.1%}", rate


def main() -> None:
    """The command."""
    with one_line_errors():
        arguments = tyro.cli(Arguments, prog="python -m bench.profile")
        tables = []
        for name in arguments.names:
            found = profile(CONFIGURATIONS[name], arguments.repeats, arguments.workers)
            tables.append(f"**{name}**\n\n{found}")
            print(f"{tables[-1]}\n", flush=True)
        if arguments.page:
            explanation = EXPLANATION.format(**vars(arguments))
            publish(arguments.page, "Profile", explanation, *tables)


if __name__ == "__main__":
    main()
