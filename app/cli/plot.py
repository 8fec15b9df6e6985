"""A curve as braille dots: small enough to redraw in a terminal while a repeat is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

DOTS = (
    (0x01, 0x02, 0x04, 0x40),
    (0x08, 0x10, 0x20, 0x80),
)  # bit of dot (column, row), Unicode 2800
BLANK = 0x2800


def braille(values: Sequence[float], points: int, width: int = 60, height: int = 4) -> list[str]:
    """`height` lines of `width` braille characters of a curve that will have `points` points.

    Parameters
    ----------
    values
        The values so far; those that are not finite are left out.
    points
        Points of the whole curve: the drawing grows to the right while they come in.
    width, height
        Size in characters; a character holds 2 × 4 dots.
    """
    y = np.asarray(values, dtype=np.float64)
    good = np.isfinite(y)
    cells = np.zeros((height, width), dtype=np.int64)
    if good.any():
        low, high = y[good].min(), y[good].max()
        level = (y[good] - low) / (high - low) if high > low else np.full(good.sum(), 0.5)
        column = np.flatnonzero(good) * (2 * width - 1) // max(points - 1, 1)
        row = np.rint((1 - level) * (4 * height - 1)).astype(np.int64)
        for c, r in zip(column, row, strict=True):
            if c < 2 * width:
                cells[r // 4, c // 2] |= DOTS[c % 2][r % 4]
    return ["".join(chr(BLANK + int(cell)) for cell in line) for line in cells]
