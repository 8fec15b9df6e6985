"""Where a repeat lies beside its fellows, as a few numbers: what a drift test compares.

Of each repeat and channel: its mean deviation over all steps, within each quarter of the drive
range (a shift, a gain, a bend) and as the drive rises less as it falls (another memory); the
logarithm of its noise power, and the noise's correlation from step to step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from models.recording import Recording

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

BINS = 4  # quarters of the drive range
FEWEST_STEPS = 3  # of a sequence within a quarter, to average over
PARTS = BINS + 2  # all steps, the quarters, as the drive rises
RISE_STEPS = 4  # before each, whose mean the drive is compared with
SAME_DRIVE = 1e-9


def whole_repeats(
    recording: Recording, sequence: int, repeats: Sequence[int] | None = None
) -> tuple[Array, Index]:
    """Complete repeats `(R, T, C)` of a sequence without a gap, and their places in the run."""
    y = recording.response[sequence, :, : recording.lengths[sequence]]
    kept = recording.complete[sequence] & np.isfinite(y).all(axis=(1, 2))
    if repeats is not None:
        kept = kept & np.isin(np.arange(len(kept)), repeats)
    return y[kept], recording.order[sequence][kept]


def same_drives(old: Recording, new: Recording) -> Iterator[tuple[int, int]]:
    """Old and new sequence of every drive that both have, step for step and hold for hold."""
    known: dict[bytes, list[int]] = {}
    for s in range(len(old.lengths)):
        known.setdefault(drive_key(old, s), []).append(s)
    for n in range(len(new.lengths)):
        for s in known.get(drive_key(new, n), []):
            yield s, n


def drive_key(recording: Recording, sequence: int) -> bytes:
    """What is equal for sequences that play the same, step for step and hold for hold.

    Of one that ends where another goes on it is what the other's begins with.
    """
    drive = recording.drive[sequence, : recording.lengths[sequence]]
    holds = recording.holds[sequence, : recording.lengths[sequence]]
    return np.stack([np.rint(drive / SAME_DRIVE).astype(np.int64), holds], axis=1).tobytes()


def beginnings(keys: Sequence[bytes]) -> list[int]:
    """Of each key the place of one that it is equal to or begins with, the same for all such."""
    roots, root = list(range(len(keys))), -1
    for place in sorted(roots, key=lambda k: (keys[k], k)):
        root = place if root < 0 or not keys[place].startswith(keys[root]) else root
        roots[place] = root
    return roots


def spread_of(repeats: Sequence[Array]) -> Array:
    """Standard deviation over repeats `(C,)`, averaged over steps and sequences; 1 where none."""
    if not repeats:
        raise InputError("compare: no sequence of the old recording has two whole repeats")
    spread = np.concatenate([y.std(axis=0, ddof=1) for y in repeats if len(y) > 1]).mean(axis=0)
    unit: Array = np.where(spread > 0, spread, 1.0)
    return unit


def rest_of(y: Array) -> Array:
    """Repeats `(R, T, C)` less their mean, as wide as if that mean were the true one."""
    rest: Array = (y - y.mean(axis=0)) * np.sqrt(len(y) / max(len(y) - 1, 1))
    return rest


def bin_edges(low: float, high: float) -> Array:
    """Edges of the quarters of a drive range; the outer ones take what lies beyond it, too."""
    edges = np.linspace(low, high, BINS + 1)
    return np.concatenate([[-np.inf], edges[1:-1], [np.inf]])


def mean_points(deviation: Array, drive: Array, edges: Array) -> Array:
    """Mean deviation of each repeat: over all steps, in each quarter, as the drive rises, `(R, D)`.

    D is parts × channels, `PARTS` of them.

    `deviation` is `(R, T, C)`, `drive` `(T,)` without gaps; NaN where too few steps are within.
    """
    within = (drive >= edges[:-1, None]) & (drive < edges[1:, None])
    inside = np.concatenate([np.ones((1, len(drive)), dtype=bool), within])
    count = inside.sum(axis=1)
    shares = inside / np.maximum(count, 1)[:, None]
    rise = rise_of(drive)
    points = np.einsum("bt,rtc->rbc", np.concatenate([shares, rise[None]]), deviation)
    points[:, :-1][:, count < FEWEST_STEPS] = np.nan
    if not rise.any():
        points[:, -1] = np.nan
    flat: Array = points.reshape(len(deviation), -1)
    return flat


def rise_of(drive: Array) -> Array:
    """Weights `(T,)` of the steps by how far the drive rose over its last few; zeros: it is still.

    Their absolute values add up to 1.
    """
    before = np.concatenate([np.full(RISE_STEPS, drive[0]), drive])[: len(drive) + RISE_STEPS - 1]
    rise = drive - np.convolve(before, np.full(RISE_STEPS, 1 / RISE_STEPS), "valid")
    total = float(np.abs(rise).sum())
    weights: Array = rise / total if total > SAME_DRIVE else np.zeros(len(drive))
    return weights


def noise_points(rest: Array) -> Array:
    """Log power and lag-one correlation of what is left of each repeat, `(R, 2 · C)`.

    `rest` is `(R, T, C)`: repeats less their mean. NaN where there is none, as of one step.
    """
    power = (rest**2).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        lag = (rest[:, 1:] * rest[:, :-1]).sum(axis=1) / (rest.shape[1] - 1) / power
        points = np.concatenate([np.log(power), lag], axis=1)
    known: Array = np.where(np.isfinite(points), points, np.nan)
    return known


def moves_between(points: Array, position: Index, count: int) -> Array:
    """Means of points `(N, D)` over stretches of the run `(count, D)`, about their common mean.

    Less what chance alone gives means of so many known rows: what is left wandered.
    """
    parts = np.array_split(points[np.argsort(position, kind="stable")], count)
    means = np.array([_mean(part) for part in parts])
    means -= means.mean(axis=0)
    chance = np.mean([_variance(part) / _count(part) for part in parts], axis=0)
    seen = (means**2).sum(axis=0) / (count - 1)
    share = np.divide(chance, seen, out=np.ones_like(seen), where=seen > 0)
    moves: Array = means * np.sqrt(np.clip(1 - share, 0.0, 1.0) * count / (count - 1))
    return moves


def _count(part: Array) -> Index:
    """How many rows of each column are known, `(D,)`; at least one."""
    count: Index = np.maximum(np.isfinite(part).sum(axis=0), 1)
    return count


def _mean(part: Array) -> Array:
    mean: Array = np.where(np.isfinite(part), part, 0.0).sum(axis=0) / _count(part)
    return mean


def _variance(part: Array) -> Array:
    known = np.isfinite(part)
    squares: Array = np.where(known, part - _mean(part), 0.0) ** 2
    variance: Array = squares.sum(axis=0) / np.maximum(_count(part) - 1, 1)
    return variance
