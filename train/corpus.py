"""From what `--data` names to two streams of stories: one to train on, one to validate on."""

import dataclasses
import hashlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from train.errors import UserError
from train.folders import expanded
from train.stories import Reading, explained, has_separator, kind_of, read, stem_of
from train.tokenizer import EOT
from train.toy import stories as toy_stories

HUB_DATASET = "roneneldan/TinyStories"
HUB_TIMEOUT = 10.0  # seconds

GENERATED = ("toy", "tinystories")
TRAIN, VALID = ("train",), ("valid", "validation", "val")

KINDS_OF_FILE = "a .txt, .jsonl, .ndjson, .json or .parquet file, the texts also as .gz or .zst"
ACCEPTED = f"toy, tinystories, {KINDS_OF_FILE}, or a folder with train.* and valid.*"


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
    path: Path | None = None
    """Of a file or folder, from the root."""
    reading: Reading = field(default_factory=Reading)
    """How its files are read, and which rows were skipped on the way."""


def open_corpus(
    data: str, *, seed: int = 0, toy_megabytes: float = 4.0, reading: Reading | None = None
) -> Corpus:
    """Open what `--data` names.

    Parameters
    ----------
    data
        "toy" for stories of this project's generator, "tinystories" for TinyStories from the
        Hugging Face hub, or the path of a file or folder. In a text `<|endoftext|>` ends each
        story; a table has a column "text", "story" or "content". A folder, or `data` in it, holds
        a file named train.* and one named valid.*, validation.* or val.*, or shards of these; of a
        single file and of the toy stories, every 20th story, from the second on, is for validation.
    seed
        Seed of the toy stories; text from elsewhere does not depend on it.
    toy_megabytes
        Size of the toy stories, both parts together, in units of 10^6 bytes.
    reading
        How files are read, if not by default.

    Raises
    ------
    UserError
        If `data` names nothing readable, or holds no story for one of the two parts.
    """
    corpus = _named(data, seed, toy_megabytes, reading or Reading())
    if next(corpus.train(), None) is None:
        raise UserError(f"--data {data}: holds no story to train on")
    if corpus.path is not None:
        _check_separators(data, corpus)
    if next(corpus.valid(), None) is None:
        raise UserError(
            f"--data {data}: holds no story to validate on; a single file needs two stories, "
            f"and in a .txt file {EOT} ends each"
        )
    return corpus


def _named(data: str, seed: int, toy_megabytes: float, reading: Reading) -> Corpus:
    if data not in GENERATED:
        return _local(data, reading)
    if Path(data).exists():
        print(f"--data {data} is not the {data} in this folder: that is ./{data}", file=sys.stderr)
    return _toy(seed, toy_megabytes) if data == "toy" else _tinystories()


def _check_separators(data: str, corpus: Corpus) -> None:
    for file in _files(corpus.path):
        if not has_separator(file, corpus.reading):
            what = EOT if corpus.reading.split == "endoftext" else "blank line"
            raise UserError(
                f"--data {data}: no {what} stands in {file.name}, so that all of it is one story; "
                "--split tells what stands between stories, such as blank-lines"
            )


def open_valid(
    data: str, *, seed: int = 0, toy_megabytes: float = 4.0, reading: Reading | None = None
) -> Corpus:
    """Open what `--data` names to validate on alone: a single file counts whole.

    Raises
    ------
    UserError
        If `data` names nothing readable, or holds no story.
    """
    corpus = _named(data, seed, toy_megabytes, reading or Reading())
    if corpus.path is not None and corpus.path.is_file():
        corpus = dataclasses.replace(
            corpus,
            identity={**corpus.identity, "part": "whole"},
            train=lambda: iter(()),
            valid=partial(read, corpus.path, corpus.reading),
        )
    if next(corpus.valid(), None) is None:
        raise UserError(f"--data {data}: holds no story")
    return corpus


