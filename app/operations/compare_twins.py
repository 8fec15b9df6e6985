"""Fit one twin for each objective on the same data for the same time, and say which is best."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from app.artefacts import (
    code_version,
    moved_with,
    new_directory,
    now_iso,
    read_head,
    refuse_never_begun,
    write_bytes,
    writing,
)
from app.checked_json import with_checksum
from app.fit_checkpoint import FILE_NAME as CHECKPOINT
from app.fit_checkpoint import load_checkpoint
from app.library.kinds import head_of
from app.operations.compare_twins_plan import Plan
from app.operations.events import Note, Progress, Result, Stage
from app.operations.fit import fit_from
from app.operations.fit_input import FitInput, refuse_changed
from app.operations.fit_words import steps_told
from app.operations.learning_events import FitProgress, FitSamples, TwinCompared
from app.run_lock import RunLock
from app.store import load_twin
from app.weights_store import TWIN_FILE
from app.words import capitalised
from models.errors import InputError, StoppedError, TwinrigError
from models.paths import file_at
from training.comparison import Fitted, against, best_of, summarise, verdict
from training.fit import begin_member, refuse_unfit
from training.objectives import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from app.operations.events import Event
    from training.fit_settings import FitSettings

FILE_NAME, KIND, SCHEMA = head_of("cmp")
COMPARED_BY_DEFAULT = ("energy", "innovations-energy", PUBLISHED)


def compare_twins(
    recordings: Sequence[Path],
    out: Path,
    *,
    objectives: Sequence[str] = COMPARED_BY_DEFAULT,
    minutes: float = 4.0,
    seeds: int = 3,
    seed: int = 0,
    published_rates: Sequence[float] = (),
    resume: bool = False,
) -> Generator[Event, None, Path]:
    """Compare objectives; the last event is the Result, the value `comparison.json`'s path.

    All fits share their training, validation and test parts, chosen by `seed`, and run one after
    another, so that each has the processor for itself. A fit that fails is a row that says why.

    Parameters
    ----------
    recordings
        Of one device under one setting; may be empty with `resume`.
    out
        A new folder: a twin for each fit, `comparison.json`, and `report.html` with its figure; or
        with `resume` that of a comparison that ended early: twins that are there stay, a fit that
        had begun goes on from its checkpoint, one that failed is tried again.
    objectives
        Names of `training.objectives.NAMES`.
    minutes
        Wall-clock of each fit, its validation included.
    seeds, seed
        First weights, counted on from `seed`.
    published_rates
        Learning rates of the published method's second phase: it is first fitted at each of them
        for the same time, and compared at the one that does best on the validation part.

    Raises
    ------
    InputError
        Recordings that can't be read, joined or fitted; objectives unknown; `out` in use.
    TwinrigError
        The disk refuses.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    torch.set_num_threads(1)
    out = Path(out)
    if resume:
        refuse_never_begun(out, "comparison of twins", FILE_NAME)
    body = read_head(out / FILE_NAME, KIND, SCHEMA) if resume else {}
    if body:
        plan = Plan.told(body)
        paths = [moved_with(Path(p["path"]), out) for p in body["parents"]]
    else:
        plan = Plan(tuple(objectives), minutes, seeds, seed, tuple(published_rates))
        paths = [Path(p) for p in recordings]
    yield Stage("read recordings", 1, plan.total + 2)
    source = FitInput.read(paths, seed=plan.seed, deterministic=False)
    for text in source.notes:
        yield Note(text, "warning")
    yield Note(source.parts.note)
    if words := source.unscorable():
        raise InputError(f"compare-twins: {words}: record more repeats")
    _refuse_unfit(plan, source)
    yield from map(Note, source.scoring_notes())
    if body:
        refuse_changed(source.parents, body["parents"], "the comparison was begun; begin anew")
        source.refuse_divided(body["held_out"])
    else:
        new_directory(out)
    tried = {float(rate): score for rate, score in body.get("published_rates", {}).items()}
    fitted = _there(plan, out)
    with RunLock(out):
        _save(plan, source, fitted, tried, out)
        yield from _rates(plan, source, tried, out)
        yield from _fits(plan, source, fitted, tried, out)
        yield Stage("compare", plan.total + 2, plan.total + 2)
        yield Result(_written(plan, source, fitted, tried, out))
    return out / FILE_NAME


def _refuse_unfit(plan: Plan, source: FitInput) -> None:
    """Raise InputError for an objective that can't be fitted to this, before others are."""
    for objective in plan.objectives:
        try:
            refuse_unfit(plan.settings(objective, plan.seed), source.part("training")[1])
        except InputError as fault:
            others = ",".join(name for name in plan.objectives if name != objective)
            raise InputError(f"{fault}; without it: --objectives {others}") from fault


def _there(plan: Plan, out: Path) -> list[Fitted]:
    """The fits of a comparison that are done, each as its own twin tells it."""
    found = []
    for objective, seed in plan.fits:
        path = out / f"{objective}-{seed}" / TWIN_FILE
        if file_at(path):
            twin = load_twin(path)
            done = twin.meta["iterations"], twin.meta["seconds"]
            found.append(Fitted(objective, seed, twin.errors, twin.coverage, *done, str(path)))
    return found


def _rates(
    plan: Plan, source: FitInput, tried: dict[float, float | None], out: Path
) -> Iterator[Event]:
    """Energy score on the validation part by rate of the published method; None: it diverged."""
    for rate in (rate for rate in plan.rates if rate not in tried):
        yield Stage(f"published, learning rate of the noise {rate:g}", 1, plan.total + 2)
        settings = plan.settings(PUBLISHED, plan.seed, rate)
        loop = begin_member(source.part("training"), source.part("validation"), settings)
        try:
            yield from steps_told(loop)
        except (InputError, StoppedError):
            raise
        except TwinrigError as error:
            yield Note(f"published at rate {rate:g}: {error}", "warning")
            tried[rate] = None
        else:
            score = tried[rate] = loop.best_validation
            yield Note(f"published at rate {rate:g}: energy score {score:.4f} on validation data")
        _save(plan, source, (), tried, out)


