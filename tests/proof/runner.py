"""Tests in forked children: once with the tree as it is, and once for each mutant.

A fresh interpreter for each mutant would spend seconds on imports. Here the parent imports what is
slow and stays as it is (NumPy, PyTorch, pytest, Hypothesis), but nothing of the tree; each child
imports that anew, one module of it mutated. A child runs what is likely to fail first, and a
mutant that survives this, in a second child, every test that calls the function.
"""

import gc
import json
import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import Any

import graphviz  # noqa: F401
import hypothesis.extra.numpy
import numpy as np  # noqa: F401
import pytest
import torch.fx.experimental.symbolic_shapes  # which the first backward pass imports
from threadpoolctl import threadpool_limits

from .mutants import Mutant
from .survey import Survey

SUITE = ["tests/ops", "tests/tape", "tests/models", "tests/test_twin.py"]
# These wait for a browser and for Graphviz, and no gradient depends on them.
LEFT_OUT = [f"--ignore=tests/tape/pictures/test_{name}.py" for name in ("viewer", "dot")]
OPTIONS = ["-x", "-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider"]
OPTIONS += ["--hypothesis-profile=proof", "-o", "addopts=--import-mode=importlib"]
MEMORY = 4 << 30


def prepare() -> None:
    """Make tests repeatable, and forks cheap."""
    hypothesis.settings.register_profile(
        "proof",
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    threadpool_limits(1)
    torch.set_num_threads(1)
    gc.freeze()


def fork(work: Callable[[int], bool], seconds: float) -> tuple[int, int]:
    """Start `work` in a child; its process id, and where to read what it writes.

    The child exits with 0 if `work` returns True, else with 1, and is ended by a signal when its
    time is over.
    """
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return child, read
    status = 1
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        signal.alarm(round(seconds))
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        status = 0 if work(write) else 1
    finally:
        os._exit(status)


def survey(root: Path) -> dict[str, Any]:
    """The attributes of a `Survey` of all tests, and the `coverage` of the samples."""

    def work(write: int) -> bool:
        plugin = Survey(root)
        pytest.main([*OPTIONS, "--maxfail=0", *LEFT_OUT, *SUITE], [plugin])
        sys.settrace(None)
        from .samples import coverage

        found = {name: value for name, value in vars(plugin).items() if not name.startswith("_")}
        with open(write, "w") as file:
            json.dump(found | {"coverage": coverage()}, file)
        return True

    child, read = fork(work, seconds=1800)
    with open(read) as file:
        found = file.read()
    os.waitpid(child, 0)
    if not found:
        raise RuntimeError("the tests of the tree as it is did not come to an end")
    return json.loads(found)


class _Changed(MetaPathFinder, SourceFileLoader):
    """Imports a mutant in the place of its file."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(Path(mutant.file).absolute()))
        self._mutant = mutant

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname == self._mutant.module:
            return spec_from_file_location(fullname, self.path, loader=self)
        return None

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._mutant.source.encode(), self.path)


class _Chosen:
    """A pytest plugin that runs some tests, in an order of its own, and tells which failed.

    Of the checks of all ops it collects those of one op only, or of all ops of one module.
    """

    def __init__(self, tests: list[str], module: str | None, function: str, write: int) -> None:
        self._places = {test: i for i, test in enumerate(tests)}
        self._module, self._function, self._write = module, function, write

    def _is_wanted(self, op: Any) -> bool:
        from tape import REGISTRY

        if self._function in REGISTRY:
            return op.name == self._function
        return op.__module__ == self._module

    def pytest_pycollect_makeitem(self, obj: Any) -> None:
        for mark in getattr(obj, "pytestmark", ()) if self._module else ():
            if mark.name == "parametrize" and mark.args[0] == ("op", "sample"):
                mark.args[1][:] = [case for case in mark.args[1] if self._is_wanted(case.values[0])]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self._places]
        items[:] = sorted(chosen, key=lambda item: self._places[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os.write(self._write, report.nodeid.encode())


class Trials:
    """Mutants on trial before the tests.

    Parameters
    ----------
    found : dict
        What `survey` found.
    jobs : int
        How many children run at a time.
    """

    def __init__(self, found: dict[str, Any], jobs: int) -> None:
        self._seconds: dict[str, float] = found["seconds"]
        self._jobs = jobs
        self._callers: dict[str, list[str]] = {}
        for test, functions in found["calls"].items():
            for function in functions:
                self._callers.setdefault(function, []).append(test)
        self._failures: Counter[str] = Counter()

    def relevant(self, mutant: Mutant) -> list[str]:
        """The tests that call the function, all if it was called when they were collected."""
        callers = self._callers.get(f"{mutant.file}:{mutant.function}", [])
        return list(self._seconds) if "" in callers else callers

    def run(self, mutants: Iterable[Mutant]) -> Iterator[tuple[Mutant, str | None]]:
        """Every mutant, as it is decided, and what killed it, None if nothing did."""
        waiting = [(mutant, True) for mutant in mutants][::-1]
        running = {}
        while waiting or running:
            while waiting and len(running) < self._jobs:
                mutant, first = waiting.pop()
                child, read = self._start(mutant, first)
                running[child] = mutant, first, read
            child, status = os.wait()
            mutant, first, read = running.pop(child)
            with open(read) as file:
                killer = file.read()
            self._failures[killer.partition("[")[0]] += 1
            if os.WIFSIGNALED(status):
                killer = signal.Signals(os.WTERMSIG(status)).name
            if status == 0 and first:
                waiting.append((mutant, False))
            else:
                yield mutant, (killer or "import") if status else None

    def _start(self, mutant: Mutant, first: bool) -> tuple[int, int]:
        tests = self.relevant(mutant)
        if first:
            own = self._own_tests(mutant)
            tests = [test for test in tests if test.startswith(own)]
        tests = sorted(
            tests, key=lambda test: (-self._failures[test.partition("[")[0]], self._seconds[test])
        )

        def work(write: int) -> bool:
            sys.meta_path.insert(0, _Changed(mutant))
            module = mutant.module if first and mutant.file.startswith("ops/") else None
            plugin = _Chosen(tests, module, mutant.function, write)
            files = sorted({test.partition("::")[0] for test in tests})
            return not tests or pytest.main([*OPTIONS, *files], [plugin]) in (
                pytest.ExitCode.OK,
                pytest.ExitCode.NO_TESTS_COLLECTED,
            )

        return fork(work, 10 + 5 * sum(self._seconds[test] for test in tests))

    @staticmethod
    def _own_tests(mutant: Mutant) -> tuple[str, ...]:
        """Where the tests are that likely fail."""
        if mutant.file.startswith("tape/"):
            return ("tests/tape/",)
        return ("tests/ops/test_registered.py", f"tests/ops/test_{Path(mutant.file).stem}.py")
