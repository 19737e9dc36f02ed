"""The folder that a run leaves: configuration, tokenizer, model, metrics and report."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from models import Transformer
from tape.files import replacing
from train.checkpoint import load_model
from train.config import Config
from train.corpus import GENERATED, Corpus, open_corpus, same_stories
from train.errors import UserError
from train.folders import expanded, making
from train.stories import kind_of
from train.tokenizer import load_tokenizer
from train.version import VERSION


@dataclass(frozen=True)
class Run:
    """A run, and where its files are.

    Attributes
    ----------
    folder : Path
    config : Config
    tokenizer : Tokenizer
    facts : dict
        What the configuration does not say: the data's identity and size, the machine.
    version : int
        Of the program that began it.
    """

    folder: Path
    config: Config
    tokenizer: Tokenizer
    facts: dict[str, Any]
    version: int = VERSION

    @property
    def checkpoint(self) -> Path:
        """Parameters and optimiser state, for `--resume`."""
        return self.folder / "checkpoint.safetensors"

    @property
    def model(self) -> Path:
        """Parameters alone, for everything else."""
        return self.folder / "model.safetensors"

    @property
    def metrics(self) -> Path:
        """One JSON object a line for each event."""
        return self.folder / "metrics.jsonl"

    def save(self) -> None:
        """Make the folder, complete from the moment it appears.

        Raises
        ------
        UserError
            If there is one by now, of a run that began at the same time.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            with making(self.folder) as unfinished:
                for name, text in self._settings().items():
                    (unfinished / name).write_text(text)
                self.tokenizer.save(str(unfinished / "tokenizer.json"))
                (unfinished / "metrics.jsonl").touch()
        except FileExistsError:
            message = f"{self.folder}: another run began there meanwhile; choose a --name"
            raise UserError(message) from None

    @classmethod
    def open(cls, folder: Path) -> Run:
        """The run in a folder.

        Raises
        ------
        UserError
            If there is none, or one of its files is missing or damaged.
        """
        folder = expanded(folder, "the run")
        if not _holds_run(folder):
            others = (Config.runs / folder, folder.parent)
            found = next((f"; did you mean {o}?" for o in others if _holds_run(o)), "")
            raise UserError(f"{folder}: no run there (it would hold a config.json){found}")
        try:
            text = (folder / "config.json").read_text()
            config, version = Config.from_json(text), json.loads(text).get("version", 1)
            facts = json.loads((folder / "facts.json").read_text())
            if not isinstance(facts, dict) or {"parameters", "data", "machine"} - facts.keys():
                raise ValueError("facts.json does not hold the facts of a run")
        except (OSError, ValueError, UserError) as error:
            raise UserError(f"{folder}: {error}") from None
        return cls(folder, config, load_tokenizer(folder / "tokenizer.json"), facts, version)

    def corpus(self) -> Corpus:
        """The stories that the run began with, from wherever they were or are now.

        Raises
        ------
        UserError
            If they are not there, or are not what they were.
        """
        config, known = self.config, self.facts["data"]
        place = known.get("path")
        data = place if place and os.path.exists(place) else config.data
        if data not in GENERATED and not os.path.exists(data):
            raise UserError(
                f"{self.folder}: its data, {place or data}, is not there; --data PATH names "
                "where it is now"
            )
        corpus = open_corpus(
            data, seed=config.seed, toy_megabytes=config.toy_megabytes, reading=config.reading
        )
        if not same_stories(corpus.identity, known["identity"]):
            raise UserError(f"{self.folder}: {config.data} is not the data that it began with")
        return corpus

    def settled(self, **changes: Any) -> Run:
        """The same run with other settings, which are not yet on disk."""
        config = replace(self.config, **changes).at_home()
        facts = self.facts
        if "data" in changes:
            facts = {**facts, "data": {**facts["data"], "path": absolute(config.data)}}
        return replace(self, config=config, facts=facts)

    def save_settings(self) -> None:
        """Write configuration and facts over those in the folder."""
        for name, text in self._settings().items():
            with replacing(self.folder / name) as temporary:
                temporary.write_text(text)

    def _settings(self) -> dict[str, str]:
        facts = json.dumps(self.facts, indent=2) + "\n"
        return {"config.json": self.config.to_json(), "facts.json": facts}

    def new_model(self) -> Transformer:
        """The model as it is before training."""
        return new_model(self.config, self.tokenizer)

    def trained_model(self) -> Transformer:
        """The model as last saved, in evaluation mode.

        Raises
        ------
        UserError
            If it is missing, cut short, or does not fit the configuration or the tokenizer.
        """
        model = self.new_model()
        load_model(self.model, model)
        return model.eval()

    def log(self, event: str, step: int, **values: Any) -> None:
        """Append an event to the metrics; `step` is the number of updates done."""
        with self.metrics.open("a") as file:
            file.write(json.dumps({"event": event, "step": step, **values}) + "\n")

    def events(self) -> list[dict[str, Any]]:
        """The metrics so far; a last line that was cut short is left out.

        Raises
        ------
        UserError
            If another line is no event.
        """
        lines = self.metrics.read_bytes().splitlines(keepends=True)
        events = []
        for number, line in enumerate(lines, 1):
            if line.endswith(b"\n"):
                try:
                    events.append(json.loads(line))
                    events[-1]["event"], events[-1]["step"]
                except (ValueError, KeyError, TypeError):
                    raise UserError(f"{self.metrics}: line {number} is no event") from None
        return events

    def forget_after(self, step: int) -> list[dict[str, Any]]:
        """Drop the events of later updates, and of an end that is none; what is left."""
        end = ("story", "final")
        kept = [e for e in self.events() if e["step"] <= step and e["event"] not in end]
        with replacing(self.metrics) as temporary:
            temporary.write_text("".join(json.dumps(event) + "\n" for event in kept))
        return kept


def _holds_run(folder: Path) -> bool:
    return (folder / "config.json").is_file()


def absolute(data: str) -> str | None:
    """Where the data lies, from whatever folder one looks; None if it lies in none."""
    return None if data in GENERATED else os.path.abspath(data)


def new_model(config: Config, tokenizer: Tokenizer) -> Transformer:
    """The model of a configuration, with its initial weights."""
    return Transformer(
        vocab_size=tokenizer.get_vocab_size(),
        context=config.context,
        d_model=config.d_model,
        n_layers=config.n_layers,
        n_heads=config.n_heads,
        dropout=config.dropout,
        std=config.init_std,
        seed=config.seed,
        recompute=config.recompute,
    )


def free_folder(config: Config) -> Path:
    """Where the run goes: the name that was asked for, or one after the data and the preset.

    Raises
    ------
    UserError
        If a run of that name is there already.
    """
    if config.name is None:
        name = f"{_title(config.data)}-{config.preset}"
        names = (name if i == 1 else f"{name}-{i}" for i in count(1))
        return next(path for n in names if not (path := config.runs / n).exists())
    folder = config.runs / config.name
    if folder.exists():
        raise UserError(
            f"--name {config.name}: {folder} exists; take another name, or --resume {folder}"
        )
    return folder


def _title(data: str) -> str:
    # Not resolved, which would name what a link leads to.
    path = Path(os.path.abspath(data))
    kind = kind_of(path)
    return (path.name[: -len(kind)] if kind else path.stem) or "data"
