"""A read-out taken to the device: what was trained, and as much of a correction as pays.

The correction δ of the read-out's weights is ridge regression on what the trained read-out leaves
over of the targets, w = w₀ + δ with ‖δ‖² punished: without evidence w stays w₀. Its ridge is chosen
by cross-validation over blocks of the stretch, and whether anything is gained at all is judged by
blocks that neither the correction nor the choice of its ridge has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError
from models.score import CLASSIFIES, score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    Mask = NDArray[np.bool_]

RIDGES = tuple(10.0**k for k in range(-4, 4))
"""Tried, as shares of the mean diagonal; the largest leaves the trained read-out almost alone."""
BLOCKS = 8
SURE = 1.9  # standard errors: one-sided 95 % of Student's t with seven degrees of freedom


@dataclass(frozen=True)
class Recalibrated:
    """What a stretch on the device says of a read-out.

    Attributes
    ----------
    weights, bias
        `(columns, O)` and `(O,)`: corrected where the gain is real, else as they were.
    ridge
        Of the correction, a share of the mean diagonal.
    before, after
        Score by the task's metric of the trained read-out, and of corrected ones on blocks that
        they have not seen.
    gain, error
        Mean over the blocks of what the squared error falls, as a share of that before, and its
        standard error.
    """

    weights: FloatArray
    bias: FloatArray
    ridge: float
    before: float
    after: float
    gain: float
    error: float

    @property
    def real(self) -> bool:
        """Whether the cross-validated gain is more than chance."""
        return self.gain > SURE * self.error and self.after <= self.before


def recalibrate(
    rows: FloatArray,
    targets: FloatArray,
    weights: FloatArray,
    bias: FloatArray,
    metric: str,
    *,
    blocks: int = BLOCKS,
    gap: int = 0,
) -> Recalibrated:
    """Correct a read-out from measured rows `(N, columns)` and their targets `(N, O)`.

    `gap`: rows left out on either side of a block that is judged, where neighbours are alike.

    Raises
    ------
    InputError
        Too few rows for the blocks.
    """
    count = len(rows)
    refuse_few(count, gap, blocks)
    answers, every = rows @ weights + bias, np.ones(count, dtype=bool)
    each = _counting(targets, metric)
    edges = np.linspace(0, count, blocks + 1).astype(int)
    parts = [np.arange(a, b) for a, b in pairwise(edges)]
    before, corrected = np.empty_like(targets), np.empty_like(targets)
    for judged in parts:
        known = _apart_from(judged, count, gap)
        _, left = _left_over(answers, targets, each * known, metric)
        level = np.average(left[known], axis=0, weights=each[known])
        before[judged] = left[judged] - level * (metric in CLASSIFIES)
        others = [part[known[part]] for part in parts if part is not judged]
        ridge = _best_ridge(rows, left, each, [part for part in others if part.size], gap)
        ((delta, shift),) = corrections(rows[known], left[known], [ridge], each[known])
        corrected[judged] = left[judged] - (rows[judged] @ delta + shift)
    was, now = (
        np.array([np.mean(each[part] @ wrong[part] ** 2) / len(part) for part in parts])
        for wrong in (before, corrected)
    )
    fallen = (was - now) / max(float(was.mean()), 1e-300)
    slope, left = _left_over(answers, targets, each * every, metric)
    ridge = _best_ridge(rows, left, each, parts, gap)
    ((delta, shift),) = corrections(rows, left, [ridge], each)
    found = Recalibrated(
        slope * weights + delta, slope * bias + shift, ridge,
        score(metric, answers, targets), score(metric, targets - corrected, targets),
        float(fallen.mean()), float(fallen.std(ddof=1) / np.sqrt(blocks)),
    )  # fmt: skip
    if found.real:
        return found
    kept = (found.ridge, found.before, found.after, found.gain, found.error)
    return Recalibrated(weights.copy(), bias.copy(), *kept)


def _left_over(
    answers: FloatArray, targets: FloatArray, each: FloatArray, metric: str
) -> tuple[float, FloatArray]:
    """What a read-out leaves of the targets, and by how much its answers are multiplied for it.

    Answers of classes may be logits, whose unit is their own: only their order counts, so that they
    are brought to the one-hot targets by one factor, which changes no order. `each` `(N,)`: what a
    row counts for it.
    """
    if metric not in CLASSIFIES:
        return 1.0, targets - answers
    centred = answers - np.average(answers, axis=0, weights=each)
    square = float(np.sum(each @ centred**2))
    slope = float(np.sum(each @ (centred * targets))) / square if square > 0 else 1.0
    slope = slope if slope > 0 else 1.0  # worse than chance: nothing to bring anywhere
    return slope, targets - slope * answers


def refuse_few(count: int, gap: int, blocks: int = BLOCKS) -> None:
    """Raise InputError where so many answers are too few for the blocks of `recalibrate`."""
    least = blocks * max(4, 2 * gap)
    if count < least:
        raise InputError(
            f"recalibrate: {count} answers are too few for {blocks} blocks of cross-validation: "
            f"{least} at least; ask for more --steps"
        )


def corrections(
    rows: FloatArray, left: FloatArray, ridges: Sequence[float], each: FloatArray
) -> list[tuple[FloatArray, FloatArray]]:
    """δ `(columns, O)` and its bias `(O,)` by each ridge, a share of the mean diagonal.

    `each` `(N,)`: what a row counts.
    """
    share = each / each.sum()
    middle, level = share @ rows, share @ left
    centred = rows - middle
    weighed = (share[:, None] * centred).T
    size, direction = np.linalg.eigh(weighed @ centred)
    along = direction.T @ (weighed @ (left - level))
    unit = max(float(size.mean()), 1e-300)
    found = []
    for ridge in ridges:
        delta = direction @ (along / (np.maximum(size, 0.0) + ridge * unit)[:, None])
        found.append((delta, level - middle @ delta))
    return found


def _counting(targets: FloatArray, metric: str) -> FloatArray:
    """What a row counts `(N,)`, 1 on average: of a balanced error every class alike."""
    if metric != "balanced-error":
        return np.ones(len(targets))
    counts = targets.sum(axis=0)
    each = targets @ (1.0 / np.maximum(counts, 1.0))
    return np.asarray(each / each.mean())


def _best_ridge(
    rows: FloatArray,
    left: FloatArray,
    each: FloatArray,
    parts: Sequence[NDArray[np.int64]],
    gap: int,
) -> float:
    """The ridge whose corrections leave least on blocks that they have not seen."""
    errors = np.zeros(len(RIDGES))
    every = np.zeros(len(rows), dtype=bool)
    every[np.concatenate(list(parts))] = True
    for judged in parts:
        known = every & _apart_from(judged, len(rows), gap)
        found = corrections(rows[known], left[known], RIDGES, each[known])
        for k, (delta, shift) in enumerate(found):
            errors[k] += np.sum(each[judged] @ (left[judged] - rows[judged] @ delta - shift) ** 2)
    return RIDGES[int(np.argmin(errors))]


def _apart_from(judged: NDArray[np.int64], count: int, gap: int) -> Mask:
    known = np.ones(count, dtype=bool)
    known[max(0, int(judged[0]) - gap) : int(judged[-1]) + 1 + gap] = False
    return known
