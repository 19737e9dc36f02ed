"""The error that the commands show as one line."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Input that cannot be used; the message names the value and what would be right.

    The commands print it on one line, without a traceback, and exit with status 2.
    """


def check_prompt(prompt: str) -> None:
    """Raise unless a prompt can be encoded: bytes of the command line may be no UTF-8."""
    try:
        prompt.encode()
    except UnicodeEncodeError:
        raise UserError(f"--prompt {prompt!r}: is not UTF-8") from None


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Print a UserError, or what the system refused, as one line on stderr; exit with status 2.

    Ctrl-C ends without a word, with status 130.
    """
    try:
        yield
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
