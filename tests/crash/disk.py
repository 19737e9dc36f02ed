"""What a power cut leaves of a folder: what was synced, and of the rest what chance decides."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from random import Random

KINDS = ("strict", "names", "torn")
"""Of a cut: nothing stays that was not synced; names stay, and empty files under them; names stay,
and the beginnings of files."""


class Disk:
    """The content of files, and the names in folders, that the disk is known to hold.

    Both are known by a number, as renaming changes neither.

    Parameters
    ----------
    root : Path
        All that is in it at first is on the disk.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._next = root, count()
        self._numbers: dict[int, int] = {}
        self._contents: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        there = (root, *root.rglob("*"))
        for path in there:
            self.create(path)
        for path in there:
            self.sync(path)

    def create(self, path: Path) -> None:
        """A new file or folder; its inode may have been another's."""
        number = self._numbers[path.stat().st_ino] = next(self._next)
        if path.is_dir():
            self._names[number] = {}
        else:
            self._contents[number] = b""

    def sync(self, path: Path) -> None:
        """What a file contains, or which names a folder contains, is on the disk now."""
        number = self._number(path)
        if path.is_dir():
            self._names[number] = {part.name: self._number(part) for part in path.iterdir()}
        else:
            self._contents[number] = path.read_bytes()

    def leave(self, target: Path, kind: str, rng: Random) -> None:
        """Write what a cut of a kind leaves of the root into another folder."""
        if kind == "strict":
            self._write(self._number(self._root), target)
            return
        target.mkdir()
        for path in sorted(self._root.rglob("*")):
            copy = target / path.relative_to(self._root)
            if path.is_dir():
                copy.mkdir()
                continue
            content, known = path.read_bytes(), self._contents[self._number(path)]
            if kind == "torn" and content != known:
                sure = len(known) if content.startswith(known) else 0
                known = content[: rng.randint(sure, len(content))]
            copy.write_bytes(known)

    def _number(self, path: Path) -> int:
        return self._numbers[os.stat(path).st_ino]

    def _write(self, number: int, target: Path) -> None:
        if number in self._contents:
            target.write_bytes(self._contents[number])
            return
        target.mkdir()
        for name, part in self._names[number].items():
            self._write(part, target / name)