def same_text(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two identities mean the same stories, whatever their files are called."""

    def unnamed(identity: dict[str, Any]) -> dict[str, Any]:
        files = [{**file, "name": None} for file in identity.get("files", ())]
        return {**identity, "files": files}

    return unnamed(one) == unnamed(other)


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
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HTTPError

    # Asked first, because it fails at once where `datasets` would retry for half a minute.
    try:
        revision = HfApi().dataset_info(HUB_DATASET, timeout=HUB_TIMEOUT).sha
    except (OSError, HTTPError) as error:
        raise UserError(
            f"--data tinystories: the hub cannot be reached ({_first_line(error)}); "
            "--data toy and --data PATH work without a network"
        ) from error

    def part(split: str) -> Iterator[str]:
        with explained("tinystories"):
            rows = _stream(HUB_DATASET, revision=revision, split=split)
            for row in rows:
                if story := row["text"].strip():
                    yield story

    identity = {"dataset": HUB_DATASET, "revision": revision}
    return Corpus("tinystories", identity, partial(part, "train"), partial(part, "validation"))


def _local(data: str, reading: Reading) -> Corpus:
    path = expanded(Path(data))
    if not path.exists():
        raise UserError(f"--data {data}: no such file or folder; it takes {ACCEPTED}")
    if path.is_dir():
        train, valid = _shards(path, TRAIN), _shards(path, VALID)
        files = [_describe(file) for file in (*train, *valid)]
        identity = {"files": files, **({"train": len(train)} if len(files) > 2 else {})}
        identity |= reading.identity

        def part(shards: list[Path]) -> Iterator[str]:
            return (story for shard in shards for story in read(shard, reading))

        return Corpus(
            data, identity, partial(part, train), partial(part, valid), path.resolve(), reading
        )
    if kind_of(path) is None:
        raise UserError(f"--data {data}: cannot read {path.suffix or 'it'}; it takes {ACCEPTED}")
    identity = {"files": [_describe(path)], **reading.identity}
    corpus = _divided(data, identity, partial(read, path, reading))
    return dataclasses.replace(corpus, path=path.resolve(), reading=reading)


def _files(path: Path) -> list[Path]:
    return [*_shards(path, TRAIN), *_shards(path, VALID)] if path.is_dir() else [path]


def _shards(folder: Path, names: tuple[str, ...]) -> list[Path]:
    """The file of a part, or all its shards in their order.

    A file is of the part that its name is, or ends with before the numbers of a shard.
    """
    ends = re.compile(rf"(?:.*[-_.])?(?:{'|'.join(names)})(?:[-_.]?\d+)?(?:-of-(\d+))?", re.I)
    readable = [file for file in folder.iterdir() if file.is_file() and kind_of(file)]
    found = [file for file in readable if ends.fullmatch(stem_of(file))]
    exact = [file for file in found if stem_of(file).lower() in names]
    if not found and (folder / "data").is_dir():
        return _shards(folder / "data", names)
    files = sorted(exact or found, key=lambda file: (_numbers(file), file.name))
    alike = {(re.sub(r"\d+", "0", stem_of(file)), kind_of(file)) for file in files}
    if len(alike) != 1 or (len(files) > 1 and exact):
        raise UserError(
            f"--data {folder}: needs one {' or '.join(names[:2])} file ({KINDS_OF_FILE}), "
            f"but holds {', '.join(sorted(file.name for file in files)) or 'none'}"
        )
    with suppress(TypeError):  # names without "-of-"
        n = int(ends.fullmatch(stem_of(files[0]))[1])
        if n != len(files):
            raise UserError(f"--data {folder}: {len(files)} of {n} shards of {names[0]} are there")
    return files


def _numbers(file: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", file.name)]


def _describe(path: Path) -> dict[str, str | int]:
    with explained(path), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest}


def _stream(*args: Any, **options: Any) -> Iterable[dict[str, Any]]:
    import datasets  # takes a second, which stories from elsewhere need not wait for

    datasets.disable_progress_bars()
    return datasets.load_dataset(*args, streaming=True, **options)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
