"""The error that the commands show as one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Input that cannot be used; the message names the value and what would be right.

    The commands print it on one line, without a traceback, and exit with status 2.
    """


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Print a UserError raised inside as one line on stderr and exit with status 2."""
    try:
        yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
