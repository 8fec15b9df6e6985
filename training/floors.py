"""Scores beside what two halves of the real repeats score against each other.

A twin is never closer to the device than the repeats can tell. Each score is therefore stated with
ensembles of one size (8 against 8 where there are 16 held-out repeats or more, halves of what is
there otherwise): twin samples against one half, and the other half against the same half, over 20
random splits. Ratios depend on that size; the excess √(value² − floor²) doesn't.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError
from training.ensembles import Ground, complete_repeats
from training.metrics import (
    EXPECTED_COVERAGE,
    SCORES,
    autocorrelation,
    coverage,
    lag_sums,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

HALF = 8
SPLITS = 20
RESAMPLES = 300
INTERVAL = (5.0, 95.0)


@dataclass(frozen=True)
class Scores:
    """Everything that is stated about a twin.

    Attributes
    ----------
    errors
        Score name → `{value, floor, ratio, excess, low, high}`; `low`, `high`: 90 % bootstrap
        interval of the ratio over sequences (over splits where there is one sequence). None where
        nothing could be scored.
    coverage
        `{value, expected}` of the central 90 % interval.
    details
        Arrays to draw (`pit`, `autocorrelation_real`, `…_twin`, `…_low`, `…_high`) and what the
        scores rest on (`half`, `repeats`, `sequences`, `splits`, `steps_without_spread`).
    notes
        Sentences a reader of the scores must know.
    """

    errors: dict[str, dict[str, float | None]]
    coverage: dict[str, float | None]
    details: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def score(samples: Array, real: Array, seed: int = 0, half: int = HALF) -> Scores:
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

    Raises
    ------
    InputError
        Fewer than four complete repeats: halves of one have no spread.
    """
    whole, kept = complete_repeats(real)
    repeats = whole.shape[1]
    if repeats < 4:
        raise InputError(
            f"held-out repeats: {repeats} a sequence, scoring needs at least 4 (two halves with a "
            "spread each), 16 to be stated beside others: record more repeats"
        )
    half = min(half, repeats // 2)
    ground, rng = Ground.of(whole), np.random.default_rng(seed)
    splits = list(_splits(samples[kept], whole, half, rng))
    weights = _bootstrap_weights(len(kept), rng)
    errors = {
        name: _beside_floor(name, splits, ground, weights)
        for name in SCORES
        if whole.shape[3] > 1 or name != "cross_correlation"
    }
    covered, pit, left_out = coverage(samples[kept], whole)
    details: dict[str, Any] = {
        "pit": pit,
        "half": half,
        "repeats": repeats,
        "sequences": len(kept),
        "splits": SPLITS,
        "steps_without_spread": left_out,
        **_autocorrelations(samples[kept], whole, [b for _, _, b in splits], ground, weights),
    }
    return Scores(
        errors,
        {"value": _number(covered), "expected": EXPECTED_COVERAGE},
        details,
        tuple(_notes(real, whole, kept, half, ground, left_out)),
    )


def resampled(repeats: Array, count: int, seed: int = 0) -> Array:
    """A twin that only remembers: `count` draws with replacement from repeats `(S, R, T, C)`.

    No model of as few repeats does better, so its scores stand beside a twin's where both saw the
    same repeats of the same sequence.
    """
    rng = np.random.default_rng(seed)
    return repeats[:, rng.integers(0, repeats.shape[1], count)]


def _splits(
    samples: Array, real: Array, half: int, rng: np.random.Generator
) -> Iterator[tuple[Array, Array, Array]]:
    """Twin, one half, the other half; as many members each."""
    for _ in range(SPLITS):
        drawn = rng.permutation(samples.shape[1])[:half]
        order = rng.permutation(real.shape[1])
        yield samples[:, drawn], real[:, order[:half]], real[:, order[half : 2 * half]]


def _bootstrap_weights(sequences: int, rng: np.random.Generator) -> Array:
    """How often each sequence is drawn `(1 + resamples, S)`; the first row is the data itself."""
    draws = rng.multinomial(sequences, np.full(sequences, 1 / sequences), RESAMPLES)
    return np.concatenate([np.ones((1, sequences)), draws])


def _beside_floor(
    name: str, splits: list[tuple[Array, Array, Array]], ground: Ground, weights: Array
) -> dict[str, float | None]:
    measure = SCORES[name]
    pairs = [
        [
            measure.value(np.tensordot(weights, measure.sums(x, b, ground), 1))
            for x in (twin, a)
        ]
        for twin, a, b in splits
    ]  # fmt: skip
    values = np.array(pairs)  # (splits, 2, 1 + resamples)
    value, floor = values[:, :, 0].mean(axis=0)
    over_splits = values.mean(axis=0) if weights.shape[1] > 1 else values[:, :, 0].T
    spread_of_ratio = over_splits[0] / np.where(over_splits[1] > 0, over_splits[1], np.nan)
    known = spread_of_ratio[np.isfinite(spread_of_ratio)]
    low, high = np.percentile(known, INTERVAL) if known.size else (np.nan, np.nan)
    return {
        "value": _number(value),
        "floor": _number(floor),
        "ratio": _number(value / floor if floor > 0 else np.nan),
        "excess": _number(np.sqrt(np.maximum(value**2 - floor**2, 0.0))),
        "low": _number(low),
        "high": _number(high),
    }


def _autocorrelations(
    samples: Array, real: Array, halves: list[Array], ground: Ground, weights: Array
) -> dict[str, Array]:
    """ρ by lag, averaged over channels; the band holds 90 % of halves of the real repeats."""
    band = np.concatenate(
        [autocorrelation(np.tensordot(weights[:16], lag_sums(h, ground), 1)) for h in halves]
    ).mean(axis=-1)
    low, high = np.percentile(band, INTERVAL, axis=0) if band.size else (band[0], band[0])
    one, other = (
        autocorrelation(lag_sums(e, ground).sum(axis=0)).mean(axis=-1) for e in (real, samples)
    )
    return {
        "autocorrelation_real": one,
        "autocorrelation_twin": other,
        "autocorrelation_low": low,
        "autocorrelation_high": high,
    }


def _notes(
    real: Array, whole: Array, kept: NDArray[np.int64], half: int, ground: Ground, left_out: int
) -> Iterator[str]:
    if half < HALF:
        yield (
            f"scored with halves of {half} of {whole.shape[1]} held-out repeats; ratios depend on "
            "that: compare them only with figures at the same number"
        )
    if len(kept) < real.shape[0]:
        yield f"{real.shape[0] - len(kept)} held-out sequences with fewer repeats are left out"
    if len(kept) == 1:
        yield "one held-out sequence: the interval is over splits of its repeats"
    silent = np.flatnonzero(ground.spread == 0)
    if silent.size:
        yield f"channels without spread left out: {', '.join(map(str, silent.tolist()))}"
    if left_out:
        total = int(ground.valid.sum()) * whole.shape[3]
        yield f"{left_out} of {total} steps have no real spread and are left out"


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
