"""What a tape keeps of an op that ran."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any, Protocol

import numpy as np

from tape.engine.place import CallSite, line_of
from tape.engine.variable import Variable

Source = int | Variable | None
"""Where an operand came from: a record of the same tape by its number, a leaf, or left out."""

Operands = Sequence[Variable | None]
"""Those of a call as they are recorded, None where one is left out or no array."""

VJP = Callable[[np.ndarray], Any]
"""From the cotangent of an op's result to those of its operands, in their order."""


class Operation(Protocol):
    """What a record has to know of what ran: an `Op`, or a part of a model that runs as one.

    Its docstring is the formula that tables and pictures show.
    """

    name: str
    operand_names: tuple[str, ...]
    tensor: type[Variable]


@dataclass(init=False, repr=False, eq=False, slots=True)
class Record:
    """One op as it ran.

    Attributes
    ----------
    number : int
        Its place on the tape. Sources that are records always have lower numbers.
    op : Operation
        What ran.
    sources : tuple of int, Variable or None
        Where each operand came from: the record that made it, a leaf, or left out.
    shape, dtype
        Those of the result.
    requires_grad : bool
        Whether a cotangent goes back through it: any operand wants one, and the result is floating.
    scope, line : str
        The scope it ran in ("blocks.3.attn") and the line of user code that called it.
    flops : int
        Floating-point operations of the op's matrix products, forward.
    vjp : callable or None
        The rule that carries a cotangent back, and with it all that the op saved; None where no
        gradient is needed, or once the record was walked.
    rule : code or None
        The code of the VJP, which stays when what it saved has gone.
    walked : bool
        Whether a walk back came through it.
    """

    number: int
    op: Operation
    sources: tuple[Source, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    _requires_grad: bool
    scope: str
    call_site: CallSite
    flops: int
    vjp: VJP | None
    rule: CodeType | None
    walked: bool

    @property
    def requires_grad(self) -> bool:
        return self._requires_grad

    @property
    def line(self) -> str:
        return line_of(self.call_site)

    def __str__(self) -> str:
        sources = ", ".join(
            f"#{s}" if isinstance(s, int) else "None" if s is None else printable(s.name or "leaf")
            for s in self.sources
        )
        where = f" in {printable(self.scope)}" if self.scope else ""
        return f"#{self.number} {self.op.name}({sources}) -> {self.dtype}{self.shape}{where}"


def describe_call(op: Operation, arguments: Sequence[Any]) -> str:
    """The op with the dtypes and shapes of arrays: "matmul(float32(3, 2), ...)"."""
    flat = [each for x in arguments for each in (x if isinstance(x, list) else [x])]
    kinds = [f"{x.dtype}{x.shape}" if hasattr(x, "dtype") else f"{x!r:.40}" for x in flat]
    return f"{op.name}({', '.join(kinds)})"


def printable(text: str) -> str:
    """`text` on one line: a character that cannot be seen is written as Python escapes it."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
