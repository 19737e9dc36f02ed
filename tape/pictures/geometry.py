"""Where the boxes and edges of a picture are, in whole pixels; x runs right and y runs down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MARGIN = 24
"""Around all boxes of a picture."""

Point = tuple[int, int]
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle by its upper left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture's geometry.

    Attributes
    ----------
    width, height : int
    boxes : dict from str to Rectangle
        By the boxes' ids.
    edges : tuple of sequences of Point
        In the order of the selection's: a point where the edge begins, and for each piece of a
        smooth line two control points and an end. All pieces are upright at their ends.
    """

    width: int
    height: int
    boxes: dict[str, Rectangle]
    edges: tuple[Sequence[Point], ...]
