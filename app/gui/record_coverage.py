"""Where the steps of sequences go: share of the drive's range and of step pairs, holds; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.sequence import FieldSequence

    FloatArray = NDArray[np.float64]

RANGE_BINS, PAIR_BINS, BARS, MOST_PAIRS = 16, 8, 18, 4000


@dataclass(frozen=True)
class Coverage:
    """Where the steps of a design go.

    Attributes
    ----------
    hold
        Most steps in a row with one drive value, each counted as often as it is held.
    drive_share, pair_share
        Share of 16 equal parts of the drive's range that is visited, and of 8 × 8 parts of (drive
        now, drive next).
    bars
        Steps in each of 18 parts of the range, as often as they are held.
    pairs
        `(n, 2)` of drive now and next, at most 4000 of them.
    """

    hold: int
    drive_share: float
    pair_share: float
    bars: FloatArray
    pairs: FloatArray

    @classmethod
    def of(cls, sequences: list[FieldSequence]) -> Coverage:
        """Of one sequence or many."""
        drive = np.concatenate([s.drive for s in sequences])
        holds = np.concatenate([s.holds for s in sequences])
        pairs = np.concatenate([np.stack([s.drive[:-1], s.drive[1:]], 1) for s in sequences])
        bars, _ = np.histogram(drive, bins=BARS, range=(0.0, 1.0), weights=holds)
        seen, _ = np.histogram(drive, bins=RANGE_BINS, range=(0.0, 1.0))
        square = ((0.0, 1.0), (0.0, 1.0))
        both, _, _ = np.histogram2d(pairs[:, 0], pairs[:, 1], bins=PAIR_BINS, range=square)
        return cls(
            max(longest_hold(s.drive, s.holds) for s in sequences),
            float((seen > 0).mean()),
            float((both > 0).mean()),
            bars.astype(np.float64),
            pairs[:MOST_PAIRS],
        )


def longest_hold(drive: FloatArray, holds: NDArray[np.int64]) -> int:
    """How long one drive value is held at most, in steps of one hold."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(drive) != 0) + 1])
    return int(np.add.reduceat(holds, starts).max())
