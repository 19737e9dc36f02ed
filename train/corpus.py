"""From what `--data` names to two streams of stories: one to train on, one to validate on."""

import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from train.errors import UserError
from train.stories import (
    PLAIN,
    Reading,
    bad_rows,
    first_line,
    has_separator,
    kind_of,
    read_stories,
    reading_errors,
)
from train.tokenizer import EOT
from train.toy import stories as toy_stories
from train.words import printable

HUB_DATASET = "roneneldan/TinyStories"
HUB_TIMEOUT = 10.0  # seconds
KINDS_OF_FILE = "a .txt, .jsonl, .json or .parquet file"
ACCEPTED = f"toy, tinystories, {KINDS_OF_FILE}, or a folder with train.* and valid.*"
GENERATED = {
    "toy": "the stories of this project's generator",
    "tinystories": "TinyStories from the hub",
}
"""What `--data` names without a path."""

VALID = "val|valid|validation"
SHARD = r"[-_.]?(?P<number>\d+)(?:-of-(?P<of>\d+))?(?:-[0-9a-f]{16})?"
""""-00000-of-00004" after the name of a split; the hub used to add 16 digits of a hash."""


@dataclass(frozen=True)
class Corpus:
    """Stories in two parts; each call of `train` or `valid` reads its part from the start.

    A story is stripped of the whitespace around it and not empty.
    """

    name: str
    identity: dict[str, Any]
    """What decides the text, ready for JSON: equal identities mean equal stories."""
    train: Callable[[], Iterator[str]]
    valid: Callable[[], Iterator[str]]
    files: tuple[Path, ...] = ()


def open_corpus(
    data: str, *, seed: int = 0, toy_megabytes: float = 4.0, reading: Reading = PLAIN
) -> Corpus:
    """Open what `--data` names.

    Parameters
    ----------
    data
        "toy" for stories of this project's generator, "tinystories" for TinyStories from the
        Hugging Face hub, or the path of a file or folder. In a `.txt` file `<|endoftext|>` ends
        each story; a `.jsonl` (or `.ndjson`), `.json` or `.parquet` file has a column "text",
        "story" or "content"; all but the last may end in `.gz` or `.zst`. A folder, or its
        folder `data`, holds one file named train.* and one named val.*, valid.* or validation.*,
        or the numbered shards of these; of a single file and of the toy stories, every 20th
        story, from the second on, is for validation.
    seed
        Seed of the toy stories; text from elsewhere does not depend on it.
    toy_megabytes
        Size of the toy stories, both parts together, in units of 10^6 bytes.
    reading
        How the rows of files become stories.

    Raises
    ------
    UserError
        If `data` names nothing readable, or holds no story for one of the two parts, or a text
        without anything between its stories.
    """
    corpus = _open(data, seed, toy_megabytes, reading)
    for file in corpus.files:
        if reading.split == "endoftext" and not has_separator(file):
            raise UserError(
                f"--data {data}: {file.name} has no {EOT} between its stories; "
                "add --split blank-lines if blank lines part them"
            )
    return _with_stories(corpus, data)


def _with_stories(corpus: Corpus, data: str) -> Corpus:
    if next(corpus.train(), None) is None:
        raise UserError(f"--data {data}: holds no story to train on")
    if next(corpus.valid(), None) is None:
        raise UserError(
            f"--data {data}: holds no story to validate on; a single file needs two stories, "
            f"and in a .txt file {EOT} ends each, or a blank line with --split blank-lines"
        )
    return corpus


def _open(data: str, seed: int, toy_megabytes: float, reading: Reading) -> Corpus:
    if data in GENERATED and os.path.exists(data):
        print(
            f"--data {data}: not what is called {data} here, which is --data ./{data}, "
            f"but {GENERATED[data]}",
            file=sys.stderr,
        )
    match data:
        case "toy":
            return _toy(seed, toy_megabytes)
        case "tinystories":
            return _tinystories()
        case _:
            return _local(Path(data), reading)


def open_valid(
    data: str, *, seed: int = 0, toy_megabytes: float = 4.0, reading: Reading = PLAIN
) -> Corpus:
    """Open what `--data` names to validate on alone: a single file counts whole.

    A text without anything between its stories is one story.

    Raises
    ------
    UserError
        If `data` names nothing readable, or holds no story.
    """
    corpus = _open(data, seed, toy_megabytes, reading)
    if data in GENERATED or not Path(data).is_file():
        return _with_stories(corpus, data)
    whole = _reader([Path(data)], reading)
    if next(whole(), None) is None:
        raise UserError(f"--data {data}: holds no story")
    identity = {**corpus.identity, "part": "whole"}
    return Corpus(corpus.name, identity, lambda: iter(()), whole, corpus.files)


def _toy(seed: int, megabytes: float) -> Corpus:
    def read() -> Iterator[str]:
        room = megabytes * 1e6
        for story in toy_stories(seed):
            room -= len(story.encode())
            if room < 0:
                return
            yield story

    return _divided("toy", {"generator": "toy", "seed": seed, "megabytes": megabytes}, read)


def _divided(name: str, identity: dict[str, Any], read: Callable[[], Iterator[str]]) -> Corpus:
    def part(held_out: bool) -> Iterator[str]:
        return (story for i, story in enumerate(read()) if (i % 20 == 1) == held_out)

    return Corpus(name, identity, partial(part, False), partial(part, True))


