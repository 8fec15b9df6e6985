"""What a scored twin tells: the result's keys, what pages draw, and the verdict in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.ensembles import complete_repeats
from training.reads import at_reads, reads_of
from training.validation import family_ratios, summary
from training.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from models.simulated import Sampled
    from training.floors import Scores

    Array = NDArray[np.float64]

SHOWN_REPEATS = 16
MOST_SEQUENCES = 64  # more are not stepped through by hand
MOST_BYTES = 16 * 2**20  # of repeats and samples: they go through a pipe and stay in the window


def scored_values(scores: Scores, *, deterministic: bool) -> dict[str, Any]:
    """Keys of a result line: `errors`, `coverage`, `verdict`, `at_floor`, `where`, `families`.

    `where` has one sentence for each score that is not reached; `families` the ratios to the
    floor by drive family, where there are several.
    """
    kept = summary(scores, deterministic=deterministic)
    return kept_values(scores.errors, scores.coverage, kept, deterministic=deterministic)


def kept_values(
    errors: Mapping[str, Any],
    coverage: Mapping[str, Any],
    validation: Mapping[str, Any],
    *,
    deterministic: bool = False,
) -> dict[str, Any]:
    """As `scored_values` and `unscored_values`, of what a twin keeps; `validation` may be empty."""
    kept = validation.get("verdict")
    if kept is None:  # nothing was scored, or an older version kept none
        kept = verdict(errors, coverage, deterministic=deterministic).to_json()
    values = {
        "errors": errors,
        "coverage": coverage,
        "verdict": kept["words"],
        "at_floor": kept["at_floor"],
    }
    if errors and kept["reasons"]:
        values["where"] = kept["reasons"]
    if families := family_ratios(validation.get("families", {})):
        values["families"] = families
    return values


def unscored_values() -> dict[str, Any]:
    """The same keys of a twin that nothing was held out for."""
    return kept_values({}, {}, {})


def unscored_note(why: str) -> str:
    """What is said before and after a fit whose twin can't be scored."""
    return (
        f"{why}: the twin is not scored. To have it scored, record a few more sequences with 16 "
        "repeats each, and give that to fit as well, or to evaluate"
    )


def scored_details(model: Sampled, drive: Array, real: Array, scores: Scores) -> dict[str, Any]:
    """What the pages draw beside the scores.

    Repeats and samples of the first sequence and of `held_out_beside`, PIT, ρ by lag, and
    `validation` as `training.validation.summary`.
    """
    shown, there, twin = shown_beside(model, drive[:1], real[:1], seed=1)
    return {
        "real": there,
        "twin": twin,
        "drive": shown,
        **held_out_beside(model, drive, real, (there, twin)),
        "validation": summary(scores, deterministic=model.deterministic),
        **scores.details,
    }


def shown_beside(
    model: Sampled, drive: Array, real: Array, seed: int
) -> tuple[Array, Array, Array]:
    """One sequence to draw: drive `(T,)`, whole repeats and samples `(R, T, C)`, as it was read.

    `drive` is `(1, T)`, `real` `(1, R, T, C)`.
    """
    drive = drive[:, : int(np.isfinite(drive[0]).sum())]
    return _as_read(drive, real, model.simulate(drive, SHOWN_REPEATS, seed))


def held_out_beside(
    model: Sampled, drive: Array, real: Array, first: tuple[Array, Array]
) -> dict[str, Any]:
    """Sequences to step through: as many of the first ones as `MOST_BYTES` hold, and the worst.

    Parameters
    ----------
    drive, real
        `(S, T)` and `(S, R, T, C)`, all that were held out.
    first
        Repeats and samples `(R, T, C)` of the first of them, which are drawn already.

    Returns
    -------
    dict
        `held_out_real` and `held_out_twin` `(N, R, T, C)`, NaN beyond a sequence's length and its
        repeats; `held_out_places` `(N,)`, ascending, of 0…S-1; `held_out_sequences` S;
        `held_out_worst`, a place. Empty where there are not two with whole repeats, or where two
        are more than `MOST_BYTES`.
    """
    samples = model.simulate(drive, SHOWN_REPEATS, seed=1)
    parts = [_as_read(drive[[s]], real[[s]], samples[[s]])[1:] for s in range(len(drive))]
    parts[0] = first
    whole = [s for s, (there, _) in enumerate(parts) if len(there)]
    steps = max(told.shape[1] for _, told in parts)
    each = 2 * SHOWN_REPEATS * steps * real.shape[3] * real.itemsize
    most = min(MOST_SEQUENCES, MOST_BYTES // each)
    if min(most, len(whole)) < 2:
        return {}
    there, told = (_padded([parts[s][which] for s in whole], steps) for which in range(2))
    worst = _worst_mean(there, told)
    chosen = list(range(len(whole)))[:most]
    if worst not in chosen:
        chosen[-1] = worst
    return {
        "held_out_real": there[chosen],
        "held_out_twin": told[chosen],
        "held_out_places": np.array(whole, dtype=np.int64)[chosen],
        "held_out_sequences": len(drive),
        "held_out_worst": whole[worst],
    }


def _as_read(drive: Array, real: Array, twin: Array) -> tuple[Array, Array, Array]:
    """One sequence's drive `(1, T)`, repeats and samples `(1, R, T, C)`: whole, where it was read.

    Drive `(T',)`, repeats and samples `(R', T', C)`, at most `SHOWN_REPEATS` each.
    """
    length = int(np.isfinite(drive[0]).sum())
    drive, real, twin = drive[:, :length], real[:, :, :length], twin[:, :, :length]
    reads = reads_of(real)
    if reads is not None:
        drive, real, twin = (at_reads(e, reads) for e in (drive, real, twin))
    return drive[0], real[0][np.isfinite(real[0]).all(axis=(1, 2))][:SHOWN_REPEATS], twin[0]


def _worst_mean(real: Array, twin: Array) -> int:
    """Of sequences `(N, R, T, C)` with enough repeats to be scored, that with the worst mean.

    As the score `mean`: rms over steps beside the standard deviation of the device's mean, averaged
    over channels; of what is drawn (`SHOWN_REPEATS`), the scores' own samples being gone.
    """
    whole, scored = complete_repeats(real)
    there, told = whole.mean(axis=1), twin[scored].mean(axis=1)
    scale = np.nanstd(there, axis=(0, 1))
    off = np.sqrt(np.nanmean((there - told) ** 2, axis=1))[:, scale > 0] / scale[scale > 0]
    return int(scored[np.argmax(off.sum(axis=1))])


def _padded(ensembles: Sequence[Array], steps: int) -> Array:
    """Ensembles `(R, T, C)` as one array `(N, R, T, C)`, NaN where one has no more of either."""
    repeats = max(len(e) for e in ensembles)
    made = np.full((len(ensembles), repeats, steps, ensembles[0].shape[2]), np.nan)
    for row, ensemble in zip(made, ensembles, strict=True):
        row[: len(ensemble), : ensemble.shape[1]] = ensemble
    return made
