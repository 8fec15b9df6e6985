"""Drives inside a twin's range that no fitted step had: what it answers there is a guess.

A range says nothing of what lies between: of a device that was driven with two fields only, every
drive from the one to the other is within. No torch.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.twin import Twin

    Array = NDArray[np.float64]
    Gaps = list[tuple[float, float]]

WIDEST = 0.3  # of the range: between levels closer to each other both tell what is between
ROUNDING = 1e-6  # of the drive: an edge that differs by it is the same
KEY = "drive_gaps"  # of a twin's meta; absent where there is none


def gaps_of(drive: Array, before: Twin | None = None) -> Gaps:
    """Intervals wider than 0.3 of the range without any fitted drive between their ends.

    Parameters
    ----------
    drive
        Of the fitted sequences, any shape; NaN beyond their lengths.
    before
        The twin that a fit goes on from: what that knows is known.
    """
    older = [] if before is None else known_gaps(before)
    ends = [] if before is None else [before.drive_low, before.drive_high, *np.ravel(older)]
    levels = np.unique(np.concatenate([drive[np.isfinite(drive)], ends]))
    least = WIDEST * float(levels[-1] - levels[0])
    wide = [(float(a), float(b)) for a, b in pairwise(levels) if b - a > least]
    if before is None:
        return wide
    return [
        (a, b)
        for a, b in wide
        if not before.drive_low < (a + b) / 2 < before.drive_high
        or any(low < (a + b) / 2 < high for low, high in older)
    ]


def never_changes(drive: Array) -> bool:
    """Whether each sequence of several steps `(S, T)` holds one drive from first to last."""
    changes = np.diff(drive, axis=1)
    known = changes[np.isfinite(changes)]
    return bool(known.size) and not known.any()


def known_gaps(twin: Twin) -> Gaps:
    """Those that a twin's meta keeps, as `meta_of` made it."""
    return [(float(row["low"]), float(row["high"])) for row in twin.meta.get(KEY, [])]


def meta_of(gaps: Gaps) -> dict[str, list[dict[str, float]]]:
    """What a twin's meta keeps of them; nothing where there is none."""
    rows = [{"low": low, "high": high} for low, high in gaps]
    return {KEY: rows} if rows else {}


def gap_words(gaps: Gaps) -> str:
    """`between 0 and 0.4, and between 0.5 and 1`."""
    return ", and ".join(f"between {low:.3g} and {high:.3g}" for low, high in gaps)


def guessed_words(twin: Twin, drive: Array) -> str:
    """Which share of drives lies where the twin was fitted on none, in words; empty for none."""
    known = drive[np.isfinite(drive)]
    gaps = known_gaps(twin)
    inside = np.zeros(known.shape, dtype=bool)
    for low, high in gaps:
        inside |= (known > low + ROUNDING) & (known < high - ROUNDING)
    if not inside.any():
        return ""
    return (
        f"{100 * inside.mean():.3g} % of the steps have a drive {gap_words(gaps)}, where the twin "
        "was fitted on none: of those it guesses"
    )
