"""Making folders so that a reader finds all of one, or none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from train.errors import UserError


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


def expanded(path: Path) -> Path:
    """The path with the home directory in the place of `~`.

    Raises
    ------
    UserError
        If there is no such home.
    """
    try:
        return path.expanduser()
    except RuntimeError:
        raise UserError(f"{path}: there is no such home directory; name another place") from None
