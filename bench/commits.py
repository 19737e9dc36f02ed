"""What git knows of this tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

from train.errors import UserError

CODE = (".", ":!docs")
"""Paths whose changes may change a figure."""


def git(*arguments: str) -> str:
    """What a git command prints.

    Raises
    ------
    UserError
        With git's reason, if it fails.
    """
    command = ["git", "-C", str(Path(__file__).parents[1]), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        raise UserError(f"git {' '.join(arguments[:2])}: {reason}")
    return done.stdout.strip()


def code_of_this_tree() -> str:
    """The last commit that changed code, "-dirty" after it if code has been changed since."""
    dirty = git("status", "--porcelain", "--", *CODE)
    return git("log", "-1", "--format=%h", "--", *CODE) + ("-dirty" if dirty else "")
