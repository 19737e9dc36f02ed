"""The stories of one file: lines, rows or paragraphs, of a table's text column or of plain text."""

from __future__ import annotations

import codecs
import io
import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from train.errors import UserError
from train.tokenizer import EOT

Split = Literal["endoftext", "blank-lines"]

COLUMNS = ("text", "story", "content")
"""Where the text is, unless a column is named: the first of these that there is."""

CHUNK = 1 << 20
"""Characters of a text file, or rows of a table times 1000, that are in memory at once."""

COMPRESSED = {".gz": "gzip", ".zst": "zstd"}
"""By suffix, what undoes it."""


@dataclass
class Skipped:
    """Rows that were left out, and the first of them."""

    n: int = 0
    first: str = ""


@dataclass(frozen=True)
class Reading:
    """How files are read.

    Attributes
    ----------
    text_column : str or None
        Of a table; by default the first of `COLUMNS` that a row has.
    split : {"endoftext", "blank-lines"}
        What stands between the stories of a plain text.
    skip_bad_rows : bool
        Whether to go on after a row without a text, and count it in `skipped`.
    """

    text_column: str | None = None
    split: Split = "endoftext"
    skip_bad_rows: bool = False
    skipped: dict[Path, Skipped] = field(default_factory=dict, compare=False)

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the text and is not as it is by default."""
        values = {
            "text_column": self.text_column,
            "split": None if self.split == "endoftext" else self.split,
            "skip_bad_rows": self.skip_bad_rows or None,
        }
        return {name: value for name, value in values.items() if value is not None}


def kind_of(path: Path) -> str | None:
    """The suffix that says how a file is read, in small letters; None if it cannot be."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
        readable = suffixes[-1:] and suffixes[-1] in READERS and suffixes[-1] != ".parquet"
    else:
        readable = suffixes[-1:] and suffixes[-1] in READERS
    return suffixes[-1] if readable else None


def stem_of(path: Path) -> str:
    """The name of a file without what `kind_of` goes by."""
    stem = path.stem
    return Path(stem).stem if path.suffix.lower() in COMPRESSED else stem


def read(path: Path, reading: Reading) -> Iterator[str]:
    """The stories of a file, stripped of the space around them, and none of them empty.

    Raises
    ------
    UserError
        If the file cannot be read, or a row of it has no text: with the file, its line and why.
    """
    skipped = Skipped()
    with explained(path):
        for text in READERS[kind_of(path)](path, reading, skipped):
            yield from (story for part in text.split(EOT) if (story := part.strip()))
    if skipped.n:
        reading.skipped[path] = skipped


def has_separator(path: Path, reading: Reading) -> bool:
    """Whether a text file has what is to stand between its stories; other files need nothing."""
    if kind_of(path) != ".txt":
        return True
    with explained(path), _opened(path) as file:
        pieces = _pieces(file, SEPARATORS[reading.split])
        return next(pieces, None) is not None and next(pieces, None) is not None


@contextmanager
def explained(data: Path | str) -> Iterator[None]:
    """Turn what a file or a library cannot do into a UserError of one line."""
    try:
        yield
    except (OSError, ValueError) as error:
        first_line = str(error).partition("\n")[0]
        raise UserError(f"--data {data}: cannot be read: {first_line}") from error


SEPARATORS: dict[Split, re.Pattern[str]] = {
    "endoftext": re.compile(re.escape(EOT)),
    "blank-lines": re.compile(r"\n[^\S\n]*\n\s*"),
}


def _text(path: Path, reading: Reading, skipped: Skipped) -> Iterator[str]:
    with _opened(path) as file:
        yield from _pieces(file, SEPARATORS[reading.split])


def _pieces(file: IO[bytes], separator: re.Pattern[str]) -> Iterator[str]:
    """What stands between the separators, one of which may lie across two chunks."""
    rest = ""
    with io.TextIOWrapper(file, encoding="utf-8-sig") as text:
        while chunk := text.read(CHUNK):
            *pieces, rest = separator.split(rest + chunk)
            yield from pieces
    yield rest


def _json(path: Path, reading: Reading, skipped: Skipped) -> Iterator[str]:
    """An object in each line, or one list of objects."""
    with _opened(path) as file:
        first = file.peek(CHUNK).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        if first == b"[":
            for number, row in enumerate(_parsed(file.read()), 1):
                yield from _story(path, f"row {number}", reading, skipped, row)
            return
        for number, line in enumerate(file, 1):
            if line.strip():
                yield from _story(path, f"line {number}", reading, skipped, line)


def _parquet(path: Path, reading: Reading, skipped: Skipped) -> Iterator[str]:
    # `datasets` leaves a thread that reads ahead, and the process may abort at its end.
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        columns = [file.schema.column(i).path for i in range(len(file.schema))]
        column = _column({name.partition(".")[0]: None for name in columns}, reading)
        batches = file.iter_batches(CHUNK // 1000, columns=[column], use_threads=False)
        values = (value for batch in batches for value in batch.column(0).to_pylist())
        for number, value in enumerate(values, 1):
            yield from _story(path, f"row {number}", reading, skipped, {column: value})


Reader = Callable[[Path, Reading, Skipped], Iterator[str]]

READERS: dict[str, Reader] = {
    ".txt": _text,
    ".jsonl": _json,
    ".ndjson": _json,
    ".json": _json,
    ".parquet": _parquet,
}
"""By suffix, what reads the stories of a file."""


def _story(path: Path, where: str, reading: Reading, skipped: Skipped, row: Any) -> Iterator[str]:
    """The text of a row, or none where it is bad and such rows are skipped."""
    try:
        yield _text_of(_parsed(row) if isinstance(row, bytes) else row, reading)
    except ValueError as error:
        message = f"{path}: {where}: {error}"
        if not reading.skip_bad_rows:
            raise UserError(f"--data {message}; --skip-bad-rows goes on without it") from None
        skipped.n += 1
        skipped.first = skipped.first or message


def _text_of(row: Any, reading: Reading) -> str:
    if not isinstance(row, dict):
        raise ValueError(f"it is no object, but {_kind(row)}")
    column = _column(row, reading)
    if not isinstance(row[column], str):
        raise ValueError(f'a string is needed in "{column}", which holds {_kind(row[column])}')
    try:
        row[column].encode()
    except UnicodeEncodeError:
        raise ValueError(f'half a character of two is in "{column}"') from None
    return row[column]


def _column(row: dict[str, Any], reading: Reading) -> str:
    wanted = (reading.text_column,) if reading.text_column else COLUMNS
    for name in wanted:
        if name in row:
            return name
    names = " or ".join(f'"{name}"' for name in wanted)
    found = ", ".join(row) or "none"
    raise ValueError(f"there is no column {names}, but {found:.200}; --text-column names another")


def _kind(value: Any) -> str:
    return "null" if value is None else f"{type(value).__name__} {value!r:.40}"


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once_each, parse_int=_integer)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        again = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'the key "{again}" comes twice')
    return row


def _integer(digits: str) -> float:
    return int(digits) if len(digits) < 100 else math.inf  # which no text is, so no matter


def _opened(path: Path) -> IO[bytes]:
    """The bytes of a file, decompressed."""
    compression = COMPRESSED.get(path.suffix.lower())
    if compression is None:
        return path.open("rb")
    from pyarrow import input_stream  # which sees where an archive was cut short

    return io.BufferedReader(input_stream(str(path), compression))
