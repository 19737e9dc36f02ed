"""Everything that a run is made from, and the flags that set it."""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import tyro
from typeguard import TypeCheckError, check_type

from train.errors import UserError, check_prompt
from train.folders import expanded
from train.seals import from_text, to_text
from train.stories import Reading, SplitName
from train.version import DEFAULTS, VERSION, check_version
from train.words import shell_word

PLACES = ("name", "runs", "cache", "trace", "resume")
"""Where files lie, which changes nothing in a run."""

REPEATABLE = ("data", "cache", "workers", "steps")
"""What may be given again with `--resume`."""

POSITIVE = (
    *("vocab_size", "d_model", "n_layers", "n_heads", "context", "steps", "batch_size"),
    *("micro_batch", "workers", "clip", "val_every", "val_windows", "sample_every"),
    "checkpoint_every",
)
RANGES: dict[str, tuple[tuple[str, ...], Callable[[float], bool]]] = {
    "above 0": (POSITIVE, lambda x: x > 0),
    "above 0 and finite": (("init_std", "lr"), lambda x: 0 < x < math.inf),
    "above 0 and at most 1e9": (
        ("toy_megabytes", "minutes"),
        lambda x: x is None or 0 < x <= 1e9,
    ),
    "at least 0": (("seed",), lambda x: x >= 0),
    "at least 0 and finite": (("weight_decay",), lambda x: 0 <= x < math.inf),
    "from 0 to 1": (("warmup", "final_lr"), lambda x: 0 <= x <= 1),
    "at least 0 and below 1": (("dropout", "beta1", "beta2"), lambda x: 0 <= x < 1),
}
"""In the words of an error, what must be true of some fields."""

LARGEST = 10**15
"""Of a whole number, but for the seed."""

