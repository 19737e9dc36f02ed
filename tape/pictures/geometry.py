"""Where the boxes and edges of a picture are, in pixels; x runs right and y runs down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MARGIN = 24
"""Around all boxes of a picture."""

Point = tuple[float, float]
Size = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle by its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> Point:
        """The middle."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture's geometry.

    Attributes
    ----------
    width, height : float
    boxes : dict from str to Place
        By the boxes' ids.
    edges : tuple of sequences of Point
        In the order of the view's: a point where the edge leaves its tail, and for each piece of
        a smooth line two control points and an end.
    """

    width: float
    height: float
    boxes: dict[str, Place]
    edges: tuple[Sequence[Point], ...]
