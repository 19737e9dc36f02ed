"""A machine that fails: at any write, rename, fsync or open that a program makes."""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from .disk import Disk

Operation = tuple[str, str]
"""What is done, and to which file inside the root."""


class Plan:
    """What happens at the operations of a program; this one lets them pass, and lists them."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def before(self, kind: str, path: str) -> None:
        """Called before each operation, and may not return."""
        self.operations.append((kind, path))

    def share(self, size: int) -> int:
        """How much of a write is done."""
        return size

    def after(self) -> None:
        """Called when a write was not done whole."""


class Fails(Plan):
    """Fails at the operation of a number, counted from 0."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    @property
    def is_due(self) -> bool:
        return len(self.operations) == self.number + 1


class Killed(Fails):
    """The process is killed before the operation."""

    def before(self, kind: str, path: str) -> None:
        super().before(kind, path)
        if self.is_due:
            kill()


class KilledWithin(Fails):
    """The process is killed when half of the operation, which is a write, is done."""

    def share(self, size: int) -> int:
        return size // 2 if self.is_due else size

    def after(self) -> None:
        kill()


class Full(Fails):
    """From the operation on the disk has no room, and only half of the first write finds some."""

    def before(self, kind: str, path: str) -> None:
        super().before(kind, path)
        due = len(self.operations) > self.number
        if (due and kind in ("open", "mkdir")) or (due and kind == "write" and not self.is_due):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def share(self, size: int) -> int:
        return size // 2 if self.is_due else size

    def after(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class PowerCut(Fails):
    """Before the operation the power goes, and `left` becomes what the disk holds then."""

    def __init__(self, number: int, left: Path, kind: str) -> None:
        super().__init__(number)
        self._left, self._kind = left, kind
        self.disk: Disk | None = None

    def before(self, kind: str, path: str) -> None:
        super().before(kind, path)
        if self.is_due:
            self.disk.leave(self._left, self._kind, Random(self.number))
            kill()


def kill() -> None:
    """End this process as nothing can prevent."""
    os.kill(os.getpid(), signal.SIGKILL)


class Machine:
    """While the block runs, has a plan told of all that is done to files below `root`.

    Python's own functions are replaced, and everything that writes here goes through them.
    """

    def __init__(self, root: Path, plan: Plan) -> None:
        self.root, self.plan = root.resolve(), plan
        self._disk: Disk | None = None
        if isinstance(plan, PowerCut):
            self._disk = plan.disk = Disk(self.root)

    def __enter__(self) -> None:
        self._open, self._fsync = builtins.open, os.fsync
        replaced = {
            (builtins, "open"): self._opens,
            (io, "open"): self._opens,
            (os, "open"): self._opens_descriptor(os.open),
            (os, "fsync"): self._syncs,
            **{(os, name): self._renames(getattr(os, name)) for name in ("rename", "replace")},
            **{(os, name): self._removes(getattr(os, name)) for name in ("unlink", "remove")},
            (os, "rmdir"): self._removes(os.rmdir),
            (os, "mkdir"): self._makes(os.mkdir),
        }
        self._patches = [patch.object(*place, function) for place, function in replaced.items()]
        for each in self._patches:
            each.start()

    def __exit__(self, *_: object) -> None:
        for each in reversed(self._patches):
            each.stop()

    def _inside(self, path: Any, dir_fd: int | None = None) -> Path | None:
        folder = Path(os.readlink(f"/proc/self/fd/{dir_fd}")) if dir_fd else Path.cwd()
        whole = folder / os.fsdecode(path)
        return whole if whole.is_relative_to(self.root) else None

    def does(self, kind: str, path: Path) -> None:
        """Tell the plan of an operation."""
        self.plan.before(kind, str(path.relative_to(self.root)))

    def _created(self, path: Path, was_there: bool) -> None:
        if self._disk and not was_there:
            self._disk.create(path)

    def _opens(self, file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        path = None if isinstance(file, int) else self._inside(file)
        if path is None or not set(mode) & set("wax+"):
            return self._open(file, mode, *rest, **options)
        self.does("open", path)
        was_there = path.exists()
        raw = _Raw(self, path, mode.replace("b", "").replace("t", ""))
        self._created(path, was_there)
        buffer = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffer if "b" in mode else io.TextIOWrapper(buffer, "utf-8", newline="\n")

    def _opens_descriptor(self, function: Callable) -> Callable:
        def opens(path: Any, flags: int, *rest: Any, dir_fd: int | None = None, **o: Any) -> int:
            inside = self._inside(path, dir_fd)
            new = inside is not None and flags & os.O_CREAT and not inside.exists()
            if new:
                self.does("open", inside)
            descriptor = function(path, flags, *rest, dir_fd=dir_fd, **o)
            if new:
                self._created(inside, False)
            return descriptor

        return opens

    def _syncs(self, descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        self.does("fsync", path)
        self._fsync(descriptor)
        if self._disk:
            self._disk.sync(path)

    def _renames(self, function: Callable) -> Callable:
        def renames(source: Any, target: Any, **options: Any) -> None:
            if path := self._inside(target):
                self.does("rename", path)
            function(source, target, **options)

        return renames

    def _removes(self, function: Callable) -> Callable:
        def removes(path: Any, *, dir_fd: int | None = None) -> None:
            if (inside := self._inside(path, dir_fd)) and os.path.lexists(inside):
                self.does("remove", inside)
            function(path, dir_fd=dir_fd)

        return removes

    def _makes(self, function: Callable) -> Callable:
        def makes(path: Any, *rest: Any, **options: Any) -> None:
            inside = self._inside(path)
            if inside:
                self.does("mkdir", inside)
            function(path, *rest, **options)
            if inside:
                self._created(inside, False)

        return makes


class _Raw(io.FileIO):
    """A file whose writes are told of."""

    def __init__(self, machine: Machine, path: Path, mode: str) -> None:
        super().__init__(path, mode)
        self._machine, self._path = machine, path

    def write(self, content: Any) -> int:
        self._machine.does("write", self._path)
        whole = memoryview(content).cast("B")
        share = self._machine.plan.share(len(whole))
        written = super().write(whole[:share])
        if share < len(whole):
            self._machine.plan.after()
        return written
