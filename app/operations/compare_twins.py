"""Fit one twin for each objective on the same data for the same time, and say which is best."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from app.artefacts import code_version, new_directory, now_iso, write_bytes
from app.operations.events import FitProgress, Note, Progress, Result, Stage
from app.operations.fit import fit_from
from app.operations.fit_input import FitInput
from models.errors import InputError, StoppedError, TwinrigError, raise_problems
from training.comparison import Fitted, against, best_of, summarise, verdict
from training.fit_settings import FitSettings
from training.objectives import NAMES, PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from app.operations.events import Event

FILE_NAME = "comparison.json"
SCHEMA = 1
COMPARED_BY_DEFAULT = ("energy", "innovations-energy", PUBLISHED)
NO_LIMIT = 10**9  # iterations: the minutes end every fit


@dataclass(frozen=True)
class Plan:
    """What is compared: objectives, each fitted from `seeds` first weights for `minutes`."""

    objectives: tuple[str, ...]
    minutes: float
    seeds: int
    seed: int

    def __post_init__(self) -> None:
        problems = [
            f"objective {name!r} is unknown; known: {', '.join(NAMES)}"
            for name in self.objectives
            if name not in NAMES
        ]
        if len(set(self.objectives)) < max(len(self.objectives), 2):
            problems.append("name two different objectives or more, each once")
        if self.seeds < 1:
            problems.append(f"{self.seeds} seeds: at least 1")
        raise_problems(InputError, "compare-twins", problems)

    @property
    def total(self) -> int:
        """Number of fits."""
        return len(self.objectives) * self.seeds

    def settings(self, objective: str, seed: int) -> FitSettings:
        """How one of them is fitted."""
        return FitSettings(
            objective,
            objective == "mean",
            iterations=NO_LIMIT,
            minutes=self.minutes,
            seed=seed,
        )


def compare_twins(
    recordings: Sequence[Path],
    out: Path,
    *,
    objectives: Sequence[str] = COMPARED_BY_DEFAULT,
    minutes: float = 4.0,
    seeds: int = 3,
    seed: int = 0,
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

    Raises
    ------
    InputError
        Recordings that can't be read, joined or fitted; objectives unknown; `out` in use.
    TwinrigError
        The disk refuses.
    """
    torch.set_num_threads(1)
    plan, out = Plan(tuple(objectives), minutes, seeds, seed), Path(out)
    yield Stage("read recordings", 1, plan.total + 2)
    source = FitInput.read([Path(p) for p in recordings], seed=seed, deterministic=False)
    for text in source.notes:
        yield Note(text, "warning")
    yield Note(source.parts.note)
    new_directory(out)
    fitted = yield from _fits(plan, source, out)
    yield Stage("compare", plan.total + 2, plan.total + 2)
    values = _written(plan, source, fitted, out)
    yield Result(values)
    return out / FILE_NAME


def _fits(plan: Plan, source: FitInput, out: Path) -> Generator[Event, None, list[Fitted]]:
    """Every fit; seed by seed, so that a comparison cut short has all objectives."""
    fitted: list[Fitted] = []
    begin_s = time.monotonic()
    for seed in range(plan.seed, plan.seed + plan.seeds):
        for objective in plan.objectives:
            yield Stage(f"{objective}, seed {seed}", len(fitted) + 2, plan.total + 2)
            settings = plan.settings(objective, seed)
            fitted.append((yield from _one(settings, source, out / f"{objective}-{seed}")))
            elapsed_s = time.monotonic() - begin_s
            left_s = elapsed_s / len(fitted) * (plan.total - len(fitted))
            yield Progress("compare", len(fitted), plan.total, "fits", elapsed_s, left_s)
    return fitted


def _one(settings: FitSettings, source: FitInput, folder: Path) -> Generator[Event, None, Fitted]:
    """One fit, its events but the progress kept back."""
    row = Fitted(settings.objective, settings.seed, {}, {})
    new_directory(folder)
    try:
        for event in fit_from(source, settings, folder):
            if isinstance(event, FitProgress):
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


def _written(plan: Plan, source: FitInput, fitted: Sequence[Fitted], out: Path) -> dict[str, Any]:
    """Write the file and the page; the result's values."""
    from app.report_compare import comparison_page  # matplotlib: only once there is something

    summary = summarise(fitted)
    best, command = best_of(summary), _command(plan, source, out)
    sentences = [
        f"{plan.total} twins fitted for {plan.minutes:g} minutes each on one core, one after "
        f"another; {source.parts.note}."
    ]
    others = [PUBLISHED] if PUBLISHED in summary and best not in (None, PUBLISHED) else []
    sentences += [against(summary, str(best), other) for other in others]
    body = {
        "kind": "comparison", "schema": SCHEMA, "created": now_iso(),
        "code_version": code_version(), "parents": source.parents, "command": command,
        "minutes": plan.minutes, "seed": plan.seed, "held_out": source.parts.to_json(),
        "summary": summary, "twins": [one.to_json() for one in fitted],
    }  # fmt: skip
    write_bytes(out / FILE_NAME, json.dumps(body, indent=1, allow_nan=False).encode())
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
    """Ratios to the floor by error, coverage, iterations and seeds of one objective."""
    return {
        **{name: row["ratio"] for name, row in values.items() if isinstance(row, dict)
           and "ratio" in row},
        "excess_of_mean": values["mean"]["excess"],
        "coverage": values["coverage"]["value"],
        "iterations": values["iterations"],
        "seeds": values["seeds"],
    }  # fmt: skip


def _command(plan: Plan, source: FitInput, out: Path) -> str:
    words = [
        "twinrig", "compare-twins", *(parent["path"] for parent in source.parents),
        "--objectives", ",".join(plan.objectives), "--minutes", f"{plan.minutes:g}",
        "--seeds", str(plan.seeds), "--seed", str(plan.seed), "--out", f"{out}-again",
    ]  # fmt: skip
    return shlex.join(words)
