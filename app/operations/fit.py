"""Fit a twin to recordings: events on the way, a checkpoint to go on from, scores at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from app.fit_checkpoint import load_checkpoint, remove_checkpoint, save_checkpoint
from app.operations.events import FitProgress, FitSamples, Note, Result, Stage, TwinScored
from app.run_lock import RunLock
from app.store import (
    code_version,
    new_directory,
    new_id,
    now_iso,
    read_recording,
    save_twin,
    sha256_of,
)
from models import kernel
from models.errors import InputError
from models.twin import Twin
from training.fit import Fit, FitSettings
from training.floors import resampled, score
from training.metrics import COVERAGE_SAMPLES
from training.validation import HeldOut, hold_out, score_model
from training.windows import check, join

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from app.operations.events import Event
    from models.latent import TwinModel
    from models.recording import Recording
    from training.floors import Scores

    Array = NDArray[np.float64]

PROGRESS_EVERY_S = 0.5
SAMPLES_EVERY_S = 3.0
CHECKPOINT_EVERY_S = 10.0
SHOWN_REPEATS = 16
STAGES = 4


@dataclass(frozen=True)
class FitInput:
    """What a fit rests on: the joined recording, its parts, and where it came from."""

    recording: Recording
    parts: HeldOut
    parents: list[dict[str, Any]]
    notes: list[str]

    @classmethod
    def read(cls, paths: Sequence[Path], *, seed: int, deterministic: bool) -> FitInput:
        """Read, join, check and divide recordings; InputError names what can't be fitted."""
        recordings = [read_recording(path) for path in paths]
        joined = join(recordings)
        notes = check(joined, deterministic=deterministic)
        parents = [
            {
                "id": str(r.meta.get("id", "")),
                "path": str(_file_of(path).resolve()),
                "sha256": sha256_of(_file_of(path)),
                "sequences": int(r.response.shape[0]),
            }
            for path, r in zip(paths, recordings, strict=True)
        ]
        return cls(joined, hold_out(joined, seed), parents, notes)

    def part(self, name: str) -> tuple[Array, Array]:
        """Drives `(S, T)` and responses `(S, R, T, C)` of `training`, `validation` or `test`."""
        r = self.recording
        response = np.where(r.complete[:, :, None, None], r.response, np.nan)
        return r.drive[getattr(self.parts, name)], self.parts.responses(name, response)


def fit(
    recordings: Sequence[Path],
    out: Path,
    *,
    objective: str = "energy",
    deterministic: bool = False,
    iterations: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    resume: bool = False,
    **settings: Any,
) -> Generator[Event, None, Path]:
    """Fit a twin and score it on sequences that the fit has not seen; returns its `twin.json`.

    Closing the generator keeps a checkpoint in `out`; `resume=True` goes on from it.

    Parameters
    ----------
    recordings
        Of one device under one setting; may be empty with `resume` (the checkpoint knows).
    out
        A new folder, or with `resume` that of the fit that ended early.
    objective, deterministic, iterations, minutes, seed, **settings
        As `training.fit.FitSettings`; a deterministic twin takes the objective `mean`. With
        `resume` those of the checkpoint hold.

    Raises
    ------
    InputError
        Recordings that can't be read, joined or fitted; `out` in use; no checkpoint to resume.
    RefusedError
        Another program fits there.
    TwinrigError
        The fit diverged, or the disk refuses.
    """
    torch.set_num_threads(1)
    if resume:
        arrays, numbers = load_checkpoint(Path(out))
        chosen, paths = _of_checkpoint(numbers, Path(out))
    else:
        given = {"iterations": iterations, "minutes": minutes, **settings}
        chosen = FitSettings(
            "mean" if deterministic else objective,
            deterministic,
            seed=seed,
            **{k: v for k, v in given.items() if v is not None},
        )
        paths = [Path(p) for p in recordings]
    yield Stage("read recordings", 1, STAGES)
    source = FitInput.read(paths, seed=chosen.seed, deterministic=chosen.deterministic)
    yield from _introduction(source, objective, chosen)
    if resume:
        _refuse_changed(source.parents, numbers["parents"])
    else:
        new_directory(out)
    with RunLock(Path(out)):
        running = Fit(source.part("training"), source.part("validation"), chosen)
        if resume:
            running.restore(arrays, numbers)
        yield from _iterate(running, source, Path(out))
        yield Stage("score on held-out repeats", STAGES, STAGES)
        return (yield from _finish(running, source, Path(out)))


def _of_checkpoint(numbers: dict[str, Any], out: Path) -> tuple[FitSettings, list[Path]]:
    """Settings and recordings of the fit that a checkpoint belongs to."""
    try:
        paths = [Path(parent["path"]) for parent in numbers["parents"]]
        return FitSettings(**numbers["settings"]), paths
    except (KeyError, TypeError) as error:
        raise InputError(f"{out}: its checkpoint is not that of a fit ({error!r})") from error


def _introduction(source: FitInput, objective: str, chosen: FitSettings) -> Iterator[Note]:
    for text in source.notes:
        yield Note(text, "warning")
    yield Note(source.parts.note)
    yield Note(f"the twin's path runs by: {kernel.describe()}")
    if chosen.deterministic and objective not in ("energy", "mean"):
        yield Note(f"objective {objective!r} needs noise: fitting the mean instead", "warning")


