"""Compare a new short recording with an old twin: whether the device still is what was fitted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from app.artefacts import code_version, find_file, new_id, now_iso, sha256_of
from app.drift_store import refuse_no_place, save_drift
from app.operations.check_sequences import write_check_sequences
from app.operations.evaluate import refuse_another_device, warnings_beside
from app.operations.events import Note, Result, Stage
from app.operations.fit_input import simulated_words
from app.operations.fitted_on import FittedOn, fitted_on, is_parent
from app.recording_marks import read_kept
from app.recording_reader import FILE_NAME
from app.weights_store import TWIN_FILE, load_twin
from models.errors import InputError
from models.simulated import module_of
from training.drift import LEVEL, comparable, compare, compare_stored
from training.drift_effect import named
from training.metrics import COVERAGE_SAMPLES
from training.reads import in_single_holds
from training.validation import drawn_to_score, drawn_words, sampled_at_once, score_model

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from app.operations.events import Event
    from models.recording import Recording
    from models.simulated import Sampled
    from models.twin import Twin
    from training.drift import Drift

    Array = NDArray[np.float64]


def compare_device(
    twin: Path,
    recording: Path,
    *,
    against: Sequence[Path] = (),
    level: float = LEVEL,
    seed: int = 0,
) -> Generator[Event, None, Path]:
    """Compare a recording with a twin; returns the path of what is kept beside the twin.

    Parameters
    ----------
    twin, recording
        Their folders or files. The recording is newer than the twin, and may be short.
    against
        Recordings of fitting time, where those that the twin names are not at hand any more.
    level
        How often an unchanged device may be said to have changed.
    seed
        Of the permutations and of the twin's noise.

    Raises
    ------
    InputError
        One can't be read; they differ in channels, units, drive window or reset; the twin was
        fitted on this recording, or a twin simulated it; too little was recorded.
    TwinrigError
        The disk refuses.
    """
    torch.set_num_threads(1)
    if not 0 < level < 1:
        raise InputError(f"compare: a level of {level:g} is no share between 0 and 1")
    yield Stage("read twin and recordings", 1, 2)
    file = find_file(Path(twin), TWIN_FILE)
    refuse_no_place(file)
    fitted, new = load_twin(file), read_kept(Path(recording))
    refuse_another_device(fitted, new, "compare")
    if is_parent(fitted, new):
        raise InputError(
            f"compare: the twin was fitted on {recording}: record again, and compare with that"
        )
    if words := simulated_words(new):
        raise InputError(f"compare: {words}: record on the device, and compare with that")
    old = _of_fitting_time(fitted, file, against)
    for text in (*warnings_beside(fitted, new), *old.missing):
        yield Note(text, "warning")
    yield Stage("compare", 2, 2)
    model = module_of(fitted)
    if comparable(old.found, new):
        limits = (fitted.drive_low, fitted.drive_high)
        forecast = _forecast(model, seed)
        drift = compare(old.found, new, forecast, limits, level=level, seed=seed)
    else:
        errors, drawn = _errors(model, new, seed)
        if drawn:
            yield Note(drawn)
        drift = compare_stored(errors, fitted.errors, level)
    for text in drift.notes:
        yield Note(text, "warning")
    head = _head(fitted, file, new, Path(recording), old.paths, seed)
    path = save_drift(file, {**head, **drift.to_json()})
    yield Result(_values(path, file, Path(recording), drift, len(new.channels)))
    return path


def _of_fitting_time(twin: Twin, file: Path, against: Sequence[Path]) -> FittedOn:
    """The twin's recordings, or those named; InputError where one is of another device."""
    old = fitted_on(twin, file.parent, against)
    for one in old.found:
        refuse_another_device(twin, one.recording, "compare: the recording of fitting time")
    return old


def _forecast(model: Sampled, seed: int) -> Any:
    """Mean and spread `(S, T, C)` of the twin's samples to drives `(S, T)`."""

    def forecast(drive: Array) -> tuple[Array, Array]:
        count = sampled_at_once(drive.shape[1], model.channels)
        told = []
        for begin in range(0, len(drive), count):
            samples = model.simulate(drive[begin : begin + count], COVERAGE_SAMPLES, seed + begin)
            told.append((samples.mean(axis=1), samples.std(axis=1)))
        mean, spread = (np.concatenate(parts) for parts in zip(*told, strict=True))
        return mean, spread

    return forecast


def _errors(model: Sampled, new: Recording, seed: int) -> tuple[dict[str, Any], str]:
    """The twin's errors, and how many sequences tell them where not all do, in words."""
    drive, response = in_single_holds(new.drive, new.measured(), new.holds)
    drawn, words = drawn_to_score(response, drive.shape[1], new.families, seed), ""
    if len(drawn) < len(drive):
        words = f"compared on {drawn_words(len(drawn), len(drive))}"
        drive, response = drive[drawn], response[drawn]
    return score_model(model, drive, response, seed).errors, words


def _head(
    twin: Twin, file: Path, new: Recording, recording: Path, against: list[str], seed: int
) -> dict[str, Any]:
    """What was compared with what, and when."""
    measured = find_file(recording, FILE_NAME)
    return {
        "id": new_id("drift"),
        "created": now_iso(),
        "code_version": code_version(),
        "seed": seed,
        "twin": {
            "id": str(twin.meta.get("id", "")),
            "path": str(file.resolve()),
            "sha256": sha256_of(file),
        },
        "recording": {
            "id": str(new.meta.get("id", "")),
            "path": str(measured.resolve()),
            "sha256": sha256_of(measured),
        },
        "against": against,
    }


def _values(path: Path, twin: Path, recording: Path, drift: Drift, channels: int) -> dict[str, Any]:
    return {
        "path": str(path),
        "twin": str(twin),
        "recording": str(recording),
        "matches": not drift.changed,
        "p_value": drift.p_value,
        "level": drift.level,
        "method": drift.method,
        "verdict": drift.words,
        "effects": named(drift.effects, channels) if drift.changed else [],
        "parts": drift.parts,
        "notes": list(drift.notes),
    }


def propose(
    twin: Path, out: Path, *, count: int, against: Sequence[Path] = ()
) -> Generator[Event, None, Path]:
    """Write the sequences to record for a comparison: some that the twin's recording has, too.

    Raises
    ------
    InputError
        None of the twin's recordings is at hand, or one is of another device; `out` exists.
    """
    file = find_file(Path(twin), TWIN_FILE)
    old = _of_fitting_time(load_twin(file), file, against)
    for text in old.missing:
        yield Note(text, "warning")
    written = write_check_sequences(old.found, Path(out), count)
    if written < count:
        yield Note(
            f"{count} sequences asked, {written} written: the twin's recordings have no more"
        )
    yield Result({"path": str(out), "sequences": written})
    return Path(out)
