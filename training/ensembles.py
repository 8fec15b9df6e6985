"""Ensembles of repeats: which of them are whole, where they have spread, in what unit to score.

Shapes: ensembles are float64 `(S, R, T, C)`: sequences, repeats, steps, channels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

PART_BYTES = 2**25  # of an ensemble: its squares, spectra and ranks take some times as much
LONGEST_LAG = 20  # steps, of an autocovariance
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

    @cached_property
    def used(self) -> Mask:
        """Steps `(S, T, C)` that are scored for their noise."""
        mask: Mask = self.varied & self.valid[..., None]
        return mask

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """How many pairs of such steps are 0 … `LONGEST_LAG` apart, `(S, 1 + lags, C)`."""
        used, steps = self.used, self.used.shape[1]
        lags = range(min(LONGEST_LAG, steps - 1) + 1)
        apart = [(used[:, : steps - k] & used[:, k:]).sum(axis=1) for k in lags]
        return np.stack(apart, axis=1)

    def inside(self, ensemble: Array) -> Array:
        """The ensemble about the centre, zero beyond each sequence's length."""
        about: Array = ensemble - self.centre
        return about if self.valid.all() else np.where(self.valid[:, None, :, None], about, 0.0)

    def parts(self, ensemble: Array) -> Iterator[tuple[Array, Ground]]:
        """Some sequences of the ensemble after others, and their ground: at most `PART_BYTES`.

        Samples of a twin may fill half the memory; what is computed of them on the way must not.
        """
        each = max(PART_BYTES // max(ensemble[:1].nbytes, 1), 1)
        for begin in range(0, len(ensemble), each):
            rows = slice(begin, begin + each)
            yield ensemble[rows], replace(self, valid=self.valid[rows], varied=self.varied[rows])

    def noiseless(self, ensemble: Array) -> bool:
        """Whether no member differs from another at any step that counts."""
        parts = self.parts(ensemble)
        return not any(np.ptp(ground.inside(part), axis=1).any() for part, ground in parts)


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
    if not complete.any():
        raise InputError(
            f"repeats {real.shape}: none of them is complete (every step and channel a number); "
            "leave the channel out that isn't, or record again"
        )
    kept, best = sequences_kept(complete.sum(axis=1), least)
    return np.stack([real[s][complete[s]][:best] for s in kept]), kept


def sequences_kept(
    counts: NDArray[np.integer[Any]], least: int = 1
) -> tuple[NDArray[np.int64], int]:
    """Sequences that `complete_repeats` keeps, and repeats of each, of how many are whole."""
    best = repeats_kept(counts, least)
    return np.flatnonzero(counts >= best), best


def repeats_kept(counts: NDArray[np.integer[Any]], least: int = 1) -> int:
    """Repeats of each sequence that `complete_repeats` keeps, of how many are whole `(S,)`."""
    sizes = np.unique(counts[counts >= min(least, int(counts.max()))]).tolist()
    return int(max(sizes, key=lambda n: (int((counts >= n).sum()) * min(n, 16), n)))
