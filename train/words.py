"""Names of files as a terminal, a page and a shell can show them, whatever bytes they hold."""

from __future__ import annotations

import os
import re
import shlex

INVISIBLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters but the tab, ends of lines, and bytes that are no UTF-8 as Python has them."""


def printable(text: object) -> str:
    """A text with escapes, as in Python, for what would break a line or show nothing."""
    return INVISIBLE.sub(lambda match: _escape(match[0]), str(text))


def shell_word(text: object) -> str:
    r"""A text as one word of a shell, with $'\n' for what is not printable (bash, zsh, ksh)."""
    word = str(text)
    if not INVISIBLE.search(word):
        return shlex.quote(word)
    quoted = word.replace("\\", r"\\").replace("'", r"\'")
    return f"$'{INVISIBLE.sub(lambda match: _bytes(match[0]), quoted)}'"


def _escape(character: str) -> str:
    return _bytes(character) if "\udc80" <= character <= "\udcff" else ascii(character)[1:-1]


def _bytes(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
