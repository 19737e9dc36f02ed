"""Where an op is called: the part of a model, and the line of the user's code."""

from __future__ import annotations

import re
import sys
import threading


class _OpenScopes(threading.local):
    def __init__(self) -> None:
        self.names: list[str] = []


_open = _OpenScopes()


class scope:
    """Name the part of a model that the ops inside belong to; scopes nest as "blocks.3.attn"."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        _open.names.append(self.name)

    def __exit__(self, *exception: object) -> None:
        _open.names.pop()


def current_scope() -> str:
    """The scopes of this thread that are open, "" if none is."""
    return ".".join(_open.names)


def scope_parts(scope: str) -> tuple[str, ...]:
    """ "blocks.3.attention" in its steps: ("blocks.3", "attention")."""
    return tuple(re.split(r"\.(?!\d)", scope)) if scope else ()


def line_of_caller() -> str:
    """ "file:line" of the innermost frame that is neither the engine nor an op."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in ("tape", "ops"):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def describe_place(line: str, scope: str) -> str:
    """Line and scope in words, for the note on an error."""
    return f"called at {line}" + (f" in scope {scope}" if scope else "")