PresetName = Literal["quick", "ten-minutes", "hour"]


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclasses.dataclass(frozen=True)
class Config:
    """Train a Transformer language model on stories, and write a report on it.

    A preset sets all that follow it; any flag changes one of them. The durations of the presets
    are those on two cores.
    """

    preset: PresetName = "quick"
    """quick (about 2 minutes), ten-minutes or hour."""

    data: str = "toy"
    """toy (a generator's stories), tinystories (from the hub), or a path: .txt (stories ended by
    <|endoftext|>), .jsonl, .ndjson, .json or .parquet (a column of texts), all but the last also
    .gz or .zst; or a folder with train.* and valid.*, or with their numbered shards."""
    text_column: str | None = None
    """Column that holds the text; by default text, else story, else content."""
    split: SplitName = "endoftext"
    """What parts the stories of a .txt file: <|endoftext|>, or a blank line as well."""
    skip_bad_rows: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Leave out rows that hold no text, and say how many, instead of stopping at the first."""
    toy_megabytes: float = 4.0
    """How much the generator writes for --data toy."""
    tokenizer: Path | None = None
    """An existing byte-level tokenizer.json, instead of training one."""
    vocab_size: int = 1024
    """Tokens in the vocabulary, if a tokenizer is trained."""

    d_model: int = 128
    """Width of the residual stream."""
    n_layers: int = 4
    """Number of blocks."""
    n_heads: int = 4
    """Attention heads in each block; divides d_model."""
    context: int = 128
    """Tokens the model looks back over."""
    init_std: float = 0.05
    """Standard deviation of the initial weights; GPT-2's 0.02 is for models wider than these."""
    dropout: float = 0.0
    """Probability of dropping an activation in training."""
    recompute: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Run each block twice instead of keeping what it computes: a quarter to a half less
    memory for steps a third longer (python -m bench.recompute)."""

    steps: int = 900
    """Optimiser steps."""
    minutes: float | None = None
    """Instead of --steps: measure the speed, then fix the steps to fit this wall-clock time."""
    batch_size: int = 16
    """Windows in a step."""
    micro_batch: int = 8
    """Windows that a worker takes at once; divides the batch."""
    workers: int = dataclasses.field(default_factory=usable_cores)
    """Threads that share the micro-batches; how many they are changes no bit of a run."""
    seed: int = 0
    """Of the initial weights, the order of the data, dropout and samples."""

    lr: float = 3e-3
    """Highest learning rate."""
    warmup: float = 0.05
    """Share of the steps in which the learning rate rises from 0."""
    final_lr: float = 0.0
    """Learning rate that the end of the run reaches, as a share of the highest."""
    weight_decay: float = 0.1
    """Of matrices; vectors are not decayed."""
    beta1: float = 0.9
    """Decay of the mean of gradients."""
    beta2: float = 0.99
    """Decay of the mean of squared gradients."""
    clip: float = 1.0
    """Largest global norm of the gradient."""

    val_every: int = 100
    """Steps between validations."""
    val_windows: int = 64
    """Windows of a validation on the way; the last one covers the whole validation text."""
    sample_every: int = 300
    """Steps between samples."""
    checkpoint_every: int = 200
    """Steps between checkpoints."""
    prompt: str = "Once upon a time"
    """What samples begin with."""

    name: str | None = None
    """Folder of the run inside --runs; by default the data and the preset, numbered."""
    runs: Path = Path("runs")
    """Where runs are kept."""
    cache: Path = Path("~/.cache/tapegrad")
    """Where tokens are kept between runs."""
    trace: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    """Before training, write a page that walks along the first micro-batch, forward and back."""
    resume: Annotated[Path | None, tyro.conf.arg(metavar="RUN")] = None
    """Go on with the run in this folder, with the settings that it has. Only --data (the same text
    in a new place), --cache, --workers and --steps may come with it. With --steps a run, finished
    or not, goes on to so many steps: from where it stands, the learning rate follows the schedule
    of a run of that length, so that after a finished run it rises again."""

    def __post_init__(self) -> None:
        for meaning, (fields, holds) in RANGES.items():
            for name in fields:
                if not holds(value := getattr(self, name)):
                    raise UserError(f"{flag(name)} {value}: must be {meaning}")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int) and field.name != "seed" and value > LARGEST:
                raise UserError(f"{flag(field.name)} {value}: must be at most 10^15")
        check_prompt(self.prompt)
        if self.d_model % self.n_heads:
            raise UserError(
                f"--d-model {self.d_model} is not divisible by --n-heads {self.n_heads}"
            )
        if self.batch_size % self.micro_batch:
            raise UserError(
                f"--batch-size {self.batch_size} is not divisible by "
                f"--micro-batch {self.micro_batch}"
            )

    @property
    def reading(self) -> Reading:
        """How the rows of files become stories."""
        return Reading(self.text_column, self.split, self.skip_bad_rows)

    def at_home(self) -> Config:
        """The same with every ~ at the start of a path expanded.

        Raises
        ------
        UserError
            If there is no such home.
        """
        fields = ("data", "tokenizer", "runs", "cache", "trace")
        paths = {name: getattr(self, name) for name in fields}
        found = {name: path and expanded(path, flag(name)) for name, path in paths.items()}
        return dataclasses.replace(self, **found)

    def command(self) -> str:
        """The command line that repeats the run to the bit, wherever its files are to lie."""
        words = ["python", "-m", "train.lm", "--preset", self.preset]
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            inherited = getattr(PRESETS[self.preset], field.name)
            if field.name not in PLACES and value != inherited:
                name, word = flag(field.name), str(value)
                if isinstance(value, bool):
                    words.append(name)
                else:
                    # Without the =, a value that begins like a flag would be taken for one.
                    words += [f"{name}={word}"] if word.startswith("-") else [name, word]
        return " ".join(map(shell_word, words))

    def to_json(self) -> str:
        """The configuration as a JSON object with a checksum, a field to a line."""
        return to_text({"version": VERSION, **dataclasses.asdict(self)})

    @classmethod
    def from_json(cls, text: str | bytes) -> Config:
        """The configuration that `to_json` wrote, in this version or an earlier one.

        What is left out is what it was by default in that version.

        Raises
        ------
        UserError
            If it is not one.
        """
        try:
            values = from_text(text)
            version = check_version(values.pop("version", 1), "the configuration")
            values = DEFAULTS[version] | values
            hints = get_type_hints(cls)
            if unknown := values.keys() - hints.keys():
                raise ValueError(f"there is no setting {min(unknown)}")
            return cls(**{name: _typed(name, value, hints[name]) for name, value in values.items()})
        except (ValueError, OverflowError, UserError) as error:
            raise UserError(f"not the configuration of a run: {error}") from None


PRESETS: dict[str, Config] = {
    "quick": Config(),
    "ten-minutes": Config(
        preset="ten-minutes",
        vocab_size=2048,
        context=256,
        steps=3800,
        batch_size=8,
        micro_batch=4,
        lr=4e-3,
        val_every=500,
        sample_every=1500,
        checkpoint_every=500,
    ),
    "hour": Config(
        preset="hour",
        vocab_size=2048,
        d_model=192,
        n_layers=6,
        n_heads=6,
        context=256,
        dropout=0.1,
        steps=4500,
        micro_batch=4,
        val_every=250,
        sample_every=1500,
        checkpoint_every=500,
    ),
}


def _typed(name: str, value: Any, hint: Any) -> Any:
    """A value from JSON as the type that a field has.

    Raises
    ------
    ValueError
        If it is of another type.
    """
    choices = (hint, *get_args(hint))
    if isinstance(value, str):
        os.fsencode(value)  # raises for characters that are none
        value = Path(value) if Path in choices else value
    elif type(value) is int and float in choices:
        value = float(value)
    try:
        if isinstance(value, bool) and hint is not bool:  # which Python takes for an int
            raise TypeCheckError("is a bool")
        return check_type(value, hint)
    except TypeCheckError:
        expected = getattr(hint, "__name__", hint)
        raise ValueError(f"{name} is {value!r:.40}, which is not of {expected}") from None


def flag(field: str) -> str:
    """The flag that sets a field."""
    return "--" + field.replace("_", "-")


def parse(argv: Sequence[str]) -> Config:
    """The configuration that a command line asks for: a preset, and what flags change of it.

    Raises
    ------
    UserError
        If a value is out of range, or `--resume` comes with other flags.
    SystemExit
        With status 2 if a flag is unknown or malformed; with 0 after `--help`.
    """
    peek = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    peek.add_argument("--preset")
    preset = PRESETS.get(peek.parse_known_args(argv)[0].preset, Config())
    config = tyro.cli(Config, args=argv, default=preset, prog="python -m train.lm")
    others = [word for word in argv if _field(word) not in (None, "resume", *REPEATABLE)]
    if config.resume is not None and others:
        raise UserError(f"--resume goes on with the settings of the run: leave out {others[0]}")
    return config


def given_again(argv: Sequence[str]) -> dict[str, Any]:
    """The settings that a command line with `--resume` gives to the run anew."""
    config = parse(argv)
    given = {_field(word) for word in argv}
    return {name: getattr(config, name) for name in REPEATABLE if name in given}


def _field(word: str) -> str | None:
    """The field that a word of a command line sets, if it is a flag."""
    flags = word.startswith("--")
    return word.partition("=")[0].removeprefix("--").replace("-", "_") if flags else None
