"""What a scored twin tells: the result's keys, what pages draw, and the verdict in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.reads import at_reads, reads_of
from training.validation import family_ratios, summary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.simulated import Sampled
    from training.floors import Scores

    Array = NDArray[np.float64]

SHOWN_REPEATS = 16


def scored_values(scores: Scores, *, deterministic: bool) -> dict[str, Any]:
    """Keys of a result line: `errors`, `coverage`, `verdict`, `at_floor`, `where`, `families`.

    `where` has one sentence for each score that is not reached; `families` the ratios to the
    floor by drive family, where there are several.
    """
    found = summary(scores, deterministic=deterministic)["verdict"]
    values: dict[str, Any] = {
        "errors": scores.errors,
        "coverage": scores.coverage,
        "verdict": found["words"],
        "at_floor": found["at_floor"],
    }
    if found["reasons"]:
        values["where"] = found["reasons"]
    if families := family_ratios(scores):
        values["families"] = families
    return values


def scored_details(model: Sampled, drive: Array, real: Array, scores: Scores) -> dict[str, Any]:
    """What the pages draw beside the scores.

    One sequence's repeats and samples, PIT, ρ by lag, and `validation` as
    `training.validation.summary`.
    """
    shown, there, twin = shown_beside(model, drive[:1], real[:1], seed=1)
    return {
        "real": there,
        "twin": twin,
        "drive": shown,
        "validation": summary(scores, deterministic=model.deterministic),
        **scores.details,
    }


def shown_beside(
    model: Sampled, drive: Array, real: Array, seed: int
) -> tuple[Array, Array, Array]:
    """One sequence to draw: drive `(T,)`, whole repeats and samples `(R, T, C)`, as it was read.

    `drive` is `(1, T)`, `real` `(1, R, T, C)`.
    """
    length = int(np.isfinite(drive[0]).sum())
    drive, real = drive[:, :length], real[:, :, :length]
    twin, reads = model.simulate(drive, SHOWN_REPEATS, seed), reads_of(real)
    if reads is not None:
        drive, real, twin = (at_reads(e, reads) for e in (drive, real, twin))
    return drive[0], real[0][np.isfinite(real[0]).all(axis=(1, 2))][:SHOWN_REPEATS], twin[0]
