"""The twin that a fit gives: its weights, the rig it is valid for, and how it was fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import code_version, new_id, now_iso
from app.so_far import unfinished_meta
from models.sample_told import told_of
from models.slopes import SLOPE, slopes_of
from models.twin import Twin
from training.drive_gaps import gap_words, gaps_of, meta_of, never_changes
from training.ensembles import whole_repeats
from training.fit_members import MembersFit
from training.floors import resampled, score
from training.metrics import COVERAGE_SAMPLES
from training.validation import summary

if TYPE_CHECKING:
    from pathlib import Path

    from app.operations.fit_input import FitInput
    from app.operations.origin import Origin
    from models.simulated import Sampled
    from training.fit import AnyFit
    from training.floors import Scores
    from training.structure import Search


def fitted_twin(
    running: AnyFit,
    source: FitInput,
    model: Sampled,
    scored: tuple[Scores | None, list[str]],
    begun: Origin | None,
    search: Search | None,
    out: Path,
) -> Twin:
    """The finished twin for `out`, with its scores on what was held out, if any, and notes."""
    scores, notes = scored
    meta = {"id": new_id("twin", out), **_meta(running, source, begun, search), "notes": notes}
    if scores is None:
        return _twin(running, source, model, begun, meta, ({}, {}))
    meta["validation"] = summary(scores, deterministic=running.settings.deterministic)
    if np.array_equal(source.parts.training, source.parts.test):  # one sequence
        meta |= _memory_of(source, running.settings.seed)
    return _twin(running, source, model, begun, meta, (scores.errors, scores.coverage))


def twin_so_far(
    running: AnyFit, source: FitInput, begun: Origin | None, search: Search | None
) -> Twin:
    """The best snapshot of a fit that goes on: usable, not scored, and its meta says so."""
    phase = "mean only" if running.in_first_phase else "mean and noise"
    if running.settings.deterministic:
        phase = "mean"
    if isinstance(running, MembersFit):
        phase = f"{running.which}, {phase}"
    if search is not None and search.next() is not None:
        phase = f"a candidate of the search, {phase}"
    total, spent_s = running.expected_iterations, running.elapsed_s
    unfinished = unfinished_meta(running.iteration, total, phase, spent_s)
    meta = {**unfinished, **_meta(running, source, begun, search), "notes": []}
    return _twin(running, source, running.best_model(), begun, meta, ({}, {}))


def _twin(
    running: AnyFit,
    source: FitInput,
    model: Sampled,
    begun: Origin | None,
    meta: dict[str, Any],
    quality: tuple[dict[str, Any], dict[str, Any]],
) -> Twin:
    r = source.recording
    drive = r.drive[source.parts.training]
    known = [] if begun is None else [begun.twin.drive_low, begun.twin.drive_high]
    return Twin(
        weights=model.weights(),
        channels=r.channels,
        units=r.units,
        window=r.window,
        reset=r.reset,
        settings=r.settings,
        identities=r.identities,
        drive_low=float(np.nanmin([np.nanmin(drive), *known])),
        drive_high=float(np.nanmax([np.nanmax(drive), *known])),
        errors=quality[0],
        coverage=quality[1],
        meta=meta,
        **running.structure(),
    )


def _meta(
    running: AnyFit, source: FitInput, begun: Origin | None, search: Search | None
) -> dict[str, Any]:
    """What both kinds of twin keep of their fit."""
    slopes = slopes_of(source.recording.meta)
    return {
        "created": now_iso(),
        "code_version": code_version(),
        "seed": running.settings.seed,
        "objective": running.settings.objective,
        "iterations": running.iteration,
        "seconds": round(running.elapsed_s, 1),
        **_ended_by_time(running),
        "held_out": source.parts.to_json(),
        "parents": source.parents,
        **told_of(source.recording.meta),
        **({SLOPE: slopes} if slopes else {}),
        **_longest_hold(source),
        **meta_of(_gaps(source, begun)),
        **({} if search is None else {"search": search.to_json()}),
        **({} if begun is None else begun.meta()),
    }


def _ended_by_time(running: AnyFit) -> dict[str, float]:
    """The minutes that ended a fit before its iterations; nothing where they didn't."""
    asked = running.settings
    fewest = asked.iterations - asked.members  # each member's share of them is rounded
    if asked.minutes is None or not running.done or running.iteration >= fewest:
        return {}
    return {"minutes": asked.minutes}


def _longest_hold(source: FitInput) -> dict[str, int]:
    """Of the steps that were fitted; nothing where all are of one hold."""
    if not source.recording.held:
        return {}
    return {"longest_hold": int(source.recording.holds[source.parts.training].max())}


def _gaps(source: FitInput, begun: Origin | None) -> list[tuple[float, float]]:
    """Where no fitted drive lies within the range."""
    return gaps_of(
        source.recording.drive[source.parts.training], None if begun is None else begun.twin
    )


def unknown_drives(source: FitInput, begun: Origin | None) -> list[str]:
    """A sentence where fitted drives leave a wide gap between them, and where none ever changes."""
    said = []
    if gaps := _gaps(source, begun):
        said.append(
            f"no fitted step has a drive {gap_words(gaps)}: of such drives the twin will guess, "
            "and its scores here say nothing about them; a network sends drives all over the "
            "range: record some there (families steps or mixed), and fit on both"
        )
    if begun is None and never_changes(source.recording.drive[source.parts.training]):
        said.append(
            "each fitted sequence holds one drive from its first step to its last: what a change "
            "of drive does the twin will guess, and its scores here say nothing about it; a "
            "network changes its drive at each step: record sequences that do (families steps or "
            "mixed), and fit on both"
        )
    return said


def _memory_of(source: FitInput, seed: int) -> dict[str, Any]:
    """`memory`: errors of resampling the fitted repeats, the best that a memory of them can do.

    One with a hole can't be drawn as a whole; nothing where each has one.
    """
    parts, response = source.parts, source.recording.response[source.parts.training]
    fitted = response[:, np.concatenate([parts.training_repeats, parts.validation_repeats])]
    fitted = fitted[:, whole_repeats(fitted)[0]]
    if not fitted.shape[1]:
        return {}
    drawn = resampled(fitted, COVERAGE_SAMPLES, seed)
    return {"memory": score(drawn, response[:, parts.test_repeats], seed).errors}
