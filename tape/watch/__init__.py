"""What looks on while a tape runs: watchers of the engine."""

from __future__ import annotations

from typing import TypeVar

from tape.engine.recording import Recording
from tape.engine.watcher import Watcher

AnyWatcher = TypeVar("AnyWatcher", bound=Watcher)


def watcher_of(tape: Recording, kind: type[AnyWatcher]) -> AnyWatcher | None:
    """The watcher of a kind, if the tape has one."""
    return next((each for each in tape.watchers if isinstance(each, kind)), None)
