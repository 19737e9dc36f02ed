"""The folder that a run leaves: configuration, tokenizer, model, metrics and report."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from tokenizers import Tokenizer
from typeguard import TypeCheckError, check_type

from models import Transformer
from tape.files import replacing
from train.checkpoint import load_model, save_checkpoint, save_model
from train.config import Config
from train.corpus import GENERATED, Corpus, open_corpus, same_stories
from train.errors import Damaged, UserError
from train.folders import expanded, making
from train.journal import Journal
from train.memory import n_parameters
from train.optim import AdamW
from train.seals import checksum, from_text, to_text
from train.stories import kind_of
from train.tokenizer import load_tokenizer
from train.version import SEALED_SINCE, VERSION
from train.words import shell_word


class DataFacts(TypedDict):
    """What a run reads: its identity, and its size in two parts."""

    name: str
    identity: dict[str, Any]
    path: NotRequired[str | None]
    train_stories: int
    train_tokens: int
    train_bytes: int
    valid_stories: int
    valid_tokens: int
    valid_bytes: int


class Facts(TypedDict):
    """What a configuration does not say; the tokenizer by the checksum of its file."""

    parameters: int
    data: DataFacts
    machine: dict[str, Any]
    tokenizer: NotRequired[str]


@dataclass(frozen=True)
class Run:
    """A run, and where its files are.

    Attributes
    ----------
    folder : Path
    config : Config
    tokenizer : Tokenizer
    facts : Facts
        What the configuration does not say.
    version : int
        Of the program that wrote the folder.
    """

    folder: Path
    config: Config
    tokenizer: Tokenizer
    facts: Facts
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
    def journal(self) -> Journal:
        """What happened so far."""
        return Journal(self.folder / "metrics.jsonl", self.version >= SEALED_SINCE)

    def save(self, model: Transformer, optimizer: AdamW) -> None:
        """Make the folder, complete from the moment it appears, and ready to go on from.

        Raises
        ------
        FileExistsError
            If there is one by now, of a run that began at the same time.
        """
        with making(self.folder) as unfinished:
            text = self.tokenizer.to_str(pretty=True).encode()
            (unfinished / "tokenizer.json").write_bytes(text)
            facts: Facts = {**self.facts, "tokenizer": checksum(text)}
            run = replace(self, folder=unfinished, facts=facts)
            run.save_settings()
            run.journal.path.touch()
            run.save_progress(model, optimizer)

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
            text = (folder / "config.json").read_bytes()
            config, version = Config.from_json(text), json.loads(text).get("version", 1)
        except (OSError, UserError) as error:
            raise UserError(f"{folder}: config.json: {error}") from None
        try:
            facts = check_type(from_text((folder / "facts.json").read_bytes()), Facts)
        except (OSError, UserError, TypeCheckError) as error:
            raise UserError(f"{folder}: facts.json: {error}") from None
        tokenizer = load_tokenizer(folder / "tokenizer.json", facts.get("tokenizer"))
        n = n_parameters(config, tokenizer.get_vocab_size())
        if n != facts["parameters"]:
            raise UserError(
                f"{folder}: its configuration and tokenizer make a model of {n:,} parameters, and "
                f"not of {facts['parameters']:,} as it began"
            )
        return cls(folder, config, tokenizer, facts, version)

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
        settings = {"config.json": self.config.to_json(), "facts.json": to_text(self.facts)}
        for name, text in settings.items():
            with replacing(self.folder / name) as temporary:
                temporary.write_text(text)

    def save_progress(self, model: Transformer, optimizer: AdamW) -> None:
        """Have the disk hold the metrics so far and the model, and then a checkpoint of both."""
        self.journal.seal("checkpoint", optimizer.updates, steps=self.config.steps)
        save_model(self.model, model)
        save_checkpoint(self.checkpoint, model, optimizer)

    def new_model(self) -> Transformer:
        """The model as it is before training."""
        return new_model(self.config, self.tokenizer)

    def trained_model(self) -> Transformer:
        """The model as last saved, in evaluation mode.

        Raises
        ------
        UserError
            If it is missing, damaged, or does not fit the configuration or the tokenizer.
        """
        model = self.new_model()
        try:
            load_model(self.model, model)
        except Damaged as damage:
            raise Damaged(
                f"{damage}; this takes it from the checkpoint: python -m train.lm --resume "
                f"{shell_word(self.folder)}"
            ) from None
        return model.eval()


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
            f"--name {config.name}: {folder} exists; take another name, or --resume "
            f"{shell_word(folder)}"
        )
    return folder


def _title(data: str) -> str:
    # Not resolved, which would name what a link leads to.
    path = Path(os.path.abspath(data))
    kind = kind_of(path)
    return (path.name[: -len(kind)] if kind else path.stem) or "data"
