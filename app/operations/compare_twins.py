"""Fit one twin for each objective on the same data for the same time, and say which is best."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from app.artefacts import code_version, new_directory, now_iso, plain, write_bytes
from app.checked_json import with_checksum
from app.operations.events import (
    FitProgress,
    FitSamples,
    Note,
    Progress,
    Result,
    Stage,
    TwinCompared,
)
from app.operations.fit import fit_from
from app.operations.fit_input import FitInput
from models.errors import InputError, StoppedError, TwinrigError, raise_problems
from training.comparison import Fitted, against, best_of, summarise, verdict
from training.fit import begin_fit
from training.fit_settings import FitSettings
from training.objectives import NAMES, PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from app.operations.events import Event

FILE_NAME = "comparison.json"
SCHEMA = 1
COMPARED_BY_DEFAULT = ("energy", "innovations-energy", PUBLISHED)
NO_LIMIT = 10**9  # iterations: the minutes end every fit


@dataclass(frozen=True)
class Plan:
    """What is compared: objectives, each fitted from `seeds` first weights for `minutes`.

    `rates`: of the published method's second phase, of which the best on validation data is taken.
    """

    objectives: tuple[str, ...]
    minutes: float
    seeds: int
    seed: int
    rates: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        problems = [
            f"objective {name!r} is unknown; known: {', '.join(NAMES)}"
            for name in self.objectives
            if name not in NAMES
        ]
        if len(set(self.objectives)) < max(len(self.objectives), 2):
            problems.append("name two different objectives or more, each once")
        if self.rates and PUBLISHED not in self.objectives:
            problems.append("--published-rates: the published method is not among the objectives")
        problems += [f"rate {rate}: must be above zero" for rate in self.rates if not rate > 0]
        if self.seeds < 1:
            problems.append(f"{self.seeds} seeds: at least 1")
        raise_problems(InputError, "compare-twins", problems)

    @property
    def total(self) -> int:
        """Number of fits."""
        return len(self.objectives) * self.seeds

    def settings(self, objective: str, seed: int, noise_rate: float | None = None) -> FitSettings:
        """How one of them is fitted."""
        return FitSettings(
            objective,
            objective == "mean",
            iterations=NO_LIMIT,
            minutes=self.minutes,
            seed=seed,
            noise_rate=noise_rate if objective == PUBLISHED else None,
        )


def compare_twins(
    recordings: Sequence[Path],
    out: Path,
    *,
    objectives: Sequence[str] = COMPARED_BY_DEFAULT,
    minutes: float = 4.0,
    seeds: int = 3,
    seed: int = 0,
    published_rates: Sequence[float] = (),
) -> Generator[Event, None, Path]:
    """Compare objectives; the last event is the Result, the value `comparison.json`'s path.

    All fits share their training, validation and test parts, chosen by `seed`, and run one after
    another, so that each has the processor for itself. A fit that fails is a row that says why.

    Parameters
    ----------
    recordings
        Of one device under one setting.
    out
        A new folder: a twin for each fit, `comparison.json`, and `report.html` with its figure.
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
    torch.set_num_threads(1)
    plan = Plan(tuple(objectives), minutes, seeds, seed, tuple(published_rates))
    out = Path(out)
    yield Stage("read recordings", 1, plan.total + 2)
    source = FitInput.read([Path(p) for p in recordings], seed=seed, deterministic=False)
    for text in source.notes:
        yield Note(text, "warning")
    yield Note(source.parts.note)
    if words := source.unscorable():
        raise InputError(f"compare-twins: {words}: record more repeats")
    new_directory(out)
    tried = yield from _rates(plan, source)
    fitted = yield from _fits(plan, source, out, best_rate(tried))
    yield Stage("compare", plan.total + 2, plan.total + 2)
    values = _written(plan, source, fitted, tried, out)
    yield Result(values)
    return out / FILE_NAME


