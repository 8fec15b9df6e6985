"""Scores beside what two halves of the real repeats score against each other.

A twin is never closer to the device than the repeats can tell. Each score is therefore stated with
ensembles of one size (8 against 8 where there are 16 held-out repeats or more, halves of what is
there otherwise): twin samples against one half, and the other half against the same half, over
random splits. Ratios depend on that size; the excess √(value² − floor²) doesn't. That of the
autocovariance depends on how many sequences there are, too: ρ is taken over all of them together,
so that its floor falls with their number and the error of a twin that is off doesn't. Where drives
are given, the same is told by drive, step, channel and drive family (`training.where`).

A twin without noise has an exact mean where a half has that of a few repeats: a perfect one would
score 1/√2 of what two halves do, and an error of its own could hide in the rest. Beside its mean
therefore stands that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError
from models.json_form import number
from training.bootstrap import (
    INTERVAL,
    bootstrap_weights,
    centred,
    family_weights,
    interval,
    logarithm,
)
from training.ensembles import Ground, complete_repeats, whole_repeats
from training.halves import RESAMPLED, Halves, half_splits, inside, taken, values_by_split
from training.metrics import (
    COVERED,
    SCORES,
    autocorrelation,
    coverage,
    lag_sums,
)
from training.noise_checks import pit_band, rank_plots, spectra
from training.score_notes import HALF, score_notes
from training.verdict import NO_NOISE
from training.verdict_places import EXPECTED_COVERAGE
from training.where import local_errors, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

ROUNDING = 1e-9  # of a floor
FEWEST_REPEATS = 4  # held out: two halves with a spread each


@dataclass(frozen=True)
class Scores:
    """Everything that is stated about a twin.

    Attributes
    ----------
    errors
        Score name → `{value, floor, ratio, excess, low, high, value_low, value_high, excess_low,
        excess_high}`; `low`, `high`: 90 % bootstrap interval of the ratio over sequences (over
        splits where there is one sequence), the others those of value and excess. None where
        nothing could be scored.
    coverage
        `{value, expected, low, high}` of the central 90 % interval; `low`, `high` as in `errors`,
        of one sequence over its repeats.
    details
        Arrays to draw (`pit`, `autocorrelation_real`, `…_twin`, `…_low`, `…_high`, and those of
        `training.noise_checks`, as `pit_low`, `pit_high`) and what the scores rest on (`half`,
        `repeats`, `sequences`, `splits`, `steps_without_spread`).
    families
        Drive family → score name → as in `errors`; empty where families were not given.
    where
        As `training.where.where`; empty where drives were not given.
    notes
        Sentences a reader of the scores must know.
    """

    errors: dict[str, dict[str, float | None]]
    coverage: dict[str, float | None]
    details: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    families: dict[str, dict[str, dict[str, float | None]]] = field(default_factory=dict)
    where: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Drives:
    """What the scored sequences were: drive `(S, T)`, S families, and the channels' names."""

    drive: Array
    families: Sequence[str]
    channels: Sequence[str]


