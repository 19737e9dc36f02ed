"""The results of all ops."""

from __future__ import annotations

import numpy as np

from tape.engine.record import Operands, Record
from tape.engine.watcher import Watcher


class Results(Watcher):
    """Holds what every op of a tape made, which would else be freed where no VJP needs it.

    Attributes
    ----------
    arrays : list of ndarray
        By the records' numbers.
    """

    def __init__(self) -> None:
        self.arrays: list[np.ndarray] = []

    def after_op(self, record: Record, operands: Operands, result: np.ndarray) -> None:
        self.arrays.append(result)
