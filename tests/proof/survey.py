"""What the tests do when nothing is changed: which functions each calls, and which samples."""

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest


class Survey:
    """A pytest plugin that watches a run.

    Attributes
    ----------
    failed : list of str
        What did not pass.
    seconds : dict
        How long each test took.
    calls : dict
        The functions that each test called, as "tape/tape.py:Tape.record"; under "" those that
        ran while the tests were collected.
    checks : dict of dict
        Of each op, on how many of its samples each check ran.
    pitfalls : dict
        The tests that are marked as guarding against each pitfall.
    """

    def __init__(self, root: Path) -> None:
        self.failed: list[str] = []
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, list[str]] = {}
        self.checks: dict[str, dict[str, int]] = {}
        self.pitfalls: dict[str, list[str]] = {}
        self._root = f"{root}/"
        self._seen: set[CodeType] = set()
        threading.settrace(self._note)
        sys.settrace(self._note)

    def _note(self, frame: FrameType, event: str, value: Any) -> None:
        self._seen.add(frame.f_code)

    def _take(self) -> list[str]:
        """The functions of the engine and the ops that were called since the last time."""
        seen, self._seen = self._seen, set()
        names = (
            f"{code.co_filename.removeprefix(self._root)}:{code.co_qualname.split('.<locals>')[0]}"
            for code in seen
        )
        return sorted({name for name in names if name.startswith(("tape/", "ops/"))})

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.calls[""] = self._take()
        seen: Any = defaultdict(lambda: defaultdict(set))
        for item in session.items:
            for mark in item.iter_markers("pitfall"):
                tests, test = self.pitfalls.setdefault(*mark.args, []), item.nodeid.split("[")[0]
                tests += [test] * (test not in tests)
            given = item.callspec.params if hasattr(item, "callspec") else {}
            if {"op", "sample"} <= given.keys():
                seen[given["op"].name][item.originalname].add(id(given["sample"]))
        self.checks = {op: {k: len(v) for k, v in ids.items()} for op, ids in seen.items()}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        began = time.perf_counter()
        done = yield
        self.seconds[item.nodeid] = time.perf_counter() - began
        self.calls[item.nodeid] = self._take()
        return done

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    pytest_collectreport = pytest_runtest_logreport
