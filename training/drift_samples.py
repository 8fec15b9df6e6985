"""The two sides of a drift test: repeats of the same drives, or sequences beside a twin's forecast.

Their points are those of `training.drift_points`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError
from training.drift_points import (
    PARTS,
    drive_key,
    mean_points,
    moves_between,
    noise_points,
    rest_of,
    spread_of,
    whole_repeats,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from models.recording import Recording

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]
    Forecast = Callable[[Array], tuple[Array, Array]]
    _Rows = tuple[Array, Array, Array, Index]

STRETCHES = 8  # of a recording, between which the device may have wandered
MOST_ROWS = 300  # more give no better p-value, and cost their square
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
    rests
        Whether rows of the own noise are of repeats about their own mean, which R − 1 tell all of.
    """

    points: dict[str, Array]
    own: dict[str, Array]
    strata: Index
    groups: Index
    unit: Array
    rests: bool = False

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
        both = [part for part in _by_drive(pairs, new) if len(part[0]) >= 2 and len(part[1])]
        if not both:
            raise InputError(
                "compare: no drive has two whole repeats in the recordings of fitting time and one "
                "in the new one: record whole repeats of drives that have two there, name other "
                "recordings of that time (--against), or record drives that are new to the twin"
            )
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
                   unit, rests=True)  # fmt: skip


def _by_drive(
    pairs: Sequence[tuple[Recording, int, int]], new: Recording
) -> list[tuple[Array, Array, Array]]:
    """Old repeats, new ones and the drive, of each drive once.

    A drive may be several sequences on either side. One entry each would hold the same old repeats
    several times: the labels of such rows can't be exchanged, and an unchanged device was called
    changed in 16 % (twice) and 42 % (four times) of trials at the level of 5 %.
    """
    olds: dict[bytes, dict[tuple[int, int], Array]] = {}
    news: dict[bytes, dict[int, Array]] = {}
    for recording, s, n in pairs:
        key = drive_key(new, n)
        olds.setdefault(key, {})[id(recording), s] = whole_repeats(recording, s)[0]
        news.setdefault(key, {})[n] = whole_repeats(new, n)[0]
    return [
        (np.concatenate([*olds[key].values()]), np.concatenate([*now.values()]),
         new.drive[n, : new.lengths[n]])
        for key, now in news.items()
        for n in [min(now)]
    ]  # fmt: skip


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
    if count < 2:
        notes.append(
            "the noise is not compared: on new drives that takes two repeats a sequence, then and "
            "now"
        )
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
