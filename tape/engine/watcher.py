"""What looks on while a tape runs."""

from collections.abc import Callable

import numpy as np

from tape.engine.record import Operands, Record
from tape.engine.variable import Variable
from tape.engine.walk import Step


class Watcher:
    """Is told what happens on a tape, and does nothing here; what it finds out is its own.

    Of several, the first is the first to be told what is to come, and the last to be told what
    was done.
    """

    wants_steps = False

    def before_op(self) -> None:
        """An op is about to compute."""

    def after_op(self, record: Record, operands: Operands, result: np.ndarray) -> None:
        """An op made `result` of `operands`, and `record` was written."""

    def before_vjp(self, record: Record, cotangent: np.ndarray) -> None:
        """The walk back is about to call the VJP of a record."""

    def after_vjp(self, record: Record, cotangent: np.ndarray) -> None:
        """The VJP was called, perhaps in vain; if the record has let it go, it is None there."""

    def after_step(self, step: Step) -> None:
        """A step was made, if any watcher `wants_steps`."""

    def after_walk(self, gradient_of: Callable[[Variable], np.ndarray | None]) -> None:
        """A walk came to its end and left gradients."""
