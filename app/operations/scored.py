"""What a scored twin tells: the result's keys, what pages draw, and the verdict in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

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
    length = int(np.isfinite(drive[0]).sum())
    there = real[0][np.isfinite(real[0, :, :length]).all(axis=(1, 2))][:SHOWN_REPEATS, :length]
    return {
        "real": there,
        "twin": model.simulate(drive[:1, :length], SHOWN_REPEATS, seed=1)[0],
        "drive": drive[0, :length],
        "validation": summary(scores, deterministic=model.deterministic),
        **scores.details,
    }
