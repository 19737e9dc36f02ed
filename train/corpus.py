"""From what `--data` names to two streams of stories: one to train on, one to validate on."""

import glob
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from train.errors import UserError
from train.tokenizer import EOT
from train.toy import stories as toy_stories

HUB_DATASET = "roneneldan/TinyStories"
HUB_TIMEOUT = 10.0  # seconds
ROWS = 1000
"""Of a parquet file that are in memory at once."""

KINDS_OF_FILE = "a .txt, .jsonl or .parquet file"
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


def open_corpus(data: str, *, seed: int = 0, toy_megabytes: float = 4.0) -> Corpus:
    """Open what `--data` names.

    Parameters
    ----------
    data
        "toy" for stories of this project's generator, "tinystories" for TinyStories from the
        Hugging Face hub, or the path of a file or folder. A `.txt` file ends each story with
        a line `<|endoftext|>`; a `.jsonl` or `.parquet` file has a column "text". A folder holds
        one file named train.* and one named valid.* or validation.*; of a single file and of
        the toy stories, every 20th story, from the second on, is for validation.
    seed
        Seed of the toy stories; text from elsewhere does not depend on it.
    toy_megabytes
        Size of the toy stories, both parts together, in units of 10^6 bytes.

    Raises
    ------
    UserError
        If `data` names nothing readable, or holds no story for one of the two parts.
    """
    match data:
        case "toy":
            corpus = _toy(seed, toy_megabytes)
        case "tinystories":
            corpus = _tinystories()
        case _:
            corpus = _local(Path(data))
    if next(corpus.train(), None) is None:
        raise UserError(f"--data {data}: holds no story to train on")
    if next(corpus.valid(), None) is None:
        raise UserError(
            f"--data {data}: holds no story to validate on; a single file needs two stories, "
            f"and in a .txt file a line {EOT} ends each"
        )
    return corpus


def open_valid(data: str, *, seed: int = 0, toy_megabytes: float = 4.0) -> Corpus:
    """Open what `--data` names to validate on alone: a single file counts whole.

    Raises
    ------
    UserError
        If `data` names nothing readable, or holds no story.
    """
    path = Path(data)
    if data in ("toy", "tinystories") or not path.is_file():
        return open_corpus(data, seed=seed, toy_megabytes=toy_megabytes)
    corpus = _local(path)
    if next(_read(path), None) is None:
        raise UserError(f"--data {data}: holds no story")
    identity = {**corpus.identity, "part": "whole"}
    return Corpus(corpus.name, identity, lambda: iter(()), partial(_read, path))


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
        with _reading("tinystories"):
            rows = _stream(HUB_DATASET, revision=revision, split=split)
            yield from _stripped(row["text"] for row in rows)

    identity = {"dataset": HUB_DATASET, "revision": revision}
    return Corpus("tinystories", identity, partial(part, "train"), partial(part, "validation"))


def _local(path: Path) -> Corpus:
    if path.is_dir():
        train, valid = _only_file(path, "train"), _only_file(path, "valid", "validation")
        identity = {"files": [_describe(train), _describe(valid)]}
        return Corpus(str(path), identity, partial(_read, train), partial(_read, valid))
    if not path.exists():
        raise UserError(f"--data {path}: no such file or folder; it takes {ACCEPTED}")
    if path.suffix not in READERS:
        raise UserError(f"--data {path}: cannot read {path.suffix or 'it'}; it takes {ACCEPTED}")
    return _divided(str(path), {"files": [_describe(path)]}, partial(_read, path))


def _only_file(folder: Path, *stems: str) -> Path:
    files = [file for file in folder.iterdir() if file.stem in stems and file.suffix in READERS]
    if len(files) != 1:
        raise UserError(
            f"--data {folder}: needs one {' or '.join(stems)} file ({KINDS_OF_FILE}), "
            f"but holds {', '.join(sorted(file.name for file in files)) or 'none'}"
        )
    return files[0]


def _describe(path: Path) -> dict[str, str | int]:
    with _reading(path), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest}


def _read(path: Path) -> Iterator[str]:
    if path.stat().st_size == 0:  # which `datasets` reports as a StopIteration
        return
    with _reading(path):
        texts = (_text(row, path) for row in READERS[path.suffix](path))
        yield from _stripped(_joined(texts) if path.suffix == ".txt" else texts)


def _stream(*args: Any, **options: Any) -> Iterable[dict[str, Any]]:
    import datasets  # takes a second, which toy stories need not wait for

    datasets.disable_progress_bars()
    # Or it would report each reading of a local file to a server, and without a network wait.
    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False
    # A file that cannot be read is reported once, as a UserError.
    logging.getLogger("datasets.packaged_modules").setLevel(logging.CRITICAL)
    return datasets.load_dataset(*args, streaming=True, **options)


def _rows(builder: str, path: Path, **options: Any) -> Iterable[dict[str, Any]]:
    return _stream(builder, data_files=glob.escape(str(path)), split="train", **options)


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    # `datasets` leaves a thread that reads ahead, and the process may abort at its end.
    from pyarrow.parquet import ParquetFile

    for batch in ParquetFile(path).iter_batches(ROWS, use_threads=False):
        yield from batch.to_pylist()


READERS: dict[str, Callable[[Path], Iterable[dict[str, Any]]]] = {
    ".txt": partial(_rows, "text", keep_linebreaks=True, encoding="utf-8-sig"),
    ".jsonl": partial(_rows, "json"),
    ".parquet": _parquet,
}
"""By suffix, what reads the rows of a file."""


def _text(row: dict[str, Any], path: Path) -> str:
    if not isinstance(row.get("text"), str):
        columns = ", ".join(f"{name} ({type(value).__name__})" for name, value in row.items())
        raise UserError(
            f'--data {path}: needs a string in a column "text", but a row has {columns}'
        )
    return row["text"]


def _joined(lines: Iterable[str]) -> Iterator[str]:
    story: list[str] = []
    for line in lines:
        if line.strip() == EOT:
            yield "".join(story)
            story = []
        else:
            story.append(line)
    yield "".join(story)


def _stripped(texts: Iterable[str]) -> Iterator[str]:
    return (story for text in texts if (story := text.strip()))


@contextmanager
def _reading(data: Path | str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise UserError(f"--data {data}: cannot be read: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
