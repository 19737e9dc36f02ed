"""Output that a run outlasts: the pipe's reader may leave, or the disk under it may be full."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from train.errors import discard_output


class Outlasted:
    """A stream that goes nowhere from the moment it cannot be written.

    Parameters
    ----------
    stream : TextIO
    name : str
        What the other stream is told then.
    """

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream, self._name = stream, name

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        discard_output(self._stream)
        print(f"{self._name}: {error.strerror}; the run goes on without it", file=sys.stderr)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def outlasting_output() -> Iterator[None]:
    """Let nothing that happens to stdout or stderr end what the block does."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Outlasted(sys.stdout, "stdout"), Outlasted(sys.stderr, "stderr")
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before
