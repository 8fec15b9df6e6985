"""Which sequences play the same drive: exactly, or but for the rounding of a table on its way.

What scores a twin must not have been fitted under another number, nor under another spelling: a
drive of three decimals, in a CSV of another program, is the drive that was played.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.drift_points import beginnings, drive_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from models.recording import Recording

    Array = NDArray[np.float64]

ROUNDED = 0.5001e-3  # of the drive's range: three decimals, of a drive or of a field in mT
FEWEST_LEVELS = 4  # with fewer a near neighbour is another drive, as of a scan of constant fields


def alike(parts: Sequence[tuple[Recording, Iterable[int]]]) -> list[int]:
    """Of each sequence of recordings, in order, one place that all have that play the same.

    One that ends where another goes on plays the same.

    Parameters
    ----------
    parts
        Recordings, and which of their sequences; places count through all of them.
    """
    each = [(recording, int(s)) for recording, which in parts for s in which]
    roots = beginnings([drive_key(recording, s) for recording, s in each])
    for one, other in _nearly(_padded(each)):
        old, new = roots[other], roots[one]
        roots = [new if root == old else root for root in roots] if old != new else roots
    return roots


def played_before(old: Recording, fitted: Iterable[int], new: Recording) -> list[int]:
    """New sequences that play what a fitted old one played, or where one begins as the other."""
    known = list(fitted)
    roots = alike([(old, known), (new, range(len(new.lengths)))])
    seen = set(roots[: len(known)])
    return [n for n, root in enumerate(roots[len(known) :]) if root in seen]


def _padded(each: Sequence[tuple[Recording, int]]) -> Array:
    """Drive and hold of each step `(S, T, 2)`, NaN beyond a sequence's end."""
    longest = max((int(recording.lengths[s]) for recording, s in each), default=0)
    found = np.full((len(each), longest, 2), np.nan)
    for row, (recording, s) in zip(found, each, strict=True):
        length = recording.lengths[s]
        row[:length, 0] = recording.drive[s, :length]
        row[:length, 1] = recording.holds[s, :length]
    return found


def _nearly(played: Array) -> Iterator[tuple[int, int]]:
    """Pairs that differ by a rounding at most, at every step that both have."""
    shared = int(np.isfinite(played[..., 0]).all(axis=0).sum())  # every sequence has these steps
    if len(played) < 2 or not shared:
        return
    step = int(played[:, :shared, 0].std(axis=0).argmax())  # that tells most of them apart
    order = np.argsort(played[:, step, 0], kind="stable")
    sorted_drive = played[order, step, 0]
    ends = np.searchsorted(sorted_drive, sorted_drive + ROUNDED, side="right")
    for place, end in enumerate(ends):
        one, others = played[order[place]], order[place + 1 : end]
        gaps = np.abs(played[others] - one)  # NaN, where one has ended, is no gap
        near = ~((gaps[..., 0] > ROUNDED) | (gaps[..., 1] > 0)).any(axis=1)
        for other in others[near]:
            both = one[np.isfinite(played[other, :, 0] + one[:, 0]), 0]
            if len(np.unique(np.rint(both / ROUNDED))) >= FEWEST_LEVELS:
                yield int(order[place]), int(other)
