"""Folders: made so that a reader finds all of one, or none; used by one process; and at home."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

from filelock import FileLock, Timeout

from tape.files import naming, put, sync
from train.errors import UserError

AnyPath = TypeVar("AnyPath", str, Path)

UNFINISHED = ".making-"
"""What the name of a folder begins with that is not yet complete."""
LOCK = ".lock"
"""The file in a folder that the process which uses it holds; the system lets go of it with the
process, however that ends."""


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


def make_parents(folder: Path) -> None:
    """Make the folders above one, so that they outlast a power cut."""
    missing = [parent for parent in folder.absolute().parents if not parent.exists()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    for parent in missing:
        sync(parent.parent)


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill, which becomes `folder` if the block succeeds; else it is removed.

    What processes that were killed have left beside it is removed too.

    Raises
    ------
    FileExistsError
        If there is such a folder by then, of somebody who was faster.
    OSError
        Naming `folder`, if it cannot be written.
    """
    make_parents(folder)
    remove_unfinished(folder.parent)
    scratch, lock = _scratch(folder.parent)
    try:
        with naming(folder):
            unfinished = scratch / folder.name
            unfinished.mkdir()
            yield unfinished
            for path in unfinished.rglob("*"):
                sync(path)
            try:
                put(unfinished, folder)
            except OSError:
                if folder.exists():
                    raise FileExistsError(f"{folder} exists") from None
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        lock.release()


def _scratch(parent: Path) -> tuple[Path, FileLock]:
    """A new folder, and the lock in it, which is held."""
    while True:
        scratch = Path(mkdtemp(dir=parent, prefix=UNFINISHED))
        lock = FileLock(scratch / LOCK)
        with suppress(Timeout):  # another process takes it for a leftover
            lock.acquire(blocking=False)
            if (scratch / LOCK).exists():
                return scratch, lock


def remove_unfinished(parent: Path) -> None:
    """Remove the unfinished folders of processes that were killed, and of no others."""
    for scratch in parent.glob(f"{UNFINISHED}*"):
        with suppress(OSError), FileLock(scratch / LOCK, blocking=False):
            shutil.rmtree(scratch)


@contextmanager
def used_alone(folder: Path) -> Iterator[None]:
    """Have no other process use a folder while the block runs, if they all ask this way.

    What killed processes have left in it of files that they were writing is removed.

    Raises
    ------
    UserError
        If another one uses it, naming that.
    """
    lock = folder / LOCK
    try:
        with FileLock(lock, blocking=False):
            lock.write_text(f"process {os.getpid()} on {platform.node()}")
            for file in (*folder.glob(".*.tmp*"), *folder.glob(".tmp*")):  # ours, and of old ones
                file.unlink()
            try:
                yield
            finally:
                with suppress(OSError):
                    lock.write_text("")
    except Timeout:
        user = lock.read_text() or "another process"
        raise UserError(f"{folder}: {user} is at work on it; wait for it, or end it") from None
