"""Where an op is called: what is open in its thread, and the line of the user's code."""

import os
import sys
import threading
from pathlib import Path
from types import CodeType
from typing import Any

CallSite = tuple[CodeType, int]
"""The code that called, and which of its instructions: all that is needed to tell the line."""


class _Scopes:
    """The open scopes of a thread, and their names joined."""

    def __init__(self) -> None:
        self.stack: list[scope] = []
        self.path = ""

    def join(self) -> None:
        self.path = ".".join(each.name for each in self.stack)


class _Here(threading.local):
    """What is open in this thread."""

    def __init__(self) -> None:
        self.recordings: list[Any] = []
        self.scopes = _Scopes()


here = _Here()
_closing = threading.Lock()


class scope:
    """Name the part of a model that the ops inside belong to; scopes nest as "blocks.3.attn"."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._opened: list[_Scopes] = []

    def __enter__(self) -> None:
        scopes = here.scopes
        self._opened.append(scopes)
        scopes.stack.append(self)
        scopes.join()

    def __exit__(self, *exception: object) -> None:
        with _closing:
            own = [i for i, scopes in enumerate(self._opened) if scopes is here.scopes]
            scopes = self._opened.pop(own[-1] if own else -1)  # another thread may close it, late
        del scopes.stack[-1 - scopes.stack[::-1].index(self)]
        scopes.join()


class _Inside(dict[str, bool]):
    """Whether a file is in one of our folders, looked up once."""

    def __init__(self, *folders: str) -> None:
        self._folders = tuple(f"{Path(__file__).parents[2] / name}{os.sep}" for name in folders)

    def __missing__(self, file: str) -> bool:
        self[file] = file.startswith(self._folders)
        return self[file]


below_models = _Inside("tape", "ops")
ours = _Inside("tape", "ops", "models")


def call_site(inside: _Inside = below_models) -> CallSite:
    """The innermost frame, from the one that called an op on, of a file that is not `inside`."""
    frame = sys._getframe(3)
    while inside[frame.f_code.co_filename] and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


def line_of(site: CallSite) -> str:
    """A call site as "file:line"."""
    code, instruction = site
    lines = (line for start, end, line in code.co_lines() if start <= instruction < end)
    return f"{code.co_filename}:{next(lines)}"


def describe_call_site() -> str:
    """Where the op that is running was called, in words: also from outside `models`."""
    line, outside = line_of(call_site()), line_of(call_site(ours))
    return describe_place(line if line == outside else f"{line}, for {outside}", here.scopes.path)


def describe_place(line: str, scope: str) -> str:
    """Line and scope in words, for the note on an error."""
    return f"called at {line}" + (f" in scope {scope}" if scope else "")
