"""Contenders: each in a process of its own, so that their memory and their settings stay apart."""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from tqdm import tqdm

PAUSE = 0.1
"""Seconds before each run, in which the threads of the one before go to sleep."""

PATIENCE = 5.0
"""Seconds for a process to end by itself and take what it started, like compilers, with it."""


class Contender:
    """A process that prepares something and then runs it when asked.

    A context manager, which ends the process.

    Parameters
    ----------
    prepare : str
        "module:function". In the process, `function(*arguments)` returns the callable of no
        arguments to be run; what importing the module takes is not counted as its memory.
    arguments
        Plain values, or dataclasses of them.
    tree : Path, optional
        The folder whose packages the process imports, if not those of this tree.
    """

    def __init__(self, prepare: str, *arguments: Any, tree: Path | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, prepare, tree), daemon=True)
        self._process.start()
        theirs.close()
        self._connection.send(arguments)
        self._answer()

    def run(self) -> Any:
        """What the callable returns, usually the seconds that it measured."""
        self._connection.send("run")
        return self._answer()

    def peak_memory(self) -> int:
        """The most bytes that the process has held, above those after its imports."""
        self._connection.send("peak_memory")
        return self._answer()

    def _answer(self) -> Any:
        try:
            return self._connection.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            raise RuntimeError(f"a contender ended with status {code}; see above") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()
        self._process.join(PATIENCE)
        self._process.terminate()
        self._process.join()


def in_turn(
    contenders: Sequence[Contender], rounds: int, warm_up: int = 2, name: str = ""
) -> list[list[Any]]:
    """What each contender's runs returned, taken in turn; those of the warm-up are left out."""
    results: list[list[Any]] = [[] for _ in contenders]
    for i in tqdm(range(warm_up + rounds), name, leave=False):
        for contender, own in zip(contenders, results, strict=True):
            time.sleep(PAUSE)
            result = contender.run()
            if i >= warm_up:
                own.append(result)
    return results


def _serve(connection: Connection, prepare: str, tree: Path | None) -> None:
    if tree:
        _import_from(tree)
    arguments = connection.recv()  # whose classes are those of the tree
    module, _, function = prepare.partition(":")
    make: Callable[..., Callable[[], Any]] = getattr(importlib.import_module(module), function)
    gc.collect()
    imported = _memory("VmRSS")
    run = make(*arguments)
    connection.send("ready")
    with suppress(EOFError):  # the other side has closed
        while True:
            match connection.recv():
                case "run":
                    connection.send(run())
                case "peak_memory":
                    connection.send(_memory("VmHWM") - imported)


def _import_from(tree: Path) -> None:
    """Import the packages that another tree has too from there, also those imported before."""
    here = Path(__file__).parents[1]
    for name in list(sys.modules):
        if (tree / name.partition(".")[0]).is_dir():
            del sys.modules[name]
    sys.path[:] = [str(tree), *(path for path in sys.path if Path(path).resolve() != here)]


def _memory(field: str) -> int:
    """A line of the kernel's account of this process, in bytes."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024
