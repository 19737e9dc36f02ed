"""How the stories in one file are read: its kind, compression, text column and bad rows."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal, cast

from train.errors import UserError
from train.tokenizer import EOT

SplitName = Literal["endoftext", "blank-lines"]
COLUMNS = ("text", "story", "content")
"""Where the text is looked for, the first that a file has."""

ROWS = 1000
"""Of a parquet file that are in memory at once."""
CHUNK = 1 << 20
"""Characters of a file that are in memory at once, or as many as its longest story."""

BLANK_LINES = re.compile(rf"{re.escape(EOT)}|\n\s*\n")
END = re.compile(re.escape(EOT))
SPACE = re.compile(r"[ \t\n\r]*")

Position = tuple[str, int]
"""Where in a file something stands: ("line", 3)."""


@dataclass(frozen=True)
class Reading:
    """How rows become stories.

    Attributes
    ----------
    column : str, optional
        That holds the text; by default "text", else "story", else "content".
    split : "endoftext" or "blank-lines"
        What stands between the stories of a text file. EOT parts stories everywhere.
    skip_bad_rows : bool
        Leave out rows without a text, instead of raising.
    """

    column: str | None = None
    split: SplitName = "endoftext"
    skip_bad_rows: bool = False

    def identity(self) -> dict[str, Any]:
        """What of it is not the default, ready for JSON."""
        return {name: value for name, value in vars(self).items() if value != getattr(PLAIN, name)}


PLAIN = Reading()


def kind_of(path: Path) -> str | None:
    """The suffix of a file that can be read, in lower case and with its compression, or None."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    if suffixes[-1:] and suffixes[-1] in COMPRESSIONS:
        kind = "".join(suffixes)
        return kind if suffixes[0] in READERS and suffixes[0] != ".parquet" else None
    return suffixes[-1] if suffixes[-1:] and suffixes[-1] in READERS else None


def read_stories(path: Path, reading: Reading = PLAIN) -> Iterator[str]:
    """The stories of a file, from its start; stripped, and none of them empty.

    Raises
    ------
    UserError
        If the file cannot be read, or has a bad row that is not to be skipped.
    """
    for position, text in _rows(path, reading):
        if isinstance(text, str):
            yield from (story for part in text.split(EOT) if (story := part.strip()))
        elif not reading.skip_bad_rows:
            raise UserError(
                f"--data {path}: {_words(position)}: {text}; mend it, or add --skip-bad-rows"
            )


def bad_rows(path: Path, reading: Reading) -> tuple[int, str]:
    """How many rows of a file hold no text, and where the first is and why."""
    bad = ((position, text) for position, text in _rows(path, reading) if not isinstance(text, str))
    first = next(bad, None)
    if first is None:
        return 0, ""
    return 1 + sum(1 for _ in bad), f"{_words(first[0])}: {first[1]}"


def has_separator(path: Path) -> bool:
    """Whether a text file holds EOT, or nothing that would need one; other kinds need none."""
    if not cast(str, kind_of(path)).startswith(".txt"):
        return True
    with reading_errors(path), _open_text(path) as file:
        before, empty = "", True
        while chunk := file.read(CHUNK):
            if EOT in before + chunk:
                return True
            before, empty = chunk[-len(EOT) :], empty and not chunk.strip()
    return empty


Row = tuple[Position, str | ValueError]


def _rows(path: Path, reading: Reading) -> Iterator[Row]:
    """Where each row is, and its text or what is wrong with it."""
    with reading_errors(path):
        kind = cast(str, kind_of(path))
        for position, text in READERS[f".{kind.split('.')[1]}"](path, reading):
            yield position, text if isinstance(text, ValueError) else _encodable(text)


def _encodable(text: str) -> str | ValueError:
    try:
        text.encode("utf-8", "surrogateescape").decode()  # names the byte of a file that is wrong
        text.encode()
    except ValueError as error:
        return ValueError(f"cannot be read: {error}")
    return text


def _text(path: Path, reading: Reading) -> Iterator[Row]:
    separator = BLANK_LINES if reading.split == "blank-lines" else END
    line, rest = 1, ""
    with _open_text(path) as file:
        while chunk := file.read(max(CHUNK, len(rest))):
            rest += chunk
            start = 0
            for end in separator.finditer(rest):
                yield ("line", line), rest[start : end.start()]
                line += rest.count("\n", start, end.end())
                start = end.end()
            rest = rest[start:]
    yield ("line", line), rest


def _json(path: Path, reading: Reading) -> Iterator[Row]:
    column = _Column(reading.column)
    with _open_bytes(path) as file:
        lines = io.BufferedReader(file)
        start = lines.peek(CHUNK).removeprefix(b"\xef\xbb\xbf").lstrip()
        if start.startswith(b"["):
            with io.TextIOWrapper(lines, "utf-8-sig", errors="surrogateescape") as whole:
                yield from ((position, column.of(row)) for position, row in _items(whole))
            return
        for number, line in enumerate(lines, 1):
            text = line.decode("utf-8-sig" if number == 1 else "utf-8", "surrogateescape")
            if text.strip():
                try:
                    row = DECODER.decode(text)
                except (ValueError, RecursionError) as error:
                    row = ValueError(f"is no JSON object ({_fault(error)})")
                yield ("line", number), column.of(row)


