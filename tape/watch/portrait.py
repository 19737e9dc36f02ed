"""What an array was like: enough to judge and to draw it, without holding it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

BINS = 24
CELLS = 12


@dataclass(frozen=True, slots=True)
class Portrait:
    """The elements of an array in a few numbers; those that are not finite are only counted.

    Attributes
    ----------
    nan, infinite : int
        How many elements are not finite.
    low, high, mean, deviation, norm : float
        Of the finite elements; 0 where there are none. The norm is the root of their sum of
        squares.
    histogram : tuple of int
        How many finite elements are in each of equally wide bins from `low` to `high`.
    heat : tuple of tuple of (int or None)
        A small picture: the last axis runs right and all others, flattened, run down. Each cell
        is the mean of its finite elements, None where there are none, as a percentage of the
        largest absolute value among the cells.
    of_magnitudes : bool
        Whether the elements are complex, of which the magnitudes are shown.
    """

    nan: int
    infinite: int
    low: float
    high: float
    mean: float
    deviation: float
    norm: float
    histogram: tuple[int, ...]
    heat: tuple[tuple[int | None, ...], ...]
    of_magnitudes: bool = False

    @property
    def finite(self) -> bool:
        """Whether all elements are."""
        return not self.nan and not self.infinite

    @classmethod
    def of(cls, array: np.ndarray) -> Portrait:
        """The portrait of an array of any shape, in float64 throughout."""
        if array.dtype.kind == "c":
            return replace(cls.of(np.abs(array)), of_magnitudes=True)
        values = np.asarray(array, np.float64)
        good = values[np.isfinite(values)]
        some = good if good.size else np.zeros(1)
        scale = float(np.abs(some).max()) or 1.0
        scaled = some / scale  # squares of the largest floats overflow, bins of the smallest vanish
        norm = float(np.linalg.norm(scaled)) * scale
        return cls(
            nan=int(np.isnan(values).sum()),
            infinite=int(np.isinf(values).sum()),
            low=float(some.min()),
            high=float(some.max()),
            mean=float(scaled.mean()) * scale,
            deviation=float(scaled.std()) * scale,
            norm=min(norm, float(np.finfo(np.float64).max)),
            histogram=_histogram(scaled) if good.size else (0,) * BINS,
            heat=_heat(values),
        )

    def __str__(self) -> str:
        n_finite = sum(self.histogram)
        parts = []
        if n_finite == 1:
            parts.append(f"{self.mean:.4g}")
        elif n_finite:
            parts.append(
                f"mean {self.mean:.4g}, deviation {self.deviation:.4g}, "
                f"from {self.low:.4g} to {self.high:.4g}"
            )
        parts += [
            f"{count} {what}"
            for what, count in (("NaN", self.nan), ("infinite", self.infinite))
            if count
        ]
        return ("magnitudes: " if self.of_magnitudes else "") + (", ".join(parts) or "empty")


def _histogram(scaled: np.ndarray) -> tuple[int, ...]:
    if np.ptp(scaled) < 1e-12:
        middle = BINS // 2
        return (0,) * middle + (scaled.size,) + (0,) * (BINS - middle - 1)
    return tuple(np.histogram(scaled, BINS)[0].tolist())


def _heat(values: np.ndarray) -> tuple[tuple[int | None, ...], ...]:
    if not values.size:
        return ()
    table = values.reshape(-1, values.shape[-1] if values.ndim else 1)
    good = np.isfinite(table)
    largest = np.abs(table[good]).max(initial=0) or 1.0
    sums = _in_cells(np.where(good, table / largest, 0))
    counts = _in_cells(good.astype(np.float64))
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    peak = np.nanmax(np.abs(means), initial=0) or 1.0
    return tuple(
        tuple(None if np.isnan(cell) else round(100 * cell / peak) for cell in row) for row in means
    )


def _in_cells(table: np.ndarray) -> np.ndarray:
    """Sums over the rectangles of a grid of at most CELLS by CELLS."""
    for axis, n in enumerate(table.shape):
        starts = np.unique(np.linspace(0, n, min(n, CELLS), endpoint=False).astype(int))
        table = np.add.reduceat(table, starts, axis)
    return table
