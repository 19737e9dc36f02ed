"""Folders: made so that a reader finds all of one, or none; and at home, if there is one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from train.errors import UserError

AnyPath = TypeVar("AnyPath", str, Path)


def expanded(path: AnyPath, flag: str) -> AnyPath:
    """A path with the home folder for the ~ that it begins with.

    Raises
    ------
    UserError
        If there is no such home.
    """
    whole = os.path.expanduser(path)
    if whole.startswith("~") and str(path).startswith("~"):
        raise UserError(f"{flag} {path}: there is no such home folder; name a folder without ~")
    return type(path)(whole)


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill, which becomes `folder` if the block succeeds; else it is removed.

    Raises
    ------
    FileExistsError
        If there is such a folder by then, of somebody who was faster.
    """
    with TemporaryDirectory(dir=folder.parent, prefix=".making-") as scratch:
        unfinished = Path(scratch, folder.name)
        unfinished.mkdir()
        yield unfinished
        try:
            os.replace(unfinished, folder)
        except OSError:
            if folder.exists():
                raise FileExistsError(f"{folder} exists") from None
            raise