class _Object(list[tuple[str, Any]]):
    """The pairs of a JSON object, twins among them."""


# Numbers beside the text may have more digits than Python takes for an int.
DECODER = json.JSONDecoder(object_pairs_hook=_Object, parse_int=float, strict=False)


def _items(file: io.TextIOBase) -> Iterator[tuple[Position, Any]]:
    """The items of a JSON list, of which few are in memory at once."""
    text, at = file.read(CHUNK).lstrip(), 1  # behind the bracket
    if re.fullmatch(r"\[\s*\]\s*", text):
        return
    for number in count(1):
        while True:
            try:
                row, end = DECODER.raw_decode(text, _behind_space(text, at))
                mark = _behind_space(text, end)
                if mark < len(text):
                    break
                cause = "the list has no end"
            except (ValueError, RecursionError) as error:
                cause = _fault(error)
            if not (more := file.read(max(CHUNK, len(text) - at))):
                raise ValueError(f"item {number} of its list: {cause}")
            text, at = text[at:] + more, 0
        yield ("item", number), row
        if text[mark] == "]":
            break
        if text[mark] != ",":
            raise ValueError(f"item {number} of its list: no comma follows")
        at = mark + 1
    if (text[mark + 1 :] + file.read()).strip():
        raise ValueError("text follows the end of its list")


def _behind_space(text: str, at: int) -> int:
    space = SPACE.match(text, at)
    return space.end() if space else at


def _fault(error: Exception) -> str:
    # Its line is always the first, and not that of the file.
    return error.msg if isinstance(error, json.JSONDecodeError) else first_line(error)


def _parquet(path: Path, reading: Reading) -> Iterator[Row]:
    from pyarrow.parquet import ParquetFile

    # Opened here, as pyarrow takes no name that is not UTF-8.
    with path.open("rb") as whole, ParquetFile(whole) as file:
        column = _Column(reading.column)
        names = [file.schema_arrow.field(i).name for i in range(len(file.schema_arrow))]
        column.choose(names)
        if column.name is None or names.count(column.name) != 1:
            raise UserError(f"--data {path}: {column.missing(names)}")
        number = 0
        # With threads the process may abort at its end.
        for batch in file.iter_batches(ROWS, columns=[column.name], use_threads=False):
            for value in batch.column(column.name).to_pylist():
                number += 1
                yield ("row", number), column.of(_Object([(column.name, value)]))


class _Column:
    """The column that holds the text: the one asked for, or what the first row has."""

    def __init__(self, name: str | None) -> None:
        self.name = name

    def choose(self, names: list[str]) -> None:
        if self.name is None:
            self.name = next((name for name in COLUMNS if name in names), None)

    def missing(self, names: list[str]) -> str:
        wanted = f'"{self.name}"' if self.name else f"{', '.join(COLUMNS[:-1])} or {COLUMNS[-1]}"
        return (
            f"needs one column {wanted}, but has {', '.join(names) or 'none'}; "
            "--text-column NAME names another"
        )

    def of(self, row: Any) -> str | ValueError:
        """The text of a row, or what is wrong with it."""
        if isinstance(row, ValueError):
            return row
        if not isinstance(row, _Object):
            return ValueError("is no JSON object")
        names = [name for name, _ in row]
        self.choose(names)
        texts = [value for name, value in row if name == self.name]
        if not texts:
            return ValueError(self.missing(names))
        if len(texts) > 1:
            return ValueError(f'has the column "{self.name}" twice')
        if not isinstance(texts[0], str):
            return ValueError(f'"{self.name}" is {_kind(texts[0])}, and not a text')
        return texts[0]


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case bytes():
            return "bytes"
        case _Object() | dict():
            return "an object"
        case _:
            return "a list" if isinstance(value, list) else f"a {type(value).__name__}"


COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
READERS: dict[str, Callable[[Path, Reading], Iterator[Row]]] = {
    ".txt": _text,
    ".jsonl": _json,
    ".ndjson": _json,
    ".json": _json,
    ".parquet": _parquet,
}
"""By suffix, what reads the rows of a file."""


def _open_bytes(path: Path) -> io.RawIOBase:
    compression = COMPRESSIONS.get(path.suffix.lower())
    if compression is None:
        return path.open("rb", buffering=0)
    import pyarrow  # which, unlike `gzip` and `zstandard`, tells where a stream was cut short

    stream: io.RawIOBase = pyarrow.CompressedInputStream(path.open("rb"), compression)
    return stream


def _open_text(path: Path) -> io.TextIOWrapper:
    file = io.BufferedReader(_open_bytes(path))
    return io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape")


@contextmanager
def reading_errors(data: Path | str) -> Iterator[None]:
    """Errors of the system and of libraries inside become a UserError about `--data`."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise UserError(f"--data {data}: cannot be read: {first_line(error)}") from error


def _words(position: Position) -> str:
    return f"{position[0]} {position[1]}"


def first_line(error: Exception) -> str:
    """The first line of what an error says."""
    return str(error).partition("\n")[0]