def _iterate(running: Fit, source: FitInput, out: Path) -> Iterator[Event]:
    """Run the fit; whatever ends it, a checkpoint of the last iteration is left."""
    shown, saved = 0.0, time.monotonic()
    told = 0.0
    numbers = {"parents": source.parents}
    validation: float | None = None
    mean_only = running.in_first_phase
    yield Stage("fit the mean", 2, STAGES) if mean_only else _last_phase(running)
    try:
        for step in running.steps():
            now = time.monotonic()
            if mean_only and not running.in_first_phase:
                mean_only = False
                yield _last_phase(running)
            validation = step.validation if step.validation is not None else validation
            if now - told >= PROGRESS_EVERY_S or running.done:
                told = now
                yield FitProgress(
                    step.iteration,
                    running.settings.iterations,
                    step.loss,
                    validation,
                    running.elapsed_s,
                )
            if now - shown >= SAMPLES_EVERY_S or running.done:
                shown = now
                yield _samples(running.model, source, step.iteration)
            if now - saved >= CHECKPOINT_EVERY_S:
                saved = now
                save_checkpoint(out, running.arrays(), {**running.numbers(), **numbers})
    finally:
        save_checkpoint(out, running.arrays(), {**running.numbers(), **numbers})


def _last_phase(running: Fit) -> Stage:
    what = "fit the mean" if running.settings.deterministic else "fit mean and noise"
    return Stage(what, 3, STAGES)


def _samples(model: TwinModel, source: FitInput, iteration: int) -> FitSamples:
    drive, real = source.part("validation")
    sequence, length = int(source.parts.validation[0]), int(np.isfinite(drive[0]).sum())
    there = real[0][np.isfinite(real[0, :, :length]).all(axis=(1, 2))][:SHOWN_REPEATS, :length]
    twin = model.simulate(drive[:1, :length], SHOWN_REPEATS, seed=iteration)[0]
    return FitSamples(iteration, sequence, drive[0, :length], there, twin)


def _finish(running: Fit, source: FitInput, out: Path) -> Generator[Event, None, Path]:
    model = running.best_model()
    drive, real = source.part("test")
    scores = score_model(model, drive, real, running.settings.seed)
    for text in scores.notes:
        yield Note(text)
    path = save_twin(out, _twin(running, source, model, scores))
    remove_checkpoint(out)
    yield TwinScored(scores.errors, scored_details(model, drive, real, scores))
    values = {
        "path": str(path),
        "errors": scores.errors,
        "coverage": scores.coverage,
        "iterations": running.iteration,
        "seconds": round(running.elapsed_s, 1),
        "held_out": source.parts.note,
        "notes": list(scores.notes),
    }
    if len(source.parts.test) == 1 and np.array_equal(source.parts.training, source.parts.test):
        values["memory"] = _memory(source, running.settings.seed).errors
    yield Result(values)
    return path


def _memory(source: FitInput, seed: int) -> Scores:
    """What resampling the fitted repeats scores: the best that a memory of them can do."""
    parts, response = source.parts, source.recording.response[source.parts.training]
    fitted = response[:, np.concatenate([parts.training_repeats, parts.validation_repeats])]
    return score(resampled(fitted, COVERAGE_SAMPLES, seed), response[:, parts.test_repeats], seed)


def scored_details(model: TwinModel, drive: Array, real: Array, scores: Scores) -> dict[str, Any]:
    """What the pages draw beside the scores: one sequence's repeats and samples, PIT, ρ by lag."""
    length = int(np.isfinite(drive[0]).sum())
    there = real[0][np.isfinite(real[0, :, :length]).all(axis=(1, 2))][:SHOWN_REPEATS, :length]
    return {
        "real": there,
        "twin": model.simulate(drive[:1, :length], SHOWN_REPEATS, seed=1)[0],
        "drive": drive[0, :length],
        **scores.details,
    }


def _twin(running: Fit, source: FitInput, model: TwinModel, scores: Scores) -> Twin:
    r, s = source.recording, running.settings
    drive = r.drive[source.parts.training]
    return Twin(
        model.weights(),
        r.channels,
        r.units,
        s.latent,
        s.hidden,
        s.deterministic,
        r.window,
        r.reset,
        r.settings,
        r.identities,
        float(np.nanmin(drive)),
        float(np.nanmax(drive)),
        scores.errors,
        scores.coverage,
        {
            "id": new_id("twin"),
            "created": now_iso(),
            "code_version": code_version(),
            "seed": s.seed,
            "objective": s.objective,
            "iterations": running.iteration,
            "seconds": round(running.elapsed_s, 1),
            "held_out": source.parts.to_json(),
            "parents": source.parents,
            "notes": list(scores.notes),
        },
    )


def _refuse_changed(now: list[dict[str, Any]], before: list[dict[str, Any]]) -> None:
    for one, other in zip(now, before, strict=True):
        if one["sha256"] != other["sha256"]:
            raise InputError(
                f"{one['path']}: has changed since the fit began; fit anew into another --out"
            )


def _file_of(path: Path) -> Path:
    return path / "recording.nc" if path.is_dir() else path