def _rates(plan: Plan, source: FitInput) -> Generator[Event, None, dict[float, float | None]]:
    """Energy score on the validation part by rate of the published method; None: it diverged."""
    tried: dict[float, float | None] = {}
    for rate in plan.rates:
        yield Stage(f"published, learning rate of the noise {rate:g}", 1, plan.total + 2)
        settings = plan.settings(PUBLISHED, plan.seed, rate)
        loop = begin_fit(source.part("training"), source.part("validation"), settings)
        try:
            for step in loop.steps():
                yield FitProgress(
                    step.iteration, loop.expected_iterations, step.loss, step.validation,
                    loop.elapsed_s,
                )  # fmt: skip
        except (InputError, StoppedError):
            raise
        except TwinrigError as error:
            yield Note(f"published at rate {rate:g}: {error}", "warning")
            tried[rate] = None
            continue
        tried[rate] = loop.best_validation
        yield Note(f"published at rate {rate:g}: energy score {tried[rate]:.4f} on validation data")
    return tried


def best_rate(tried: Mapping[float, float | None]) -> float | None:
    """The rate with the smallest score; None where nothing was tried, or nothing converged."""
    scored = {rate: score for rate, score in tried.items() if score is not None}
    return min(scored, key=lambda rate: scored[rate]) if scored else None


def _fits(
    plan: Plan, source: FitInput, out: Path, noise_rate: float | None
) -> Generator[Event, None, list[Fitted]]:
    """Every fit; seed by seed, so that a comparison cut short has all objectives."""
    fitted: list[Fitted] = []
    begin_s = time.monotonic()
    for seed in range(plan.seed, plan.seed + plan.seeds):
        for objective in plan.objectives:
            yield Stage(f"{objective}, seed {seed}", len(fitted) + 2, plan.total + 2)
            settings = plan.settings(objective, seed, noise_rate)
            one = yield from _one(settings, source, out / f"{objective}-{seed}")
            fitted.append(one)
            yield TwinCompared(objective, seed, dict(one.errors), dict(one.coverage), one.problem)
            elapsed_s = time.monotonic() - begin_s
            left_s = elapsed_s / len(fitted) * (plan.total - len(fitted))
            yield Progress("compare", len(fitted), plan.total, "fits", elapsed_s, left_s)
    return fitted


def _one(settings: FitSettings, source: FitInput, folder: Path) -> Generator[Event, None, Fitted]:
    """One fit; of its events the progress and the samples, the rest kept back."""
    row = Fitted(settings.objective, settings.seed, {}, {})
    new_directory(folder)
    try:
        for event in fit_from(source, settings, folder):
            if isinstance(event, (FitProgress, FitSamples)):
                yield event
            if isinstance(event, Result):
                row = replace(
                    row,
                    errors=event.values["errors"],
                    coverage=event.values["coverage"],
                    iterations=event.values["iterations"],
                    seconds=event.values["seconds"],
                    path=event.values["path"],
                )
    except (InputError, StoppedError):
        raise
    except TwinrigError as error:
        yield Note(f"{settings.objective}, seed {settings.seed}: {error}", "warning")
        row = replace(row, problem=str(error))
    return row


def _written(
    plan: Plan,
    source: FitInput,
    fitted: Sequence[Fitted],
    tried: Mapping[float, float | None],
    out: Path,
) -> dict[str, Any]:
    """Write the file and the page; the result's values."""
    from app.report_compare import comparison_page  # matplotlib: only once there is something

    summary = summarise(fitted)
    best, command = best_of(summary), _command(plan, source, out)
    sentences = [
        f"{plan.total} twins fitted for {plan.minutes:g} minutes each on one core, one after "
        f"another; {source.parts.note}."
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
    body = {
        "kind": "comparison", "schema": SCHEMA, "created": now_iso(),
        "code_version": code_version(), "parents": source.parents, "command": command,
        "minutes": plan.minutes, "seed": plan.seed, "held_out": source.parts.to_json(),
        "published_rates": {f"{rate:g}": score for rate, score in tried.items()},
        "summary": summary, "twins": [one.to_json() for one in fitted],
    }  # fmt: skip
    whole = with_checksum(plain(body))
    write_bytes(out / FILE_NAME, json.dumps(whole, indent=1, allow_nan=False).encode())
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


def _command(plan: Plan, source: FitInput, out: Path) -> str:
    words = [
        "twinrig", "compare-twins", *(parent["path"] for parent in source.parents),
        "--objectives", ",".join(plan.objectives), "--minutes", f"{plan.minutes:g}",
        "--seeds", str(plan.seeds), "--seed", str(plan.seed),
        *(["--published-rates", ",".join(f"{r:g}" for r in plan.rates)] if plan.rates else []),
        "--out", f"{out}-again",
    ]  # fmt: skip
    return shlex.join(words)
