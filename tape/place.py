"""Where an op is called: the part of a model, and the line of the user's code."""

from __future__ import annotations

import os
import re
import sys
import threading
from pathlib import Path

_packages = Path(__file__).parents[1]
BELOW_MODELS = tuple(f"{_packages / name}{os.sep}" for name in ("tape", "ops"))
OURS = (*BELOW_MODELS, f"{_packages / 'models'}{os.sep}")
"""Folders whose frames are not the caller."""


class _OpenScopes(threading.local):
    def __init__(self) -> None:
        self.stack: list[scope] = []


_open = _OpenScopes()
_closing = threading.Lock()


class scope:
    """Name the part of a model that the ops inside belong to; scopes nest as "blocks.3.attn"."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._stacks: list[list[scope]] = []

    def __enter__(self) -> None:
        self._stacks.append(_open.stack)
        _open.stack.append(self)

    def __exit__(self, *exception: object) -> None:
        with _closing:
            own = [i for i, stack in enumerate(self._stacks) if stack is _open.stack]
            stack = self._stacks.pop(own[-1] if own else -1)  # another thread may close it, late
        del stack[-1 - stack[::-1].index(self)]


def current_scope() -> str:
    """The scopes of this thread that are open, "" if none is."""
    return ".".join(each.name for each in _open.stack)


def scope_parts(scope: str) -> tuple[str, ...]:
    """ "blocks.3.attention" in its steps: ("blocks.3", "attention")."""
    return tuple(re.split(r"\.(?!\d)", scope)) if scope else ()


def line_of_caller() -> str:
    """ "file:line" of the innermost frame that is neither the engine nor an op."""
    return _line_outside(BELOW_MODELS)


def _line_outside(folders: tuple[str, ...]) -> str:
    frame = sys._getframe(2)
    while frame.f_back and frame.f_code.co_filename.startswith(folders):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def describe_call_site(scope: str) -> str:
    """Where the op that is running was called, in words: also from outside `models`."""
    line, outside = _line_outside(BELOW_MODELS), _line_outside(OURS)
    by = "" if outside == line else f", for {outside}"
    return describe_place(line + by, scope)


def describe_place(line: str, scope: str) -> str:
    """Line and scope in words, for the note on an error."""
    return f"called at {line}" + (f" in scope {scope}" if scope else "")
