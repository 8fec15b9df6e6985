"""Fit a twin to recordings: events on the way, a checkpoint to go on from, scores at the end."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from app.artefacts import moved_with
from app.fit_checkpoint import load_checkpoint, remove_checkpoint, save_checkpoint
from app.operations.events import Note, Result, Stage
from app.operations.finished_fit import chosen_values, finished_fit, memory_values
from app.operations.fit_input import FitInput, refuse_changed
from app.operations.fit_search import grid_of, refuse_search, search_of, searched
from app.operations.fit_words import (
    STAGES,
    as_usual,
    introduction,
    loss_unit,
    phase,
)
from app.operations.fitted_twin import fitted_twin, twin_so_far, unknown_drives
from app.operations.learning_events import FitProgress, FitSamples, TwinScored
from app.operations.origin import Origin
from app.operations.scored import (
    scored_details,
    scored_values,
    shown_beside,
    unscored_note,
    unscored_values,
)
from app.run_lock import RunLock
from app.so_far import EVERY_S, remove_so_far, save_so_far
from app.store import new_directory, save_twin
from models.errors import InputError, raise_problems
from models.paths import anything_at
from training.fit import FitSettings, begin_fit, refuse_unfit
from training.objectives import refuse_unknown
from training.structure import SHARE, Search
from training.validation import score_model

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from app.operations.events import Event
    from models.simulated import Sampled
    from training.fit import AnyFit, FitStep
    from training.floors import Scores
    from training.structure import Candidate

PROGRESS_EVERY_S = 0.5
SAMPLES_EVERY_S = 3.0
CHECKPOINT_EVERY_S = 10.0


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
    search: bool | Sequence[Candidate] = False,
    **settings: Any,
) -> Generator[Event, None, Path]:
    """Fit a twin and score it on sequences that the fit has not seen; returns its `twin.json`.

    Closing the generator keeps a checkpoint in `out`; `resume=True` goes on from it. Until the fit
    is done its best snapshot is a usable twin in `out/so-far` (`app.so_far`).

    Parameters
    ----------
    recordings
        Of one device under one setting; may be empty with `resume` (the checkpoint knows).
    out
        A new folder, or with `resume` that of the fit that ended early; finished, it tells its
        result once more.
    objective, deterministic, iterations, minutes, seed, **settings
        As `training.fit.FitSettings`; a deterministic twin takes the objective `mean`. With
        `resume` those of the checkpoint hold. Left out, objective and `members` of a new twin whose
        structure is not searched are the usual ones (`training.usual`), otherwise `energy` and one.
    origin
        A twin to go on from, whose structure and units stay: few repeats are enough where the
        device has changed a little. It stays as it is; the new twin keeps its line.
    search
        Choose the structure first, in a share of the budget (`training.structure`): among a small
        grid, or among these. With `resume` what the checkpoint says holds.

    Raises
    ------
    InputError
        Recordings that can't be read, joined or fitted; `out` in use; no checkpoint to resume.
    RefusedError
        Another program fits there.
    TwinrigError
        The fit diverged, or the disk refuses.
    """
    # long by its arguments and what they mean, and by the order of what may refuse it
    torch.set_num_threads(1)
    if resume and (done := finished_fit(Path(out))) is not None:
        yield Result(done)
        return Path(done["path"])
    if resume:
        arrays, numbers = load_checkpoint(Path(out))
        chosen, paths = _of_checkpoint(numbers, Path(out))
        begun = Origin.of_checkpoint(numbers, Path(out))
    else:
        begun = None if origin is None else Origin.read(origin)
        given = {"seed": seed, "iterations": iterations, "minutes": minutes, **settings}
        chosen = _chosen(begun, objective, deterministic, given)
        paths = [Path(p) for p in recordings]
        if search:
            refuse_search(chosen, goes_on=begun is not None)
    yield Stage("read recordings", 1, STAGES)
    older = resume and "held_out" not in numbers  # it was divided regardless of the twin before
    before = None if begun is None or older else (begun.twin, begun.path.parent)
    source = FitInput.read(
        paths, seed=chosen.seed, deterministic=chosen.deterministic, begun=before
    )
    if begun is not None:
        begun.refuse_another_device(source)
        yield from map(Note, begun.notes(source))
    if objective is not None:
        refuse_unknown(objective)
    refuse_unfit(chosen, source.part("training")[1])
    yield from introduction(source, objective, chosen)
    if not (begun or resume or search):
        free = objective is None and not deterministic
        chosen = yield from as_usual(chosen, source, free, not settings.get("members"))
    yield from (Note(words, "warning") for words in unknown_drives(source, begun))
    if resume:
        refuse_changed(source.parents, numbers["parents"])
        source.refuse_divided(numbers.get("held_out"))
        choice = search_of(numbers, Path(out))
        return (yield from fit_from(source, chosen, Path(out), (arrays, numbers), begun, choice))
    grid = grid_of(source) if search is True else tuple(search or ())
    choice = Search(grid) if grid else None
    new_directory(out)
    first = _Work(source, Path(out), begun, choice).numbers()
    save_checkpoint(Path(out), {}, {"settings": asdict(chosen), **first})  # a stop may come at once
    return (yield from fit_from(source, chosen, Path(out), None, begun, choice))


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
    search: Search | None = None,
) -> Generator[Event, None, Path]:
    """Fit and score on what was read, in the folder `out`; returns its `twin.json`.

    `resumed` are arrays and numbers of the checkpoint there, `begun` the twin to go on from,
    `search` what chooses the structure or has chosen it. Raises as `fit`.
    """
    with RunLock(out):
        standing = resumed if resumed is not None and "iteration" in resumed[1] else None
        if search is not None and standing is None:
            search = yield from searched(search, source, chosen, out)
            if search.best is not None:
                chosen = search.best.candidate.settings(chosen, 1 - SHARE)
        parts = source.part("training"), source.part("validation")
        scales = None if begun is None else begun.scales(source)
        start = None if begun is None else begun.weights(chosen.members)
        running, work = begin_fit(*parts, chosen, scales, start), _Work(source, out, begun, search)
        if standing is not None:
            running.restore(*standing)
        yield from _iterate(running, work)
        return (yield from _finish(running, work))


def _of_checkpoint(numbers: dict[str, Any], out: Path) -> tuple[FitSettings, list[Path]]:
    """Settings and recordings of the fit that a checkpoint belongs to."""
    try:
        paths = [moved_with(Path(parent["path"]), out) for parent in numbers["parents"]]
        settings = FitSettings(**numbers["settings"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{out}: its checkpoint is not that of a fit ({error!r})") from error
    gone = [f"{path}: is gone; put it back, there or beside {out}" for path in paths
            if not anything_at(path)]  # fmt: skip
    raise_problems(InputError, "what the fit began with", gone)
    return settings, paths


@dataclass(frozen=True)
class _Work:
    """What a fit works on: its data, its folder, the twin it goes on from, how it was chosen."""

    source: FitInput
    out: Path
    begun: Origin | None
    search: Search | None

    def numbers(self) -> dict[str, Any]:
        """What a checkpoint keeps beside the loop's own numbers."""
        source = self.source
        numbers: dict[str, Any] = {"parents": source.parents, "held_out": source.parts.to_json()}
        if self.begun is not None:
            numbers["from"] = self.begun.meta()["from"]
        if self.search is not None:
            numbers["search"] = self.search.to_json()
        return numbers


