"""What a recording plan has measured, and the twin that it gives: for the tests of data budgets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.operations.record import record
from app.operations.record_for_twin import record_for_twin
from app.store import read_recording
from training.acquire_curve import worst_ratio
from training.acquire_ensemble import divided
from training.ensembles import Ground
from training.fit import FitSettings, begin_fit
from training.halves import RESAMPLED, half_splits, inside
from training.metrics import lag_sums
from training.usual import as_usual
from training.validation import score_model
from training.verdict import DECIDING

if TYPE_CHECKING:
    from app.operations.adaptive_rounds import ForTwin

TARGET = 1.5
WORST = "worst error"
OF_EACH = "autocovariance of each sequence"
HELD_OUT_REPEATS = 16
SAMPLES = 48
OF_FITS = ("the best on validation", "the median")


@dataclass(frozen=True)
class Size:
    """`budgets`: measurements at which a plan is scored; `published`: patterns instead.

    `held_out`: sequences that score, `HELD_OUT_REPEATS` times each.
    """

    budgets: tuple[int, ...]
    published: tuple[int, ...]
    published_repeats: int
    iterations: int
    asked: ForTwin
    seeds: int
    fits: int
    held_out: int


def fits_of(part, size, seed):
    """Twins of some fits on these drives and repeats, the best on validation first.

    By the usual objective of so many, of one member each.
    """
    training, validation = divided(*part)
    asked = FitSettings(iterations=size.iterations)
    loops = [
        begin_fit(training, validation, replace(as_usual(asked, training), members=1, seed=seed_k))
        for seed_k in range(10 * seed, 10 * seed + size.fits)
    ]
    for loop in loops:
        for _ in loop.steps():
            pass
    ranked = sorted(loops, key=lambda loop: loop.best_validation)
    return [loop.best_model() for loop in ranked]


def errors_of(model, scoring, seed):
    """Each deciding error over its floor, the worst of them, and `of_each_sequence`."""
    drive, real = scoring
    errors = score_model(model, drive, real, seed).errors
    return {
        **{name: errors[name]["ratio"] for name in DECIDING},
        WORST: worst_ratio(errors),
        OF_EACH: of_each_sequence(model.simulate(drive, SAMPLES, seed), real, seed),
    }


def of_each_sequence(samples, real, seed):
    """Over its floor, how far autocovariances of the single sequences are off, lags 1 to 20.

    RMS of γ_X − γ_Y over sequences and lags. ρ of all sequences together, which decides, mixes
    loud ones with quiet ones: too much slow noise here makes up for too little there.
    """
    ground, half = Ground.of(real), HELD_OUT_REPEATS // 2
    splits = half_splits(samples, real, half, np.random.default_rng(seed))[:RESAMPLED]
    squares = np.zeros((2, real.shape[3]))
    for twin, one, other in inside(splits, samples, real, ground):
        sums = [lag_sums(e, ground) for e in (twin, one, other)]
        own = [s[:, 0, 1:] / np.maximum(s[:, 1, 1:], 1) for s in sums]
        squares += [((e - own[2]) ** 2).sum(axis=(0, 1)) for e in own[:2]]
    return float(np.sqrt(squares[0] / squares[1]).mean())


def adaptive(bench, out, size, seed, **changes):
    """Drives and repeats that one run to its budget has measured to fit on."""
    asked = replace(size.asked, seed=seed, **changes)
    for _ in record_for_twin(bench, out, asked):
        pass
    r = read_recording(out)
    fitted = r.complete.sum(axis=1) <= asked.repeats
    return r.drive[fitted], r.response[fitted][:, : asked.repeats]


def measured(bench, out, sequences, repeats, seed):
    """Drives and repeats of these sequences."""
    for _ in record(bench, sequences, repeats, out, seed=seed):
        pass
    r = read_recording(out)
    return r.drive, r.response


def of_fits(of, error, fits):
    """One error of some fits, the best on validation first."""
    ratios = [ratios[error] for ratios in fits]
    return ratios[0] if of == OF_FITS[0] else float(np.median(ratios))
