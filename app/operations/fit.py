"""Fit a twin to recordings: events on the way, a checkpoint to go on from, scores at the end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from app.fit_checkpoint import load_checkpoint, remove_checkpoint, save_checkpoint
from app.operations.events import FitProgress, FitSamples, Note, Result, Stage, TwinScored
from app.operations.fit_input import FitInput, refuse_changed
from app.operations.origin import Origin
from app.operations.scored import SHOWN_REPEATS, scored_details, scored_values
from app.run_lock import RunLock
from app.store import (
    code_version,
    new_directory,
    new_id,
    now_iso,
    save_twin,
)
from models import kernel
from models.errors import InputError
from models.twin import Twin
from training.fit import FitSettings, begin_fit
from training.floors import resampled, score
from training.metrics import COVERAGE_SAMPLES
from training.objectives import PUBLISHED
from training.validation import score_model, summary

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from app.operations.events import Event
    from models.simulated import Sampled
    from training.fit_loop import FitLoop
    from training.floors import Scores

    Array = NDArray[np.float64]

PROGRESS_EVERY_S = 0.5
SAMPLES_EVERY_S = 3.0
CHECKPOINT_EVERY_S = 10.0
STAGES = 4
PUBLISHED_TAKES = (
    "an iteration of the published method takes up to half a second on one core, {iterations} of "
    "them hours: give it a budget with --minutes"
)


def fit(
    recordings: Sequence[Path],
    out: Path,
    *,
    objective: str | None = None,
    deterministic: bool = False,
    iterations: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    resume: bool = False,
    origin: Path | None = None,
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
        `resume` those of the checkpoint hold. Left out, the objective is `energy`.
    origin
        A twin to go on from, whose structure and units stay: few repeats are enough where the
        device has changed a little. It stays as it is; the new twin keeps its line.

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
        begun = Origin.of_checkpoint(numbers)
    else:
        begun = None if origin is None else Origin.read(origin)
        given = {"seed": seed, "iterations": iterations, "minutes": minutes, **settings}
        chosen = _chosen(begun, objective, deterministic, given)
        paths = [Path(p) for p in recordings]
    yield Stage("read recordings", 1, STAGES)
    source = FitInput.read(paths, seed=chosen.seed, deterministic=chosen.deterministic)
    if begun is not None:
        begun.refuse_another_device(source)
        yield Note(begun.note())
    yield from _introduction(source, objective or "energy", chosen)
    if resume:
        refuse_changed(source.parents, numbers["parents"])
    else:
        new_directory(out)
    resumed = (arrays, numbers) if resume else None
    return (yield from fit_from(source, chosen, Path(out), resumed, begun))


def _chosen(
    begun: Origin | None, objective: str | None, deterministic: bool, given: dict[str, Any]
) -> FitSettings:
    """The settings of a fit that begins; a twin to go on from has its own objective."""
    known = {k: v for k, v in given.items() if v is not None}
    if begun is not None and not deterministic:
        return begun.settings({"objective": objective, **known})
    known |= {"objective": "mean" if deterministic else objective or "energy"}
    known |= {"deterministic": deterministic}
    return FitSettings(**known) if begun is None else begun.settings(known)


def fit_from(
    source: FitInput,
    chosen: FitSettings,
    out: Path,
    resumed: tuple[dict[str, Any], dict[str, Any]] | None = None,
    begun: Origin | None = None,
) -> Generator[Event, None, Path]:
    """Fit and score on what was read, in the folder `out`; returns its `twin.json`.

    `resumed` are arrays and numbers of the checkpoint there, `begun` the twin to go on from.
    Raises as `fit`.
    """
    with RunLock(out):
        parts = source.part("training"), source.part("validation")
        scales = None if begun is None else begun.scales(source)
        start = None if begun is None else begun.twin.weights
        running = begin_fit(*parts, chosen, scales, start)
        if resumed is not None:
            running.restore(*resumed)
        yield from _iterate(running, source, out, begun)
        yield Stage("score on held-out repeats", STAGES, STAGES)
        return (yield from _finish(running, source, out, begun))


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
    if chosen.objective == PUBLISHED:
        yield Note("the published method's path runs by: torchsde (Heun, PyTorch)")
        if chosen.minutes is None:
            yield Note(PUBLISHED_TAKES.format(iterations=chosen.iterations), "warning")
    else:
        yield Note(f"the twin's path runs by: {kernel.describe()}")
    if chosen.deterministic and objective not in ("energy", "mean"):
        yield Note(f"objective {objective!r} needs noise: fitting the mean instead", "warning")


def _iterate(
    running: FitLoop, source: FitInput, out: Path, begun: Origin | None
) -> Iterator[Event]:
    """Run the fit; whatever ends it, a checkpoint of the last iteration is left."""
    shown, saved = 0.0, time.monotonic()
    told = 0.0
    numbers: dict[str, Any] = {"parents": source.parents}
    if begun is not None:
        numbers["from"] = begun.meta()["from"]
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
                    running.expected_iterations,
                    step.loss,
                    validation,
                    running.elapsed_s,
                )
            if now - shown >= SAMPLES_EVERY_S or running.done:
                shown = now
                yield _samples(running.module(), source, step.iteration)
            if now - saved >= CHECKPOINT_EVERY_S:
                saved = now
                save_checkpoint(out, running.arrays(), {**running.numbers(), **numbers})
    finally:
        save_checkpoint(out, running.arrays(), {**running.numbers(), **numbers})


def _last_phase(running: FitLoop) -> Stage:
    what = "fit the mean" if running.settings.deterministic else "fit mean and noise"
    return Stage(what, 3, STAGES)


def _samples(model: Sampled, source: FitInput, iteration: int) -> FitSamples:
    drive, real = source.part("validation")
    sequence, length = int(source.parts.validation[0]), int(np.isfinite(drive[0]).sum())
    there = real[0][np.isfinite(real[0, :, :length]).all(axis=(1, 2))][:SHOWN_REPEATS, :length]
    twin = model.simulate(drive[:1, :length], SHOWN_REPEATS, seed=iteration)[0]
    return FitSamples(iteration, sequence, drive[0, :length], there, twin)


def _finish(
    running: FitLoop, source: FitInput, out: Path, begun: Origin | None
) -> Generator[Event, None, Path]:
    model = running.best_model()
    drive, real = source.part("test")
    noiseless = running.settings.deterministic
    families = [source.recording.families[int(s)] for s in source.parts.test]
    channels = source.recording.channels
    scores = score_model(
        model, drive, real, running.settings.seed, families=families, channels=channels
    )
    for text in scores.notes:
        yield Note(text)
    path = save_twin(out, _twin(running, source, model, scores, begun))
    remove_checkpoint(out)
    yield TwinScored(scores.errors, scored_details(model, drive, real, scores))
    values = {
        "path": str(path),
        **scored_values(scores, deterministic=noiseless),
        "iterations": running.iteration,
        "seconds": round(running.elapsed_s, 1),
        "held_out": source.parts.note,
        "notes": list(scores.notes),
    }
    if begun is not None:
        values["from"] = begun.meta()["from"]
    if len(source.parts.test) == 1 and np.array_equal(source.parts.training, source.parts.test):
        values["memory"] = _memory(source, running.settings.seed).errors
    yield Result(values)
    return path


def _memory(source: FitInput, seed: int) -> Scores:
    """What resampling the fitted repeats scores: the best that a memory of them can do."""
    parts, response = source.parts, source.recording.response[source.parts.training]
    fitted = response[:, np.concatenate([parts.training_repeats, parts.validation_repeats])]
    return score(resampled(fitted, COVERAGE_SAMPLES, seed), response[:, parts.test_repeats], seed)


def _twin(
    running: FitLoop, source: FitInput, model: Sampled, scores: Scores, begun: Origin | None
) -> Twin:
    r, s = source.recording, running.settings
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
        errors=scores.errors,
        coverage=scores.coverage,
        meta={
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
            "validation": summary(scores, deterministic=s.deterministic),
            **({} if begun is None else begun.meta()),
        },
        **running.structure(),
    )