def _iterate(running: AnyFit, work: _Work) -> Iterator[Event]:
    """Run the fit; whatever ends it, a checkpoint of the last iteration is left."""
    source, out = work.source, work.out
    shown, saved = 0.0, time.monotonic()
    told, usable = 0.0, -EVERY_S
    validation: float | None = None
    mean_only, said = running.in_first_phase, len(running.remarks)
    unit = loss_unit(source, running.settings)
    yield phase(running)
    before: FitStep | None = None  # not told
    try:
        for step in running.steps():
            now = time.monotonic()
            if mean_only != running.in_first_phase:
                mean_only = running.in_first_phase
                if before is not None:  # where the phase ended
                    yield _progress(running, before, validation, unit)
                if not mean_only:
                    yield from map(Note, running.remarks[said:])
                    said = len(running.remarks)
                yield phase(running)
            validation = step.validation if step.validation is not None else validation
            before = step
            if now - told >= PROGRESS_EVERY_S or running.done:
                told, before = now, None
                yield _progress(running, step, validation, unit)
            if now - shown >= SAMPLES_EVERY_S or running.done:
                shown = now
                yield _samples(running.module(), source, step.iteration)
            if now - saved >= CHECKPOINT_EVERY_S:
                saved = now
                save_checkpoint(out, running.arrays(), {**running.numbers(), **work.numbers()})
            if now - usable >= EVERY_S and validation is not None and not running.done:
                usable = now
                save_so_far(out, twin_so_far(running, source, work.begun, work.search))
    finally:
        save_checkpoint(out, running.arrays(), {**running.numbers(), **work.numbers()})
        if validation is not None and not running.done:
            save_so_far(out, twin_so_far(running, source, work.begun, work.search))


def _progress(running: AnyFit, step: FitStep, validation: float | None, unit: str) -> FitProgress:
    total, spent_s = running.expected_iterations, running.elapsed_s
    return FitProgress(step.iteration, total, step.loss, validation, spent_s, unit)


def _samples(model: Sampled, source: FitInput, iteration: int) -> FitSamples:
    drive, real = source.part("validation")
    shown, there, twin = shown_beside(model, drive[:1], real[:1], seed=iteration)
    return FitSamples(iteration, int(source.parts.validation[0]), shown, there, twin)


def _finish(running: AnyFit, work: _Work) -> Generator[Event, None, Path]:
    model, source, out = running.best_model(), work.source, work.out
    unscored = source.unscorable()
    yield Stage("keep the twin" if unscored else "score on held-out repeats", STAGES, STAGES)
    scores = None if unscored else _scores(model, running.settings.seed, source)
    notes = [unscored_note(unscored)] if scores is None else list(scores.notes)
    notes += [*unknown_drives(source, work.begun), *running.remarks]
    for text in scores.notes if scores else ():
        yield Note(text)
    twin = fitted_twin(running, source, model, (scores, notes), work.begun, work.search, out)
    path = save_twin(out, twin)
    remove_checkpoint(out)
    remove_so_far(out)
    if scores is not None:
        yield TwinScored(scores.errors, scored_details(model, *source.part("test"), scores))
    noiseless = running.settings.deterministic
    values = {
        "path": str(path),
        **(scored_values(scores, deterministic=noiseless) if scores else unscored_values()),
        **({} if twin.members == 1 else {"members": twin.members}),
        "iterations": running.iteration,
        "seconds": round(running.elapsed_s, 1),
        **({} if unscored else {"held_out": source.parts.note}),
        "notes": notes,
    }
    if work.begun is not None:
        values["from"] = work.begun.meta()["from"]
    yield Result(values | chosen_values(twin, work.search) | memory_values(twin))
    return path


def _scores(model: Sampled, seed: int, source: FitInput) -> Scores:
    """The twin's scores on what was held out."""
    families = [source.recording.families[int(s)] for s in source.parts.test]
    channels = source.recording.channel_words
    return score_model(model, *source.part("test"), seed, families=families, channels=channels)
