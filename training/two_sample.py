"""Two samples of points: does one distribution explain both? Energy distance, permuted labels.

E = 2 mean ‖X − Y‖ − mean ‖X − X′‖ − mean ‖Y − Y′‖ is zero only for equal distributions (Székely &
Rizzo 2013, doi:10.1016/j.jspi.2013.03.018). Labels are permuted within strata only, so that what
differs between strata (drives, families) never counts; the p-value is exact for exchangeable rows
(Phipson & Smyth 2010, doi:10.2202/1544-6115.1585). Several statistics are joined by the smallest of
their p-values, which is ranked among those of the permutations (Westfall & Young 1993).

What wanders slowly by itself makes rows of one sitting alike, so that labels of another sitting are
not exchangeable. Each permutation therefore moves the relabelled rows by a draw of that wander.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Index = NDArray[np.int64]

PERMUTATIONS = 499
CHUNK = 50  # labellings at once
WANDER_DOF = 3.0
"""Degrees of freedom of the wander's t-distribution: a recording sees a few of its swings only."""


@dataclass(frozen=True)
class TwoSample:
    """The outcome: p-value of all statistics together, and of each by its name."""

    p_value: float
    parts: dict[str, float]


def two_sample(
    points: Mapping[str, Array],
    new: Mask,
    strata: Index,
    rng: np.random.Generator,
    wander: Mapping[str, Array] | None = None,
    permutations: int = PERMUTATIONS,
) -> TwoSample:
    """Test whether new and old rows are of one distribution.

    Parameters
    ----------
    points
        Name of a statistic → its points `(N, D)`, one a row; NaN counts as nothing unusual.
    new, strata
        `(N,)`: which rows are new, and the stratum within which labels are exchangeable.
    rng
        Draws the permutations.
    wander
        Name of a statistic → typical moves of a whole sitting `(K, D)`, in the units of its points;
        a draw has their covariance, and longer tails (`WANDER_DOF`). None: nothing wanders.
    """
    labels = np.array([new, *(_permuted(new, strata, rng) for _ in range(permutations))])
    swings = rng.standard_normal((permutations, max(map(len, (wander or {}).values()), default=0)))
    tails = np.sqrt(WANDER_DOF / rng.chisquare(WANDER_DOF, permutations))
    ranks = {}
    for name, raw in points.items():
        x, scale = _standardised(raw, strata)
        moves = np.zeros((len(labels), x.shape[1]))
        if wander is not None and len(wander[name]):
            known = np.nan_to_num(wander[name] / scale)
            moves[1:] = (tails[:, None] * swings[:, : len(known)]) @ known / np.sqrt(len(known))
        ranks[name] = _share_at_least(_energies(x, labels, moves))
    least = np.minimum.reduce(list(ranks.values()))
    return TwoSample(
        float(np.mean(least <= least[0])), {name: float(r[0]) for name, r in ranks.items()}
    )


def smallest_p(new: Mask, strata: Index, permutations: int = PERMUTATIONS) -> float:
    """The smallest p-value that so many rows can give: one over the ways to label them."""
    ways = 1.0
    for stratum in np.unique(strata):
        inside = new[strata == stratum]
        for k in range(int(inside.sum())):
            ways *= (inside.size - k) / (k + 1)
    return max(1 / ways, 1 / (permutations + 1))


def _permuted(new: Mask, strata: Index, rng: np.random.Generator) -> Mask:
    shuffled = new.copy()
    for stratum in np.unique(strata):
        place = np.flatnonzero(strata == stratum)
        shuffled[place] = rng.permutation(new[place])
    return shuffled


def _standardised(raw: Array, strata: Index) -> tuple[Array, Array]:
    """Points about their stratum's mean in units of what is left, and those units `(D,)`."""
    x = np.array(raw)
    for stratum in np.unique(strata):
        place = strata == stratum
        known = np.isfinite(x[place])
        count = known.sum(axis=0)
        mean = np.where(known, x[place], 0.0).sum(axis=0) / np.maximum(count, 1)
        x[place] -= mean
    known = np.isfinite(x)
    x = np.where(known, x, 0.0)
    scale = np.sqrt((x**2).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    scale = np.where(scale > 0, scale, np.inf)
    return x / scale, scale


def _energies(x: Array, labels: Mask, moves: Array) -> Array:
    """Energy distance of every labelling `(P, N)`, the labelled rows moved by `moves` `(P, D)`.

    Moved together, they keep their distances among each other: only those across change.
    """
    length = (x**2).sum(axis=1)
    squares = np.maximum(length[:, None] + length - 2 * x @ x.T, 0.0)
    distances = np.sqrt(squares)
    size, count = labels.shape[1], int(labels[0].sum())
    ones, others = labels.astype(np.float64), (~labels).astype(np.float64)
    within = ((ones @ distances) * ones).sum(axis=1) / count**2
    within += ((others @ distances) * others).sum(axis=1) / (size - count) ** 2
    order = np.argsort(~labels, axis=1, kind="stable")
    along, across = moves @ x.T, np.empty(len(labels))
    for first in range(0, len(labels), CHUNK):
        part = slice(first, first + CHUNK)
        one, other = order[part, :count], order[part, count:]
        there = np.take_along_axis(along[part], one, 1)[:, :, None]
        here = np.take_along_axis(along[part], other, 1)[:, None]
        moved = squares[one[:, :, None], other[:, None]] + 2 * (there - here)
        moved += (moves[part] ** 2).sum(axis=1)[:, None, None]
        across[part] = np.sqrt(np.maximum(moved, 0.0)).mean(axis=(1, 2))
    energies: Array = 2 * across - within
    return energies


def _share_at_least(values: Array) -> Array:
    """For each value the share of all values that are at least as large."""
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values - 1e-12, side="left")
    shares: Array = (len(values) - below) / len(values)
    return shares
