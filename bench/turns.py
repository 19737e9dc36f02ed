"""What a program in which contenders take turns is told on its command line."""

from __future__ import annotations

from dataclasses import dataclass

from train.errors import UserError


@dataclass(frozen=True)
class Turns:
    """How often the contenders take turns."""

    rounds: int = 15
    """Turns that are counted; two before them are not."""

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise UserError(f"--rounds {self.rounds}: must be above 0")
