"""The report's part on a twin: repeats beside its samples, errors beside their floors, in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.report import figures
from app.report.drift import add_drift
from app.report.search import add_search
from app.report.twin_repeats import add_repeats
from app.report.validation import add_validation
from app.so_far import unfinished_words
from app.words import capitalised, fixed
from training.ensembles import sequences_kept
from training.floors import FEWEST_REPEATS
from training.kept import OLDER, kept_validation, scored_by_older
from training.score_notes import HALF, part_words
from training.verdict import coverage_state, state_of, telling, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from app.report.page import Page
    from models.recording import Recording
    from models.twin import Twin

TOO_FEW = "too few repeats were held out"
ERROR_WORDS = {
    "mean": "mean",
    "spread": "spread",
    "autocovariance": "autocovariance",
    "crps": "CRPS",
    "energy16": "energy, 16 steps",
    "cross_correlation": "cross-correlation",
}


def section(
    page: Page, path: Path, recordings: Sequence[Path], *, one_of_several: bool = False
) -> tuple[list[str], list[str]]:
    """Add a twin's section; returns the sentences of its verdict, and those on a mean alone.

    The latter are of a twin without noise. `one_of_several`: with its name.
    """
    from app.store import load_twin

    twin, name = load_twin(path), page.named(path)
    kind = "deterministic" if twin.deterministic else "stochastic"
    page.heading(f"Twin {name} ({kind})")
    unseen = best_unseen(twin, recordings)
    errors, coverage = dict(twin.errors), dict(twin.coverage)
    details: dict[str, Any] = {}
    older = unseen is None and scored_by_older(twin)
    if older:
        words, errors = OLDER, {}
    elif unseen is None and not errors:
        why = "its fit is unfinished" if unfinished_words(twin.meta) else TOO_FEW
        words = f"It has not been scored: {why}."
    elif unseen is None:
        words = _when_fitted(twin.meta)
    else:
        errors, coverage, details, notes = _evaluated(path, unseen.path)
        scored = f"{part_words(*unseen.scored)} of {page.named(unseen.path)}"
        rest = [f"scored on {scored} that no gradient has seen", *notes]
        words = f"{'. '.join(map(capitalised, rest))}."
    page.text(words, note=True)
    if unseen is not None:
        add_repeats(page, name, twin, unseen)
    if said := unfinished_words(twin.meta):
        page.text(f"{capitalised(said)}.", note=True)
    if twin.members > 1:
        page.text(
            f"It has {twin.members} members, fits of the same repeats from other first weights: "
            "its repeats spread by their noise and by what they disagree on.",
            note=True,
        )
    add_search(page, twin.meta, (twin.latent, twin.hidden, twin.head))
    if twin.deterministic:
        page.text(
            "It has no noise: only its mean can be right, and its floor is what a perfect mean "
            "would score, 1/√2 of what two halves of the repeats differ by.",
            note=True,
        )
    errors, coverage = telling(errors, coverage, deterministic=twin.deterministic)
    _errors(page, errors, coverage, noisy=not twin.deterministic)
    if "pit" in details and not twin.deterministic:
        figure = figures.noise_figure(details)
        page.figure(f"noise-{name}", figure, "Noise of the device and of its twin.")
    validation = details.get("validation") or kept_validation(twin.meta)
    if validation is not None and not older:
        add_validation(page, name, validation, noisy=not twin.deterministic)
    drifted, who = add_drift(page, path, twin), f"Twin{f' {name}' * one_of_several}"
    if twin.deterministic:
        said = OLDER if older else verdict(errors, {}, deterministic=True).words
        return drifted, [f"{who} without noise: {_small(said)}"]
    page.values.setdefault("errors", errors)
    page.values.setdefault("coverage", coverage)
    if validation is not None:
        page.values.setdefault("validation", validation["verdict"])
        said = validation["verdict"]["words"]
    else:
        said = verdict(errors, coverage).words
    return [f"{who}: {_small(said)}", *drifted], []


def _when_fitted(meta: Mapping[str, Any]) -> str:
    """What the scores of a twin by itself rest on: sequences and repeats, and what it notes."""
    said = "Scores as measured when it was fitted, on what was held out"
    kept = kept_validation(meta) or {}
    if {"sequences", "repeats"} <= kept.keys():
        said += f": {part_words(kept['sequences'], kept['repeats'])}"
    return ". ".join([said, *map(capitalised, meta.get("notes", ()))]) + "."


def _small(words: str) -> str:
    return f"{words[:1].lower()}{words[1:]}"


def spread_over_signal(recording: Recording) -> float:
    """Mean spread of repeats over the standard deviation of their mean, averaged over channels."""
    with np.errstate(invalid="ignore"):
        count = recording.complete.sum(axis=1)
        whole = recording.response[count >= 2]
        if not len(whole):
            return float("nan")
        mean = _nan_mean(whole, 1)
        variance = _nan_mean((whole - mean[:, None]) ** 2, 1)
        scale = (count[count >= 2] / (count[count >= 2] - 1))[:, None, None]
        spread = _nan_mean(np.sqrt(variance * scale), (0, 1))
        signal = np.sqrt(_nan_mean((mean - _nan_mean(mean, (0, 1))) ** 2, (0, 1)))
        return float(np.mean(spread / signal))


def _nan_mean(values: np.ndarray, axis: Any) -> np.ndarray:
    """Mean over what is there; NaN where nothing is, without a warning."""
    there = np.isfinite(values)
    total = np.where(there, values, 0.0).sum(axis=axis)
    count = there.sum(axis=axis)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


@dataclass(frozen=True)
class Unseen:
    """What of a recording a twin was not fitted on: indices of sequences and repeats."""

    path: Path
    recording: Recording
    sequences: tuple[int, ...]
    repeats: tuple[int, ...]

    @property
    def there(self) -> NDArray[np.bool_]:
        """What was recorded of it: bool, by its sequences and repeats."""
        return self.recording.complete[np.ix_(self.sequences, self.repeats)]

    @property
    def scored(self) -> tuple[int, int]:
        """So many sequences, and repeats of each; of a run that ended early what there is."""
        kept, repeats = sequences_kept(self.there.sum(axis=1), FEWEST_REPEATS)
        return kept.size, repeats

    @property
    def measurements(self) -> int:
        """What is scored, of each sequence no more than both halves have."""
        sequences, repeats = self.scored
        return sequences * min(repeats, 2 * HALF)


def best_unseen(twin: Twin, recordings: Sequence[Path]) -> Unseen | None:
    """The unseen part with most measurements; None where none has the repeats that scores need.

    That is all of a recording that the fit has not read, else what it held out. What a twin has
    simulated is no device: it counts for a twin that was fitted on it only.
    """
    from app.operations.fitted_on import held_out_of, is_parent
    from app.recording_marks import bad_positions, left_out
    from app.recording_reader import read_recording

    best: Unseen | None = None
    for path in recordings:
        recording = left_out(read_recording(path), bad_positions(path))
        if recording.meta.get("simulated") and not is_parent(twin, recording):
            continue
        known = held_out_of(twin, recording)
        part = Unseen(path, recording, known.sequences, known.repeats)
        if not part.sequences or not _is_alike(twin, part.recording):
            continue
        counts = part.there.sum(axis=1)
        if counts.max() >= FEWEST_REPEATS and (
            best is None or part.measurements > best.measurements
        ):
            begun = tuple(np.array(part.sequences)[counts > 0].tolist())
            best = replace(part, sequences=begun)
    return best


def _is_alike(twin: Twin, recording: Recording) -> bool:
    """Whether a recording can score the twin: of its kind, and seen by no earlier version of it.

    `evaluate` refuses one with an overload, and of one with a dead channel it says that it can't.
    """
    from app.operations.seen_before import flatters
    from training.bad_data import problems_of, still_of

    kind = ("channels", "units", "window", "reset")
    alike = all(getattr(twin, name) == getattr(recording, name) for name in kind)
    unfit = alike and (problems_of(recording) or still_of(recording))
    return alike and not unfit and not flatters(twin, recording)


def _evaluated(
    twin: Path, recording: Path
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], list[str]]:
    """Errors, coverage, what is drawn, and the notes of `evaluate`."""
    from app.operations.evaluate import evaluate
    from app.operations.events import Result
    from app.operations.learning_events import TwinScored

    errors: dict[str, Any] = {}
    coverage: dict[str, Any] = {}
    details: dict[str, Any] = {}
    notes: list[str] = []
    for event in evaluate(twin, recording):
        if isinstance(event, TwinScored):
            details = event.details
        if isinstance(event, Result):
            errors, coverage = event.values["errors"], event.values["coverage"]
            notes = event.values["notes"]
    return errors, coverage, details, notes


def _errors(
    page: Page, errors: dict[str, Any], coverage: dict[str, Any], *, noisy: bool
) -> None:  # fmt: skip
    rows = []
    for name, row in errors.items():
        if not isinstance(row, dict) or "floor" not in row:
            continue
        low, high = row.get("low"), row.get("high")
        interval = "—" if low is None or high is None else f"{low:.2f} … {high:.2f}"
        numbers = [fixed(row.get(k), 4) for k in ("value", "floor")]
        ratio = [fixed(row.get("ratio"), 2), interval, fixed(row.get("excess"), 4)]
        rows.append([ERROR_WORDS.get(name, name), *numbers, *ratio, error_words(row)])
    if rows:
        page.explained += ["floor", "excess", *(name for name, *_ in rows)]
        page.table(["error", "value", "floor", "ratio", "90 % interval", "excess", ""], rows)
        floor = "Floor: what two halves of the real repeats score against each other; " * noisy
        page.text(
            f"{floor}{'e' if noisy else 'E'}xcess: √(value² − floor²), which does not depend on "
            "the number of repeats; of the mean as a share of the signal.",
            note=True,
        )
    if coverage.get("value") is not None:
        page.explained.append("90 % coverage")
        page.text(
            f"Coverage of the 90 % interval: {coverage['value']:.3f}, a perfect twin's is "
            f"{coverage['expected']:.3f}: {coverage_words(coverage)}."
        )


def error_words(row: Mapping[str, Any]) -> str:
    """A verdict on one error beside its floor."""
    words = {
        "reached": "at the floor",
        "reached, not surely": "at the floor, as far as these sequences tell",
        "missed, not surely": "above the floor, perhaps by chance",
        "missed": "above the floor",
        "not scored": "can't be told: nothing to compare with",
    }
    return words[state_of(row)]


def coverage_words(coverage: Mapping[str, Any]) -> str:
    """A verdict on the coverage."""
    state = coverage_state(coverage)
    if state == "reached":
        return "as wide as the device's"
    return f"the twin's noise is {state.replace(', not surely', ', perhaps by chance')}"
