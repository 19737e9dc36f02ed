"""All the trials, or a part of them, and the table of what was tried and survived."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from train import lm

from ..train.running import status_if_sent
from . import trials
from .disk import KINDS
from .machine import Operation, Plan
from .trials import Scenario

ROOMY = ("fsync", "rename", "remove")
"""Operations that a full disk does not hinder."""
POLITE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Trial:
    """A disaster, and the row of the table that it counts for."""

    row: str
    make: partial


@dataclass
class Row:
    """How many trials there were, and what went wrong in those that were not survived."""

    tried: int = 0
    problems: list[str] = field(default_factory=list)


class Listing(Plan):
    """Lets all operations pass, and writes them down."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def before(self, kind: str, path: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{kind} {path}\n")


def warm_up() -> None:
    """Have what is slow done before the first fork, and nothing that a fork would break."""
    threadpool_limits(1)
    figure = Figure()
    figure.subplots().set_title("fonts")
    figure.canvas.draw()


def prepare(folder: Path) -> list[Scenario]:
    """A run that begins, one that goes on, and one that is extended; undisturbed first."""

    def stop() -> None:
        raise SystemExit(status_if_sent(signal.SIGINT, 5, *trials.fresh(stopped)))

    complete, stopped, extended = (folder / name for name in ("complete", "stopped", "extended"))
    further = ("--steps", "16")
    new = Scenario("a new run", complete)
    _expect(0, lm.main, new.prepare(complete), complete)
    (stopped / "disk").mkdir(parents=True)
    _expect(130, stop, [], stopped)
    more = Scenario("a run that is extended", extended, complete, further)
    _expect(0, lm.main, more.prepare(extended), extended)
    return [new, Scenario("a run that goes on", complete, stopped), more]


def _expect(status: int, main: Callable, words: list[str], folder: Path) -> None:
    done = trials.run(main, words, folder)
    if done.status != status:
        raise RuntimeError(f"the undisturbed run ends with {done}")


def operations(scenario: Scenario, folder: Path) -> list[Operation]:
    """What a command does to files, found by letting it."""
    path = folder / "operations"
    trials.run(lm.main, scenario.prepare(folder), folder, Listing(path))
    return [tuple(line.split(" ", 1)) for line in path.read_text().splitlines()]


def plan(scenarios: list[Scenario], folder: Path, repeats: int) -> Iterator[Trial]:
    """Every trial; `repeats` is how many there are of each that chance decides."""
    for scenario in scenarios:
        name = scenario.name
        for number, (kind, _) in enumerate(operations(scenario, folder / name)):
            there = {"scenario": scenario, "number": number}
            for within in (False, True) if kind == "write" else (False,):
                yield Trial(f"{name}: killed", partial(trials.kill, within=within, **there))
            cut = KINDS[number % len(KINDS)]
            yield Trial(f"{name}: power cut", partial(trials.cut_power, kind=cut, **there))
            if kind not in ROOMY:
                yield Trial(f"{name}: disk full", partial(trials.fill, **there))
    new, going_on, _ = scenarios
    disk = going_on.state / "disk"
    for path in sorted(disk.rglob("*")):
        if path.is_file() and path.stat().st_size:
            for seed in range(repeats):
                file = str(path.relative_to(disk))
                make = partial(trials.damage, scenario=going_on, file=file, seed=seed)
                yield Trial(f"{path.name}: bits flipped, bytes cut", make)
    began = time.monotonic()
    trials.run(lm.main, new.prepare(folder / "timed"), folder / "timed")
    seconds = 1.2 * (time.monotonic() - began)
    for row, numbers in (
        ("SIGKILL at any moment", [signal.SIGKILL]),
        ("SIGINT, SIGTERM or SIGHUP at any moment, once or twice", POLITE),
    ):
        for seed in range(repeats):
            there = {"scenario": new, "seed": seed, "seconds": seconds, "numbers": numbers}
            yield Trial(row, partial(trials.interrupt, **there))
    for row, scenario, other in (
        ("two that go on with one run at once", going_on, "run"),
        ("two that begin runs of one name at once", new, "run"),
        ("two that encode the same text at once", new, "another"),
    ):
        for seed in range(max(1, repeats // 4)):
            make = partial(trials.crowd, scenario=scenario, other=other, seed=seed)
            yield Trial(row, make)


def attempt(trial: Trial) -> str | None:
    """What went wrong in a trial, and what it was."""
    with TemporaryDirectory() as folder:
        try:
            problem = trial.make(folder=Path(folder))
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
    what = {name: value for name, value in trial.make.keywords.items() if name != "scenario"}
    return problem and f"{trial.row} {what}: {problem}"


def survive(chosen: list[Trial], jobs: int) -> dict[str, Row]:
    """Make trials, `jobs` at a time; the rows of the table."""
    rows = {trial.row: Row() for trial in chosen}
    with ProcessPoolExecutor(jobs, get_context("fork")) as pool:
        running = {pool.submit(attempt, trial): rows[trial.row] for trial in chosen}
        for future in tqdm(as_completed(running), "trials", len(running)):
            running[future].tried += 1
            if problem := future.result():
                running[future].problems.append(problem)
                tqdm.write(problem)
    return rows


def table(rows: dict[str, Row]) -> str:
    """The rows in Markdown."""
    lines = ["| what happens | tried | survived |", "| --- | ---: | ---: |"]
    for name, row in rows.items():
        lines.append(f"| {name} | {row.tried:,} | {row.tried - len(row.problems):,} |")
    return "\n".join(lines)