def score(
    samples: Array, real: Array, seed: int = 0, half: int = HALF, drives: Drives | None = None
) -> Scores:
    """Score twin samples against held-out real repeats.

    Parameters
    ----------
    samples
        `(S, 200, T, C)` of the twin, free-running from the reset.
    real
        `(S, R, T, C)`, R ≥ 4; NaN for padding and for repeats that are missing.
    seed
        Of the splits and the bootstrap.
    half
        Repeats a half, where there are enough.
    drives
        Of the sequences; with them the scores also say where the twin is off.

    Raises
    ------
    InputError
        Fewer than four complete repeats: halves of one have no spread.
    """
    whole, kept = complete_repeats(real, FEWEST_REPEATS)
    repeats = whole.shape[1]
    if words := _too_few(repeats):
        raise InputError(f"{words}: record more repeats")
    half = min(half, repeats // 2)
    twin = samples if len(kept) == len(samples) else samples[kept]
    ground, rng = Ground.of(whole), np.random.default_rng(seed)
    splits = half_splits(twin, whole, half, rng)
    noiseless = ground.noiseless(twin)
    weights = bootstrap_weights(len(kept), rng)
    families = [] if drives is None else [drives.families[int(s)] for s in kept]
    names = list(dict.fromkeys(families)) if len(set(families)) > 1 else []
    blocks = [weights, *(family_weights(weights, families, n) for n in names)]
    counts = [len(kept), *map(families.count, names)]
    found = {
        name: _beside_floors(
            name, inside(splits, twin, whole, ground), ground, blocks, counts, noiseless
        )
        for name in SCORES
        if whole.shape[3] > 1 or name != "cross_correlation"
    }
    errors, *rest = ({name: rows[at] for name, rows in found.items()} for at in range(len(blocks)))
    by_family = dict(zip(names, rest, strict=True))
    covered, pit, left_out = coverage(twin, whole)
    halves = Halves(whole, splits[:RESAMPLED])
    details: dict[str, Any] = {
        "pit": pit,
        "half": half,
        "repeats": repeats,
        "sequences": len(kept),
        "splits": len(splits),
        "steps_without_spread": left_out,
        **_autocorrelations(twin, whole, halves, ground, weights),
        **spectra(twin, whole, halves, ground),
        **rank_plots(twin, whole, ground, seed),
        **({} if noiseless else pit_band(twin, ground, repeats, seed)),
    }
    said: dict[str, float | None] = {"value": number(covered), "expected": EXPECTED_COVERAGE}
    places: dict[str, list[dict[str, Any]]] = {}
    if drives is not None:
        local = local_errors(taken(splits[:RESAMPLED], twin, whole), twin, whole, ground)
        if len(kept) > 1:
            said |= _coverage_interval(local.within, local.counted, weights)
        else:
            units = _within_by_repeat(twin[0], whole[0], ground.varied[0])
            said |= _coverage_interval(*units, bootstrap_weights(repeats, rng))
        places = where(local, drives.drive[kept][:, : whole.shape[2]], families, drives.channels,
                       ground, weights)  # fmt: skip
    channels = [f"c{c}" for c in range(whole.shape[3])] if drives is None else drives.channels
    told = score_notes(real, whole, kept, half, ground, channels)
    notes = (*told, *[NO_NOISE] * noiseless)
    return Scores(errors, said, details, notes, by_family, places)


def _beside_floors(
    name: str,
    splits: Iterator[tuple[Array, Array, Array]],
    ground: Ground,
    blocks: list[Array],
    counts: list[int],
    noiseless: bool,
) -> list[dict[str, float | None]]:
    """One error beside its floor, of each block of sequences: of all, then of each family."""
    values = values_by_split(name, splits, ground, blocks)
    if noiseless and name == "mean":
        for each in (part for both in values for part in both):
            each[:, 1] /= np.sqrt(2)
    return list(map(_beside_floor, *zip(*values, strict=True), counts))


def notes_of(real: Array, channels: Sequence[str]) -> list[str]:
    """What `score` notes of held-out repeats `(S, R, T, C)`, whatever twin is scored on them."""
    whole, kept = complete_repeats(real, FEWEST_REPEATS)
    half = min(HALF, whole.shape[1] // 2)
    return list(score_notes(real, whole, kept, half, Ground.of(whole), channels))


def too_few_repeats(real: Array) -> str:
    """Why held-out repeats `(S, R, T, C)` can't score a twin, in words; empty where they can."""
    return _too_few(int(whole_repeats(real).sum(axis=1).max(initial=0)))


def _too_few(repeats: int) -> str:
    if repeats >= FEWEST_REPEATS:
        return ""
    return (
        f"held-out repeats: {repeats} a sequence without a gap, scoring needs at least "
        f"{FEWEST_REPEATS} (two halves with a spread each), 16 to be stated beside others"
    )


def resampled(repeats: Array, count: int, seed: int = 0) -> Array:
    """A twin that only remembers: `count` draws with replacement from repeats `(S, R, T, C)`.

    No model of as few repeats does better, so its scores stand beside a twin's where both saw the
    same repeats of the same sequence.
    """
    rng = np.random.default_rng(seed)
    return repeats[:, rng.integers(0, repeats.shape[1], count)]


def _beside_floor(values: Array, resampled: Array, sequences: int) -> dict[str, float | None]:
    """Value, floor, ratio, excess and their intervals, of a block of `values_by_split`."""
    value, floor = values.mean(axis=0)
    over = resampled.mean(axis=0) if sequences > 1 else values.T
    told = over[1] > ROUNDING * floor  # of a draw that lacks what rarely happens it is rounding
    ratio = over[0] / np.where(told, over[1], np.nan)
    more, now = over[0] ** 2 - over[1] ** 2, float(value**2 - floor**2)
    over_floor = value / floor if floor > 0 else np.nan
    low, high = interval(np.exp(centred(logarithm(ratio), float(logarithm(over_floor)), sequences)))
    likely = np.maximum(centred(over[0], value, sequences), min(value, 0.0))  # no error is below 0
    value_low, value_high = interval(likely)
    # of the squares: roots end at zero, and about theirs a perfect twin had an excess in 1 of 4
    excess_low, excess_high = interval(_root(centred(more, now, sequences)))
    return {
        "value": number(value),
        "floor": number(floor),
        "ratio": number(over_floor),
        "excess": number(_root(np.array(now))),
        "low": low,
        "high": high,
        "value_low": value_low,
        "value_high": value_high,
        "excess_low": excess_low,
        "excess_high": excess_high,
    }


def _root(squares: Array) -> Array:
    """√ of what is above zero."""
    roots: Array = np.sqrt(np.maximum(squares, 0.0))
    return roots


def _coverage_interval(within: Array, counted: Array, weights: Array) -> dict[str, float | None]:
    """90 % bootstrap interval of the coverage over sequences, of one sequence over its repeats."""
    top, bottom = (weights @ a.sum(axis=(1, 2)) for a in (within, counted))
    if not (bottom > 0).all():
        return {"low": None, "high": None}
    share = top / bottom
    low, high = interval(np.clip(centred(share[1:], float(share[0]), weights.shape[1]), 0.0, 1.0))
    return {"low": low, "high": high}


def _within_by_repeat(samples: Array, real: Array, varied: Mask) -> tuple[Array, Array]:
    """Of one sequence: values inside the samples' interval and those counted, `(R, T, C)` each."""
    low, high = np.quantile(samples, [(1 - COVERED) / 2, (1 + COVERED) / 2], axis=0)
    counted = np.broadcast_to(varied, real.shape).astype(float)
    return counted * ((real >= low) & (real <= high)), counted


def _autocorrelations(
    samples: Array, real: Array, halves: Iterable[Array], ground: Ground, weights: Array
) -> dict[str, Array]:
    """ρ by lag, averaged over channels; the band holds 90 % of halves of the real repeats."""
    band = np.concatenate(
        [autocorrelation(np.tensordot(weights[:16], _lag_sums(h, ground), 1)) for h in halves]
    ).mean(axis=-1)
    low, high = np.percentile(band, INTERVAL, axis=0) if band.size else (band[0], band[0])
    one, other = (
        autocorrelation(_lag_sums(e, ground).sum(axis=0)).mean(axis=-1) for e in (real, samples)
    )
    return {
        "autocorrelation_real": one,
        "autocorrelation_twin": other,
        "autocorrelation_low": low,
        "autocorrelation_high": high,
    }


def _lag_sums(ensemble: Array, ground: Ground) -> Array:
    """`lag_sums` of an ensemble as it is, some of its sequences after others."""
    return np.concatenate([lag_sums(own.inside(part), own) for part, own in ground.parts(ensemble)])
