"""What saving a run takes beside a plain write of the same arrays: `python -m bench.save`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import tyro
from safetensors.numpy import save_file
from tqdm import tqdm

from bench.configurations import CONFIGURATIONS
from bench.in_tapegrad import BETAS, WEIGHT_DECAY
from bench.page import publish, quartiles, table
from train.checkpoint import save_checkpoint, save_model
from train.errors import UserError, one_line_errors
from train.optim import AdamW

HEAD = ("", "a save (ms)", "plain (ms)", "save / plain")
EXPLANATION = """\
A save is the model and a checkpoint with its moments: with checksums, on the disk before they are
renamed, and the checkpoint before kept. Plain is the same arrays by the safetensors library,
renamed but left to the system to write. In turn, medians with quartiles of {rounds} rounds."""


@dataclass(frozen=True)
class Arguments:
    """Time the saves of a run beside plain writes of the same arrays, in turn.

    Prints a Markdown table.
    """

    names: Annotated[tuple[str, ...], tyro.conf.Positional] = tuple(CONFIGURATIONS)
    """Configurations, of those in bench/configurations.py."""
    rounds: int = 15
    """How many of each are timed, after two for warming up."""
    folder: Path = Path()
    """Where the files are written for a moment; its disk is what is measured."""
    page: Path | None = None
    """A Markdown page whose section "Saving" to replace."""

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in CONFIGURATIONS:
                raise UserError(f"no configuration {name!r}: there are {', '.join(CONFIGURATIONS)}")
        if self.rounds < 2:
            raise UserError(f"--rounds {self.rounds}: at least 2 rounds make quartiles")


def compare(name: str, folder: Path, rounds: int) -> tuple[str, ...]:
    """The row of a configuration."""
    model = CONFIGURATIONS[name].model()
    optimizer = AdamW(model.named_parameters(), *BETAS, WEIGHT_DECAY)
    arrays = model.state_dict()
    everything = {**arrays, **optimizer.state_dict()}

    def save() -> None:
        save_model(folder / "model.safetensors", model)
        save_checkpoint(folder / "checkpoint.safetensors", model, optimizer)

    def plain() -> None:
        for kind, content in (("model", arrays), ("checkpoint", everything)):
            save_file(content, folder / f"{kind}.tmp")
            os.replace(folder / f"{kind}.tmp", folder / f"{kind}.plain")

    times = [
        (_milliseconds(save), _milliseconds(plain))
        for _ in tqdm(range(2 + rounds), name, leave=False)
    ][2:]
    ours, theirs = np.transpose(times)
    return name, quartiles(ours, ".0f"), quartiles(theirs, ".0f"), quartiles(ours / theirs, ".2f")


def _milliseconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - began)


def main() -> None:
    """`python -m bench.save`."""
    with one_line_errors():
        arguments = tyro.cli(Arguments, prog="python -m bench.save")
        with TemporaryDirectory(dir=arguments.folder) as folder:
            rows = [compare(name, Path(folder), arguments.rounds) for name in arguments.names]
        found = table([HEAD, *rows])
        print(found)
        if arguments.page:
            explanation = EXPLANATION.format(rounds=arguments.rounds)
            publish(arguments.page, "Saving", explanation, found)


if __name__ == "__main__":
    main()