def best_rate(tried: Mapping[float, float | None]) -> float | None:
    """The rate with the smallest score; None where nothing was tried, or nothing converged."""
    scored = {rate: score for rate, score in tried.items() if score is not None}
    return min(scored, key=lambda rate: scored[rate]) if scored else None


def _fits(
    plan: Plan,
    source: FitInput,
    fitted: list[Fitted],
    tried: Mapping[float, float | None],
    out: Path,
) -> Iterator[Event]:
    """Every fit that is not there yet, each kept at once; of those that are, what they scored.

    Seed by seed, so that a comparison cut short has all objectives.
    """
    for one in fitted:
        yield _told(one)
    there = {(one.objective, one.seed) for one in fitted}
    todo = [fit for fit in plan.fits if fit not in there]
    begin_s = time.monotonic()
    for count, (objective, seed) in enumerate(todo, 1):
        yield Stage(f"{objective}, seed {seed}", len(fitted) + 2, plan.total + 2)
        settings = plan.settings(objective, seed, best_rate(tried))
        fitted.append((yield from _one(settings, source, out / f"{objective}-{seed}")))
        _save(plan, source, fitted, tried, out)
        yield _told(fitted[-1])
        elapsed_s = time.monotonic() - begin_s
        left_s = elapsed_s / count * (len(todo) - count)
        yield Progress("compare", len(fitted), plan.total, "fits", elapsed_s, left_s)


def _told(one: Fitted) -> TwinCompared:
    return TwinCompared(one.objective, one.seed, dict(one.errors), dict(one.coverage), one.problem)


def _one(settings: FitSettings, source: FitInput, folder: Path) -> Generator[Event, None, Fitted]:
    """One fit, from its checkpoint where it has one; of its events the progress and the samples."""
    row = Fitted(settings.objective, settings.seed, {}, {})
    with writing(folder):
        folder.mkdir(exist_ok=True)
    begun = load_checkpoint(folder) if file_at(folder / CHECKPOINT) else None
    try:
        for event in fit_from(source, settings, folder, begun):
            if isinstance(event, (FitProgress, FitSamples)):
                yield event
            if isinstance(event, Result):
                names = ("errors", "coverage", "iterations", "seconds", "path")
                row = replace(row, **{name: event.values[name] for name in names})
    except (InputError, StoppedError):
        raise
    except TwinrigError as error:
        yield Note(f"{settings.objective}, seed {settings.seed}: {error}", "warning")
        row = replace(row, problem=str(error))
    return row


def _save(
    plan: Plan,
    source: FitInput,
    fitted: Sequence[Fitted],
    tried: Mapping[float, float | None],
    out: Path,
) -> None:
    """Write `comparison.json`, with what is done so far."""
    body = {
        "kind": KIND, "schema": SCHEMA, "created": now_iso(),
        "code_version": code_version(), "parents": source.parents,
        "command": _command(plan, source, out), "plan": plan.to_json(),
        "minutes": plan.minutes, "seed": plan.seed, "held_out": source.parts.to_json(),
        "published_rates": {str(rate): score for rate, score in tried.items()},
        "summary": summarise(fitted), "twins": [one.to_json() for one in fitted],
    }  # fmt: skip
    whole = with_checksum(body)
    write_bytes(out / FILE_NAME, json.dumps(whole, indent=1, allow_nan=False).encode())


def _command(plan: Plan, source: FitInput, out: Path) -> str:
    return plan.command([parent["path"] for parent in source.parents], out)


def _written(
    plan: Plan,
    source: FitInput,
    fitted: Sequence[Fitted],
    tried: Mapping[float, float | None],
    out: Path,
) -> dict[str, Any]:
    """Write the page; the result's values."""
    from app.report.compare import comparison_page  # matplotlib: only once there is something

    summary = summarise(fitted)
    best, command = best_of(summary), _command(plan, source, out)
    scored = ". ".join([source.parts.note, *map(capitalised, source.scoring_notes())])
    sentences = [
        f"{plan.total} twins fitted for {plan.minutes:g} minutes each on one core, one after "
        f"another; {scored}."
    ]
    others = [PUBLISHED] if PUBLISHED in summary and best not in (None, PUBLISHED) else []
    if (rate := best_rate(tried)) is not None:
        shown = ", ".join(f"{r:g}: {v:.4f}" if v is not None else f"{r:g}: diverged"
                          for r, v in tried.items())  # fmt: skip
        sentences.append(
            f"The published method's noise was fitted at learning rate {rate:g}, the best on the "
            f"validation part (energy score {shown})."
        )
    sentences += [against(summary, str(best), other) for other in others]
    page = comparison_page(summary, fitted, sentences, command).write(out)
    return {
        "path": str(out / FILE_NAME),
        "report": str(page),
        "best": best,
        "verdict": [verdict(summary), *sentences[1:]],
        "minutes": plan.minutes,
        "objectives": {name: _short(values) for name, values in summary.items()},
    }


def _short(values: dict[str, Any]) -> dict[str, Any]:
    """Ratios to the floor by error, coverage, iterations, seeds and those that failed, of one."""
    return {
        **{name: row["ratio"] for name, row in values.items() if isinstance(row, dict)
           and "ratio" in row},
        "excess_of_mean": values["mean"]["excess"],
        "coverage": values["coverage"]["value"],
        "iterations": values["iterations"],
        "seeds": values["seeds"],
        "failed": values["failed"],
    }  # fmt: skip
