"""Where a repeat lies beside its fellows, as a few numbers: what a drift test compares.

Of each repeat and channel: its mean deviation over all steps, within each quarter of the drive
range (a shift, a gain, a bend) and as the drive rises less as it falls (another memory); the
logarithm of its noise power, and the noise's correlation from step to step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from models.recording import Recording

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]
    Forecast = Callable[[Array], tuple[Array, Array]]
    _Rows = tuple[Array, Array, Array, Index]

BINS = 4  # quarters of the drive range
FEWEST_STEPS = 3  # of a sequence within a quarter, to average over
PARTS = BINS + 2  # all steps, the quarters, as the drive rises
RISE_STEPS = 4  # before each, whose mean the drive is compared with
STRETCHES = 8  # of a recording, between which the device may have wandered
MOST_ROWS = 300  # more give no better p-value, and cost their square
SAME_DRIVE = 1e-9
FEWEST_COMPARED = 8  # steps
LEAST_SPREAD = 0.2  # of the channel's: where the twin says less, noise must not weigh without end


@dataclass(frozen=True)
class Whole:
    """Whole repeats: for each sequence its drive `(T,)`, family, and repeats `(R, T, C)`."""

    drives: list[Array]
    families: list[str]
    repeats: list[Array]

    @classmethod
    def of(
        cls,
        recording: Recording,
        sequences: Sequence[int] | None = None,
        repeats: Sequence[int] | None = None,
    ) -> Whole:
        """Those of a recording that are complete, of some sequences and repeats or of all."""
        chosen = range(len(recording.lengths)) if sequences is None else sequences
        made = cls([], [], [])
        for s in chosen:
            whole = whole_repeats(recording, s, repeats)[0]
            if len(whole):
                made.drives.append(recording.drive[s, : recording.lengths[s]])
                made.families.append(recording.families[s])
                made.repeats.append(whole)
        return made


@dataclass(frozen=True)
class Sample:
    """One side of a comparison, a row a repeat (same drives) or a sequence (held-out drives).

    Attributes
    ----------
    points
        Statistic (`mean`, `noise`) → its points `(N, D)`.
    own
        The same about this side's own mean: for figures of the effect.
    strata, groups
        `(N,)`: within which labels are exchangeable, and within which differences are taken.
    unit
        `(C,)`: the channels' spread, the unit of every deviation.
    """

    points: dict[str, Array]
    own: dict[str, Array]
    strata: Index
    groups: Index
    unit: Array

    @classmethod
    def of_same(
        cls,
        pairs: Sequence[tuple[Recording, int, int]],
        new: Recording,
        edges: Array,
        rng: np.random.Generator,
    ) -> tuple[Sample, Sample]:
        """Old and new repeats of the same drives; `pairs` are (old recording, sequence, new one).

        Of old repeats at most so many are drawn that the rows stay below `MOST_ROWS`.
        """
        by_new: dict[int, list[Array]] = {}
        for recording, s, n in pairs:
            by_new.setdefault(n, []).append(whole_repeats(recording, s)[0])
        both = [
            (np.concatenate(olds), whole_repeats(new, n)[0], new.drive[n, : new.lengths[n]])
            for n, olds in sorted(by_new.items())
        ]
        both = [part for part in both if len(part[0]) >= 2 and len(part[1])]
        if not both:
            raise InputError("compare: no drive has two whole repeats then and one now")
        unit = spread_of([part[0] for part in both])
        most = max(MOST_ROWS // len(both), 8)
        sides: tuple[list[_Rows], list[_Rows]] = ([], [])
        for k, (then, now, drive) in enumerate(both):
            drawn = then[rng.permutation(len(then))[: max(most - len(now), 4)]]
            centre = np.concatenate([drawn, now]).mean(axis=0)
            for side, y in zip(sides, (drawn, now), strict=True):
                z, own = (y - centre) / unit, rest_of(y / unit)
                mean = mean_points(z, drive, edges)
                noise = noise_points(own) if len(y) > 1 else np.full((1, 2 * len(unit)), np.nan)
                side.append((mean, noise_points(z), noise, np.full(len(y), k)))
        one, other = (
            cls._joined(side, np.concatenate([part[3] for part in side]), unit) for side in sides
        )
        return one, other

    @classmethod
    def _joined(cls, side: list[_Rows], strata: Index, unit: Array) -> Sample:
        mean, noise, own = (np.concatenate([part[k] for part in side]) for k in range(3))
        return cls({"mean": mean, "noise": noise}, {"mean": mean, "noise": own}, strata, strata,
                   unit)  # fmt: skip


def standing_by(
    old: Sequence[Whole],
    new: Whole,
    forecast: Forecast,
    edges: Array,
    rng: np.random.Generator,
) -> tuple[Sample, Sample, list[str]]:
    """Old and new sequences by their deviation from the twin, and what a reader must know.

    Both sides with as many repeats a sequence and as many steps, so that they are exchangeable.
    """
    drives = [u for w in old for u in w.drives]
    families = [f for w in old for f in w.families]
    repeats = [y for w in old for y in w.repeats]
    if not drives or not new.drives:
        raise InputError("compare: there is no whole repeat to compare")
    steps = min(min(map(len, drives)), min(map(len, new.drives)))
    if steps < FEWEST_COMPARED:
        raise InputError(
            f"compare: both recordings have {steps} steps in common, at least {FEWEST_COMPARED} "
            "are needed: record longer sequences"
        )
    count = min(int(np.median([len(y) for y in repeats])), int(np.median([*map(len, new.repeats)])))
    notes = []
    if steps < max(map(len, (*drives, *new.drives))):
        notes.append(f"compared over the first {steps} steps, which all sequences have")
    strata_of = {f: k for k, f in enumerate(sorted(set(families)))}
    unknown = sorted(set(new.families) - set(strata_of))
    if unknown:
        notes.append(
            f"drives of the kind {', '.join(unknown)} were not held out of the fit: how large the "
            "twin's error is there was never measured, and may count as change"
        )
        strata_of = {}
    unit = spread_of([y for y in repeats if len(y) > 1])
    sides = []
    for us, fs, ys in ((drives, families, repeats), (new.drives, new.families, new.repeats)):
        kept = [k for k, y in enumerate(ys) if len(y) >= count]
        cut = np.array([us[k][:steps] for k in kept])
        rows = [
            _sequence_points(ys[k][rng.permutation(len(ys[k]))[:count], :steps], mean, spread, u,
                             edges, unit)
            for k, mean, spread, u in zip(kept, *forecast(cut), cut, strict=True)
        ]  # fmt: skip
        points = {"mean": np.array([r[0] for r in rows])}
        if count > 1:
            points["noise"] = np.array([r[1] for r in rows])
        strata = np.array([strata_of.get(fs[k], 0) for k in kept])
        sides.append(Sample(points, points, strata, np.zeros(len(kept), dtype=np.int64), unit))
    return sides[0], sides[1], notes


def _sequence_points(
    y: Array, mean: Array, spread: Array, drive: Array, edges: Array, unit: Array
) -> tuple[Array, Array]:
    """Points of a sequence: deviation from the twin's mean, noise in units of the twin's."""
    expected = np.maximum(spread, LEAST_SPREAD * unit)
    noise = noise_points(rest_of(y / expected)).mean(axis=0) if len(y) > 1 else np.empty(0)
    return mean_points((y - mean) / unit, drive, edges).mean(axis=0), noise


def wander_of(old: Sequence[Recording], edges: Array, unit: Array) -> dict[str, Array]:
    """Typical moves `(K, D)` of the points between stretches of the old recordings.

    Only what wandered while they ran, and less what chance alone gives; nothing where a sequence's
    repeats followed each other at once.
    """
    moves: dict[str, list[Array]] = {"mean": [], "noise": []}
    for recording in old:
        rows: dict[str, list[Array]] = {"mean": [], "noise": []}
        place = []
        for s in range(len(recording.lengths)):
            y, position = whole_repeats(recording, s)
            if len(y) < 2:
                continue
            rest = rest_of(y / unit)
            rows["mean"].append(mean_points(rest, recording.drive[s, : recording.lengths[s]],
                                            edges))  # fmt: skip
            noise = noise_points(rest)
            rows["noise"].append(noise - noise.mean(axis=0))
            place.append(position)
        if not place:
            continue
        order = np.concatenate(place)
        for name, parts in rows.items():
            if len(order) >= 4 * STRETCHES:
                moves[name].append(moves_between(np.concatenate(parts), order, STRETCHES))
    width = {"mean": PARTS * len(unit), "noise": 2 * len(unit)}
    return {
        name: np.concatenate(parts) if parts else np.zeros((0, width[name]))
        for name, parts in moves.items()
    }


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
        known.setdefault(_key(old, s), []).append(s)
    for n in range(len(new.lengths)):
        for s in known.get(_key(new, n), []):
            yield s, n


def _key(recording: Recording, sequence: int) -> bytes:
    drive = recording.drive[sequence, : recording.lengths[sequence]]
    holds = recording.holds[sequence, : recording.lengths[sequence]]
    return np.stack([np.rint(drive / SAME_DRIVE).astype(np.int64), holds]).tobytes()


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

    `rest` is `(R, T, C)`: repeats less their mean.
    """
    power = (rest**2).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        lag = (rest[:, 1:] * rest[:, :-1]).mean(axis=1) / power
        points = np.concatenate([np.log(power), lag], axis=1)
    known: Array = np.where(np.isfinite(points), points, np.nan)
    return known


def moves_between(points: Array, position: Index, count: int) -> Array:
    """Means of points `(N, D)` over stretches of the run `(count, D)`, about their common mean.

    Less what chance alone gives means of so many rows: what is left wandered.
    """
    parts = np.array_split(points[np.argsort(position, kind="stable")], count)
    means = np.array([_mean(part) for part in parts])
    means -= means.mean(axis=0)
    chance = np.mean([_variance(part) / len(part) for part in parts], axis=0)
    seen = (means**2).sum(axis=0) / (count - 1)
    share = np.divide(chance, seen, out=np.ones_like(seen), where=seen > 0)
    moves: Array = means * np.sqrt(np.clip(1 - share, 0.0, 1.0) * count / (count - 1))
    return moves


def _mean(part: Array) -> Array:
    known = np.isfinite(part)
    mean: Array = np.where(known, part, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return mean


def _variance(part: Array) -> Array:
    known = np.isfinite(part)
    squares: Array = np.where(known, part - _mean(part), 0.0) ** 2
    variance: Array = squares.sum(axis=0) / np.maximum(known.sum(axis=0) - 1, 1)
    return variance