def _tinystories() -> Corpus:
    if os.path.expanduser("~") == "~" and "HF_HOME" not in os.environ:
        raise UserError(  # or the libraries would make a folder that is called ~
            "--data tinystories: this user has no home folder; set HF_HOME to a folder for the "
            "files of the hub"
        )
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    # Asked first, because it fails at once where `datasets` would retry for half a minute.
    try:
        revision = HfApi().dataset_info(HUB_DATASET, timeout=HUB_TIMEOUT).sha
    except (OSError, HTTPError) as error:
        raise UserError(
            f"--data tinystories: the hub cannot be reached ({first_line(error)}); "
            "--data toy and --data PATH work without a network"
        ) from error

    def part(split: str) -> Iterator[str]:
        with reading_errors("tinystories"):
            rows = _stream(HUB_DATASET, revision=revision, split=split)
            yield from _stripped(row["text"] for row in rows)

    identity = {"dataset": HUB_DATASET, "revision": revision}
    return Corpus("tinystories", identity, partial(part, "train"), partial(part, "validation"))


def _local(path: Path, reading: Reading) -> Corpus:
    if path.is_dir():
        train, valid = _shards(path, "train", "train"), _shards(path, VALID, "valid or validation")
        identity: dict[str, Any] = {"files": [_describe(file) for file in (*train, *valid)]}
        if (len(train), len(valid)) != (1, 1):
            identity["train_files"] = len(train)
        corpus = Corpus(str(path), identity, _reader(train, reading), _reader(valid, reading))
        files = [*train, *valid]
    else:
        if not path.exists():
            raise UserError(f"--data {path}: no such file or folder; it takes {ACCEPTED}")
        if kind_of(path) is None:
            raise UserError(
                f"--data {path}: cannot read {path.suffix or 'it'}; it takes {ACCEPTED}"
            )
        corpus = _divided(str(path), {"files": [_describe(path)]}, _reader([path], reading))
        files = [path]
    if reading.skip_bad_rows:
        for file in files:
            _tell_bad_rows(file, reading)
    if options := reading.identity():
        corpus.identity["reading"] = options
    return replace(corpus, files=tuple(files))


def _reader(files: list[Path], reading: Reading) -> Callable[[], Iterator[str]]:
    return lambda: (story for file in files for story in read_stories(file, reading))


def _tell_bad_rows(file: Path, reading: Reading) -> None:
    n, first = bad_rows(file, reading)
    if n:
        rows = "1 bad row is" if n == 1 else f"{n:,} bad rows are"
        print(f"--data {printable(file)}: {rows} skipped; the first is {first}", file=sys.stderr)


def _shards(folder: Path, split: str, words: str) -> list[Path]:
    """The file of a split, or all its shards in their order, in a folder or its folder `data`."""
    name = re.compile(rf"(?:.*[-_.])?(?:{split})(?:{SHARD})?", re.IGNORECASE)
    series: dict[tuple[str, ...], dict[int, Path]] = {}
    files = [
        file for place in (folder, folder / "data") if place.is_dir() for file in listed(place)
    ]
    found = []
    for file in files:
        kind = kind_of(file)
        if kind and (match := name.fullmatch(file.name[: -len(kind)])):
            found.append(file)
            number, of = int(match["number"] or 0), match["of"] or ""
            stem = file.name[: match.start("number")] if match["number"] else file.name
            series.setdefault((str(file.parent), stem, of, kind), {})[number] = file
    if len(series) != 1 or len(found) != sum(map(len, series.values())):
        names = ", ".join(sorted(str(file.relative_to(folder)) for file in found))
        raise UserError(
            f"--data {folder}: needs one {words} file ({KINDS_OF_FILE}), or the shards of one, "
            f"but holds {names or 'none'}"
        )
    (((_, stem, of, kind), shards),) = series.items()
    if of and len(shards) != int(of):
        raise UserError(
            f"--data {folder}: holds {len(shards)} of the {int(of)} files {stem}*{kind}"
        )
    return [shards[number] for number in sorted(shards)]


def listed(folder: Path) -> list[Path]:
    """The files in a folder that are not hidden."""
    with reading_errors(folder):
        return [f for f in folder.iterdir() if f.is_file() and not f.name.startswith(".")]


def _describe(path: Path) -> dict[str, str | int]:
    with reading_errors(path), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest}


def same_stories(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two identities mean the same stories, whatever their files are called."""

    def content(identity: dict[str, Any]) -> dict[str, Any]:
        files = [
            {**file, "name": kind_of(Path(file["name"]))} for file in identity.get("files", [])
        ]
        return {**identity, "files": files}

    return content(one) == content(other)


def _stream(*args: Any, **options: Any) -> Iterable[dict[str, Any]]:
    import datasets  # takes a second, which toy stories need not wait for

    datasets.disable_progress_bars()
    rows: Iterable[dict[str, Any]] = datasets.load_dataset(*args, streaming=True, **options)
    return rows


def _stripped(texts: Iterable[str]) -> Iterator[str]:
    return (story for text in texts for part in text.split(EOT) if (story := part.strip()))
