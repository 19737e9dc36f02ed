"""A tape that records NumPy ops and carries gradients back along them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tape.engine.place import scope
from tape.engine.record import Record
from tape.engine.walk import Step
from tape.gradcheck import GradcheckError, check, gradcheck
from tape.registration import Array, ValueAndVJP, op
from tape.registration import RegisteredOp as Op
from tape.registry import REGISTRY
from tape.samples import Extreme, Kink, Sample, booleans, integers, normal, positive
from tape.tape import Tape, current_tape
from tape.tensor import Tensor

if TYPE_CHECKING:
    from tape.views.nonfinite import NonFinite

__all__ = [
    "REGISTRY",
    "Array",
    "Extreme",
    "GradcheckError",
    "Kink",
    "NonFinite",
    "Op",
    "Record",
    "Sample",
    "Step",
    "Tape",
    "Tensor",
    "ValueAndVJP",
    "booleans",
    "check",
    "current_tape",
    "gradcheck",
    "integers",
    "normal",
    "op",
    "positive",
    "scope",
]


def __getattr__(name: str) -> Any:
    """`tape.NonFinite`, of which most programs have no need."""
    if name == "NonFinite":
        from tape.views.nonfinite import NonFinite

        return NonFinite
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
