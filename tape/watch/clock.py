"""How long ops and their VJPs take."""

from __future__ import annotations

import time

import numpy as np

from tape.engine.record import Operands, Record
from tape.engine.watcher import Watcher


class Clock(Watcher):
    """Takes the time of a tape.

    Attributes
    ----------
    forward : dict from int to float
        Seconds that each record's op took. Where an op has several results, what it took is
        counted for the first.
    back : dict from int to float
        Seconds that each record's VJP took, once it was walked.
    """

    def __init__(self) -> None:
        self.forward: dict[int, float] = {}
        self.back: dict[int, float] = {}
        self._began = 0.0

    def before_op(self) -> None:
        self._began = time.perf_counter()

    def after_op(self, record: Record, operands: Operands, result: np.ndarray) -> None:
        now = time.perf_counter()
        self.forward[record.number], self._began = now - self._began, now

    def before_vjp(self, record: Record, cotangent: np.ndarray) -> None:
        self._began = time.perf_counter()

    def after_vjp(self, record: Record, cotangent: np.ndarray) -> None:
        self.back[record.number] = time.perf_counter() - self._began
