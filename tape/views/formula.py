"""What an op computes, and what its VJP does, as its docstring says."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

from tape.engine.record import Operation


@dataclass(frozen=True, slots=True)
class Formula:
    """A docstring up to its first section, and its two halves.

    Attributes
    ----------
    whole : str
        As it is written.
    forward, back : str
        The clauses on the result, and those on the walk back: they speak of the cotangent g, or
        of that of an operand, written dx. "" where there are none.
    """

    whole: str
    forward: str
    back: str

    @classmethod
    def of(cls, op: Operation) -> Formula:
        """The formula in an op's docstring."""
        whole = re.split(r"\n+\w+\n-+\n", inspect.getdoc(op) or "no docstring")[0]
        paragraphs = [re.split(r"(?<=[.;])\s+", text) for text in whole.split("\n\n")]
        names = "|".join([*op.operand_names, "x"])
        on_the_way_back = re.compile(rf"\bd({names})\b|\bcotangents?\b|\bg\b")
        back = [[c for c in clauses if on_the_way_back.search(c)] for clauses in paragraphs]
        forward = [[c for c in clauses if not on_the_way_back.search(c)] for clauses in paragraphs]
        return cls(whole, _joined(forward), _joined(back))


def name_operands(op: Operation, n: int) -> list[str]:
    """What the signature calls the first n operands; those of a sequence or a `*` are numbered."""
    names = op.operand_names
    return [*names, *(f"operand {i}" for i in range(len(names), n))][:n]


def _joined(paragraphs: list[list[str]]) -> str:
    texts = [" ".join(" ".join(clauses).split()) for clauses in paragraphs]
    return "\n\n".join(re.sub(r";$", ".", text) for text in texts if text)
