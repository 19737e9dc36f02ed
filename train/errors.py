"""How the commands end when something is wrong: with one line, and what the shell expects."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TextIO, cast

from train.words import printable


class UserError(Exception):
    """Input that cannot be used; the message names the value and what would be right.

    The commands print it on one line, without a traceback, and exit with status 2. Details, if
    there are any, follow on lines of their own.
    """

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


class Damaged(UserError):
    """A file that is not what was written; there may be another one to fall back on."""


def check_prompt(prompt: str) -> None:
    """Raise unless a prompt can be encoded: bytes of the command line may be no UTF-8."""
    try:
        prompt.encode()
    except UnicodeEncodeError:
        raise UserError(f"--prompt {prompt!r}: is not UTF-8") from None


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Print a UserError, or what the system refused, as one line on stderr; exit with status 2.

    Ctrl-C ends without a word, with status 130, and so does, with 141, a reader of the output who
    has seen enough.
    """
    _open_streams()
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:  # as it was while modules were loaded
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        try:
            yield
        except SystemExit:
            sys.stdout.flush()
            raise
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output(sys.stdout)
        sys.exit(128 + getattr(signal, "SIGPIPE", 13))
    except UserError as error:
        _fail(str(error), error.details)
    except OSError as error:
        _fail(str(error))
    except MemoryError as error:
        _fail(f"out of memory: {str(error) or 'the system has no more'}")
    except RecursionError:
        _fail("what was given is nested too deeply")
    except RuntimeError as error:
        if "start new thread" not in str(error):
            raise
        _fail("the system starts no more threads; give fewer --workers, or raise its limits")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def discard_output(stream: TextIO) -> None:
    """Have what is written to a stream from now on go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _fail(message: str, details: str = "") -> None:
    for line in (f"error: {message}", *details.splitlines()):
        print(printable(line), file=sys.stderr)
    sys.exit(2)


def _open_streams() -> None:
    """Have stdout and stderr be open, as a shell may close them, and take any character."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    # A story may hold what a terminal cannot show.
    cast(TextIOWrapper, sys.stdout).reconfigure(errors="replace")
