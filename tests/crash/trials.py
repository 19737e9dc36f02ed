"""One disaster each: a command meets it, and afterwards everything must be as if it had not."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from train import evaluate, generate, lm

from ..train.running import TINY, events, places
from .machine import Full, Killed, KilledWithin, Machine, Plan, PowerCut

DEADLINE = 120
"""Seconds after which a command is taken to hang."""
ENDINGS = {0, 2, *(128 + number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))}
SAVED_OFTEN = ["--steps", "12", "--checkpoint-every", "2", "--sample-every", "7"]
LEFTOVERS = (".making-", ".tmp")


@dataclass(frozen=True)
class End:
    """How a command ended, and what it wrote."""

    status: int
    output: str
    errors: str

    @property
    def problem(self) -> str | None:
        """What no user should see."""
        if "Traceback" in self.errors or self.status not in ENDINGS:
            return f"ended with {self.status}: {self.errors[-600:]}"
        said = [line for line in self.errors.splitlines() if line.startswith("error: ")]
        if self.status == 2 and len(said) != 1:
            return f"ended with 2 and {len(said)} lines of error"
        return None


@dataclass(frozen=True)
class Scenario:
    """A command that is to meet with a disaster.

    Attributes
    ----------
    name : str
    reference : Path
        The folder of a trial in which nothing happened.
    state : Path, optional
        The folder of a trial with the run that the command goes on with; it begins one if left out.
    flags : tuple of str
        What is given to go on.
    """

    name: str
    reference: Path
    state: Path | None = None
    flags: tuple[str, ...] = ()

    def prepare(self, folder: Path) -> list[str]:
        """Make the disk of a trial, and the words of the command."""
        if self.state:
            shutil.copytree(self.state / "disk", folder / "disk")
        else:
            (folder / "disk").mkdir(parents=True)
        return self.words(folder)

    def words(self, folder: Path) -> list[str]:
        """Those that go on with the run, or begin it if there is none."""
        cache = folder / "disk" / "cache"
        if run_of(folder).exists():
            return ["--resume", str(run_of(folder)), "--cache", str(cache), *self.flags]
        return fresh(folder)


def fresh(folder: Path, name: str = "run") -> list[str]:
    """The words that begin a run."""
    return [*TINY, *SAVED_OFTEN, *places(folder / "disk"), "--name", name]


def run_of(folder: Path) -> Path:
    """The run on the disk of a trial."""
    return folder / "disk" / "runs" / "run"


def start(main: Callable[[], None], words: Sequence[Any], folder: Path, plan: Plan | None) -> int:
    """Begin a command in a child; its output goes to files in the folder."""
    sys.stdout.flush()
    sys.stderr.flush()
    if child := os.fork():
        return child
    status = 70
    try:
        for number, name in ((0, os.devnull), (1, folder / "output"), (2, folder / "errors")):
            descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            os.dup2(descriptor, number)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.alarm(DEADLINE)
        sys.argv = ["command", *map(str, words)]
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        with Machine(folder / "disk", plan) if plan else nullcontext():
            main()
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def end(child: int, folder: Path) -> End:
    """Wait for a command; by a signal it ends with the negative number of that."""
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    texts = ((folder / name).read_text(errors="replace") for name in ("output", "errors"))
    return End(code, *texts)


def run(main: Callable, words: Sequence[Any], folder: Path, plan: Plan | None = None) -> End:
    """A command from its start to its end."""
    return end(start(main, words, folder, plan), folder)


def usable(folder: Path, reference: Path | None = None) -> str | None:
    """What is wrong with what generate and evaluate do with the run, which may be half trained.

    They say what they say of the run in the reference, or that they cannot.
    """
    if not run_of(folder).exists():
        return None
    for main in (generate.main, evaluate.main):
        done = run(main, _question(main, folder), folder)
        if done.problem:
            return f"{main.__module__} {done.problem}"
        if reference and done.status == 0:
            undisturbed = run(main, _question(main, reference), folder)
            if undisturbed.output != done.output:
                return f"{main.__module__} gives something else without a word"
    return None


def _question(main: Callable, folder: Path) -> list[str]:
    cache = str(folder / "disk" / "cache")
    return [
        str(run_of(folder)),
        *(["--tokens", "3"] if main is generate.main else ["--cache", cache]),
    ]


def recovered(scenario: Scenario, folder: Path, may_refuse: bool = False) -> str | None:
    """What is wrong after the same command was given once more."""
    if scenario.state and not run_of(folder).exists():
        return "the run is gone"
    done = run(lm.main, scenario.words(folder), folder)
    if done.problem:
        return f"afterwards it {done.problem}"
    if done.status == 2 and may_refuse:
        return None
    if done.status == 2 and "steps are done" not in done.errors:
        return f"afterwards it is refused: {done.errors[-300:]}"
    return difference(scenario, folder)


def difference(scenario: Scenario, folder: Path, name: str = "run") -> str | None:
    """In what a run is not what it is when nothing happens."""
    ours, theirs = folder / "disk" / "runs" / name, run_of(scenario.reference)
    for file in ("model.safetensors", "checkpoint.safetensors"):
        if (ours / file).read_bytes() != (theirs / file).read_bytes():
            return f"{file} has other bits"
    if events(ours) != events(theirs):
        return "other events are logged"
    if not (ours / "report.md").exists():
        return "there is no report"
    left = [p.name for p in (folder / "disk").rglob("*") if any(x in p.name for x in LEFTOVERS)]
    return f"{left} stayed behind" if left else None


# Each of these makes one trial in an empty folder, and returns what went wrong, if anything did.


def kill(scenario: Scenario, folder: Path, number: int, within: bool) -> str | None:
    """Kill the command before an operation or in the middle of it."""
    plan = (KilledWithin if within else Killed)(number)
    done = run(lm.main, scenario.prepare(folder), folder, plan)
    if done.status != -signal.SIGKILL:
        return f"was not killed: {done}"
    return usable(folder) or recovered(scenario, folder)


def fill(scenario: Scenario, folder: Path, number: int) -> str | None:
    """Let the disk be full from an operation on, until the command ends."""
    done = run(lm.main, scenario.prepare(folder), folder, Full(number))
    if done.problem:
        return done.problem
    if done.status == 2 and "No space left" not in done.errors:
        return f"does not say what is wrong: {done.errors[-300:]}"
    return usable(folder) or recovered(scenario, folder)


def cut_power(scenario: Scenario, folder: Path, number: int, kind: str) -> str | None:
    """Cut the power before an operation, and go on with what the disk holds."""
    words, left = scenario.prepare(folder), folder / "left"
    done = run(lm.main, words, folder, PowerCut(number, left, kind))
    if done.status != -signal.SIGKILL:
        return f"was not ended: {done}"
    shutil.rmtree(folder / "disk")
    left.rename(folder / "disk")
    return usable(folder) or recovered(scenario, folder)


def damage(scenario: Scenario, folder: Path, file: str, seed: int) -> str | None:
    """Flip a bit of a file, or cut bytes from its end or its middle."""
    rng = Random(seed)
    scenario.prepare(folder)
    path = folder / "disk" / file
    content = bytearray(path.read_bytes())
    place = rng.randrange(len(content))
    match seed % 4:
        case 0:
            del content[place:]
        case 1:
            del content[place : place + rng.randrange(1, 50)]
        case _:
            content[place] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    return usable(folder, scenario.state) or recovered(scenario, folder, may_refuse=True)


def interrupt(
    scenario: Scenario, folder: Path, seed: int, seconds: float, numbers: Sequence[int]
) -> str | None:
    """Send a signal at any moment, every other time a second one right after it."""
    rng = Random(seed)
    child = start(lm.main, scenario.prepare(folder), folder, None)
    number = rng.choice(numbers)
    time.sleep(rng.uniform(0, seconds))
    for _ in range(1 + seed % 2):
        os.kill(child, number)
        time.sleep(rng.uniform(0, 0.05))
    done = end(child, folder)
    if done.status != -number and done.problem:
        return done.problem
    return usable(folder) or recovered(scenario, folder)


def crowd(scenario: Scenario, folder: Path, other: str, seed: int) -> str | None:
    """Start the command twice at once, the second time for a run of a name."""
    words, alone = scenario.prepare(folder), other == "run"
    second = words if alone else fresh(folder, other)
    beside = folder / "beside"
    (beside / "disk").mkdir(parents=True)
    children = [start(lm.main, words, folder, None)]
    time.sleep(Random(seed).uniform(0, 0.1))
    children.append(start(lm.main, second, beside, None))
    ends = [end(*each) for each in zip(children, (folder, beside), strict=True)]
    if problem := ends[0].problem or ends[1].problem:
        return problem
    statuses = sorted(each.status for each in ends)
    if statuses != ([0, 2] if alone else [0, 0]):
        return f"ended with {statuses}: {ends[0].errors[-200:]} {ends[1].errors[-200:]}"
    return difference(scenario, folder) or (None if alone else difference(scenario, folder, other))
