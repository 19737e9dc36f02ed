"""What a tape keeps of an op that ran."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from tape.saved import Saved
from tape.tensor import Tensor
from tape.words import printable

if TYPE_CHECKING:
    from tape.registry import Op

Source = int | Tensor | None
"""Where an operand came from: a record of the same tape by its number, a leaf, or left out."""

VJP = Callable[[np.ndarray], Any]
"""From the cotangent of an op's result to those of its operands, in their order."""


@dataclass(slots=True, eq=False)
class Record:
    """One op as it ran.

    Attributes
    ----------
    number : int
        Its place on the tape. Sources that are records always have lower numbers.
    op : Op
        The op that ran.
    sources : tuple of int, Tensor or None
        Where each operand came from: the record that made it, a leaf tensor, or left out.
    shape, dtype
        Those of the result.
    requires_grad : bool
        Whether a cotangent goes back through it: any operand wants one, and the result is floating.
    scope, line : str
        The scope it ran in ("blocks.3.attn") and the line of user code that called it.
    flops : int
        Floating-point operations of the op's matrix products, forward.
    seconds : float
        What the op took, forward.
    vjp : callable or None
        The rule that carries a cotangent back, and with it all that the op saved; None where no
        gradient is needed, or once the record was walked.
    rule : code or None
        The code of the VJP, which stays when what it saved has gone.
    result : ndarray or None
        Held by a tape with `keep_results`.
    saved : tuple of Saved
        What the VJP holds, or held, on a tape with `guard`.
    saved_bytes : int
        Memory that is held for this VJP and for none before it, leaves left out; on a tape with
        `guard`.
    vjp_seconds : float or None
        What the VJP took, once the record was walked.
    """

    number: int
    op: Op
    sources: tuple[Source, ...]
    shape: tuple[int, ...]
    dtype: np.dtype
    requires_grad: bool
    scope: str
    line: str
    flops: int
    seconds: float
    vjp: VJP | None
    rule: CodeType | None
    result: np.ndarray | None = None
    saved: tuple[Saved, ...] = ()
    saved_bytes: int = 0
    vjp_seconds: float | None = None

    def release(self) -> None:
        """Let go of what was saved for the VJP."""
        self.vjp = None
        for saved in self.saved:
            saved.array = None

    def check_saved(self, failure: str | None = None) -> None:
        """Raise unless the VJP may be called on what it was written for.

        Parameters
        ----------
        failure : str, optional
            The error that ended an earlier walk.

        Raises
        ------
        RuntimeError
            If an earlier walk released the record, or an array that it saved has been changed.
        """
        if self.vjp is None:
            why = (
                f"in a walk that ended in {failure}; run the ops again"
                if failure
                else "pass keep=True to the walk before this one"
            )
            raise RuntimeError(f"{self} has released what it saved: {why}")
        for saved in self.saved:
            if saved.changed:
                raise RuntimeError(
                    f"{self} at {self.line} saved an array for the walk back, and it has been "
                    f"changed since: {saved}"
                )

    def __str__(self) -> str:
        sources = ", ".join(
            f"#{s}" if isinstance(s, int) else "None" if s is None else printable(s.name or "leaf")
            for s in self.sources
        )
        where = f" in {printable(self.scope)}" if self.scope else ""
        return f"#{self.number} {self.op.name}({sources}) -> {self.dtype}{self.shape}{where}"
