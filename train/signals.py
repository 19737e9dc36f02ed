"""Ending a run politely."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Interrupt:
    """The signal that asked for an end, None so far."""

    signal: int | None = None


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Take note of Ctrl-C, SIGTERM and SIGHUP instead of dying; a second one acts as before.

    A signal that is ignored, as SIGHUP is under nohup, stays ignored.
    """
    interrupt = Interrupt()
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    before = {n: handler for n, handler in handlers.items() if handler != signal.SIG_IGN}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        interrupt.signal = number
        restore()

    for number in before:
        signal.signal(number, note)
    try:
        yield interrupt
    finally:
        restore()
