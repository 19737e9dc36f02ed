"""A tape that records NumPy ops and carries gradients back along them."""

from tape.gradcheck import GradcheckError, check, gradcheck
from tape.nonfinite import NonFinite
from tape.place import scope
from tape.record import Record
from tape.registry import REGISTRY, Op, op
from tape.samples import Extreme, Kink, Sample, booleans, integers, normal, positive
from tape.step import Step
from tape.tape import Tape, current_tape
from tape.tensor import Tensor

__all__ = [
    "REGISTRY",
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
