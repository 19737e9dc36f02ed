"""What running blocks twice costs a train step and saves of memory: `python -m bench.recompute`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict

from bench.configurations import CONFIGURATIONS, Configuration
from bench.contender import Contender, in_turn
from bench.page import quartiles, table
from models import Transformer
from train.config import usable_cores

ROUNDS = 15
HEAD = ("", "step (ms)", "with recompute / without", "peak memory (MiB)", "with / without")


class Recomputing(Configuration):
    """A configuration whose model runs each block twice."""

    def model(self) -> Transformer:
        return Transformer(*self.shape, recompute=True)


def compare(name: str, configuration: Configuration) -> tuple[str, ...]:
    """The row of a configuration: train steps without and with `recompute`, taken in turn."""
    configurations = (configuration, Recomputing(**asdict(configuration)))
    with ExitStack() as stack:
        contenders = [
            stack.enter_context(Contender("bench.in_tapegrad:train_step", each, usable_cores()))
            for each in configurations
        ]
        runs, recomputed_runs = in_turn(contenders, ROUNDS, name=name)
        peak, recomputed_peak = (contender.peak_memory() for contender in contenders)
    ratios = [again / once for (once, _), (again, _) in zip(runs, recomputed_runs, strict=True)]
    return (
        name,
        quartiles([seconds * 1e3 for seconds, _ in runs], ".0f"),
        quartiles(ratios, ".2f"),
        f"{peak / 2**20:,.0f}",
        f"{recomputed_peak / peak:.2f}",
    )


def main() -> None:
    """Print a Markdown table: medians with quartiles; peak memory is above that of the imports."""
    rows = [compare(name, configuration) for name, configuration in CONFIGURATIONS.items()]
    print(table([HEAD, *rows]))


if __name__ == "__main__":
    main()
