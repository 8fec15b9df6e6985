"""Ensembles of repeats: which of them are whole, where they have spread, in what unit to score.

Shapes: ensembles are float64 `(S, R, T, C)`: sequences, repeats, steps, channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

NO_SPREAD = 1e-9  # of the channel's largest value: below it repeats differ by rounding only


@dataclass(frozen=True)
class Ground:
    """What the real repeats fix for every score on them.

    Attributes
    ----------
    valid
        bool `(S, T)`: steps within a sequence's length.
    varied
        bool `(S, T, C)`: steps where the real repeats differ at all.
    centre
        `(C,)`: mean over everything; taken off before squares are summed.
    spread
        `(C,)`: standard deviation over repeats, averaged over steps; 0 for a channel without any.
    signal_floor
        `(C,)`: a standard deviation of the mean response below this is none.
    variance
        `(C,)`: variance over repeats, averaged over steps; 0 for a channel without any.
    """

    valid: Mask
    varied: Mask
    centre: Array
    spread: Array
    signal_floor: Array
    variance: Array

    @classmethod
    def of(cls, real: Array) -> Ground:
        """Take the ground from all real repeats `(S, R, T, C)`, R ≥ 2."""
        valid: Mask = np.all(np.isfinite(real), axis=(1, 3))
        inside = np.where(valid[:, None, :, None], real, 0.0)
        std = inside.std(axis=1, ddof=1)
        largest = np.abs(inside).max(axis=(0, 1, 2))
        varied = std > NO_SPREAD * largest
        steps = max(int(valid.sum()), 1)
        spread = np.where(varied, std, 0.0).sum(axis=(0, 1)) / steps
        centre = inside.mean(axis=1).sum(axis=(0, 1)) / steps
        variance = np.where(varied, std**2, 0.0).sum(axis=(0, 1)) / steps
        return cls(valid, varied, centre, spread, NO_SPREAD * largest, variance)

    def inside(self, ensemble: Array) -> Array:
        """The ensemble about the centre, zero beyond each sequence's length."""
        return np.where(self.valid[:, None, :, None], ensemble - self.centre, 0.0)

    def noiseless(self, ensemble: Array) -> bool:
        """Whether no member differs from another at any step that counts."""
        return not np.ptp(self.inside(ensemble), axis=1).any()


def whole_repeats(real: Array) -> Mask:
    """Which repeats of `(S, R, T, C)` have no gap: all steps that any of their sequence has."""
    finite: Mask = np.all(np.isfinite(real), axis=3)
    valid: Mask = np.any(finite, axis=1)
    whole: Mask = np.all(finite | ~valid[:, None], axis=2) & np.any(valid, axis=1)[:, None]
    return whole


def complete_repeats(real: Array, least: int = 1) -> tuple[Array, NDArray[np.int64]]:
    """Choose sequences and repeats without a gap, as many as fit into one full array.

    A sequence's length is where the last of its repeats ends; a repeat with a hole in it is left
    out. Of the sequences those are kept that have at least as many complete repeats as makes
    sequences × repeats (counted up to 16) largest, but `least` where any has so many.

    Parameters
    ----------
    real
        `(S, R, T, C)` with NaN for what is missing.
    least
        Complete repeats of a sequence that are worth more than any number of sequences with fewer.

    Returns
    -------
    tuple
        `(S', R', T, C)` with NaN beyond a sequence's length only, and the kept sequences' indices.

    Raises
    ------
    InputError
        Nothing is complete.
    """
    complete = whole_repeats(real)
    counts = complete.sum(axis=1)
    if not counts.any():
        raise InputError(
            f"repeats {real.shape}: none of them is complete (every step and channel a number); "
            "leave the channel out that isn't, or record again"
        )
    sizes = np.unique(counts[counts >= min(least, int(counts.max()))]).tolist()
    best = int(max(sizes, key=lambda n: (int((counts >= n).sum()) * min(n, 16), n)))
    kept = np.flatnonzero(counts >= best)
    return np.stack([real[s][complete[s]][:best] for s in kept]), kept
