"""The comparison table: scores foreseen and measured of each kind of network."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from app.artefacts import plain
from app.operations.compare_networks_plan import (
    DETERMINISTIC,
    NOISE_AWARE,
    NOISY_READOUT,
    UNTRAINED,
    Cell,
    Place,
    Plan,
)
from app.operations.compare_networks_words import sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.operations.trial import TrialResult

LABELS = {
    NOISE_AWARE: "noise-aware",
    DETERMINISTIC: "deterministic twin, at its best ridge",
    NOISY_READOUT: "deterministic twin, read-out from the stochastic twin",
    UNTRAINED: "untrained reservoir of the same device",
}
ESN = "echo-state network of equal size"
LINEAR = "linear model"
NO_DEVICE = "no device, the read-out alone"
LINEAR_NAMES = ("ar-", "linear", "ridge", "logistic", "log-amplitude", "log amplitude")
INPUT_ALONE = "ar-1"  # what a read-out a step without the device's columns is


@dataclass(frozen=True)
class Score:
    """One network's scores; lower is better.

    Attributes
    ----------
    cell
        Which network.
    predicted
        `value`, `low`, `high` by the twin that it was trained through.
    judged
        The same by the stochastic twin, where that is another one.
    measured
        On the bench; None: not deployed.
    runs
        Of the device in its deployment.
    """

    cell: Cell
    predicted: Mapping[str, float]
    judged: Mapping[str, float] | None
    measured: float | None
    runs: int | None

    @property
    def foreseen(self) -> Mapping[str, float]:
        """What the stochastic twin foresees."""
        return self.judged or self.predicted

    @property
    def inside(self) -> bool | None:
        """Whether the measured score is in the stochastic twin's 90 % interval."""
        if self.measured is None or "low" not in self.foreseen:
            return None
        return self.foreseen["low"] <= self.measured <= self.foreseen["high"]

    @property
    def is_better(self) -> bool:
        """Whether the measured score is better than all of that interval."""
        return self.inside is False and (self.measured or 0.0) < self.foreseen["low"]


@dataclass(frozen=True)
class Row:
    """One kind of network, or one baseline (`scores` empty, `software` its values)."""

    label: str
    kind: str
    scores: tuple[Score, ...] = ()
    software: Mapping[Place, float] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    @property
    def predicted(self) -> list[float]:
        """Foreseen scores, in simulation; of software its scores on the unseen part."""
        return list(self.by_place(deployed=False).values())

    @property
    def judged(self) -> list[float]:
        """Scores by the stochastic twin."""
        return [score.judged["value"] for score in self.scores if score.judged is not None]

    @property
    def measured(self) -> list[float]:
        """Scores on the bench."""
        return list(self.by_place(deployed=True).values()) if self.scores else []

    def by_place(self, *, deployed: bool) -> Mapping[Place, float]:
        """Its scores, of networks that were measured or foreseen, by fold and seed."""
        if not self.scores:
            return self.software
        each = {s.cell.place: s.measured if deployed else s.predicted["value"] for s in self.scores}
        return {place: value for place, value in each.items() if value is not None}

    @property
    def pairs(self) -> list[tuple[float, float]]:
        """Foreseen and measured of those that were deployed."""
        return [(s.predicted["value"], s.measured) for s in self.scores if s.measured is not None]

    @property
    def ratio(self) -> float | None:
        """Mean measured over mean foreseen; None where nothing was measured or foreseen is 0."""
        foreseen = sum(one for one, _ in self.pairs)
        return sum(one for _, one in self.pairs) / foreseen if foreseen > 0 else None

    @property
    def points(self) -> float | None:
        """Mean measured minus mean foreseen, in hundredths."""
        return 100 * fmean(m - p for p, m in self.pairs) if self.pairs else None

    @property
    def runs(self) -> float | None:
        """Mean runs of a deployment."""
        known = [score.runs for score in self.scores if score.runs is not None]
        return fmean(known) if known else None

    @property
    def within(self) -> tuple[int, int]:
        """How many measured scores are inside their interval, of how many."""
        known = [score.inside for score in self.scores if score.inside is not None]
        return sum(known), len(known)

    @property
    def better(self) -> int:
        """How many measured scores are better than all of their interval."""
        return sum(score.is_better for score in self.scores)


@dataclass(frozen=True)
class Table:
    """All rows of one task, noise-aware first.

    Attributes
    ----------
    metric
        The task's; lower is better.
    recorded
        Runs of the device behind the twin; None: a recording is not there any more.
    """

    plan: Plan
    metric: str
    rows: tuple[Row, ...]
    recorded: int | None

    @property
    def by_error(self) -> bool:
        """Whether scores are shares of wrong answers, whose differences count in points."""
        return self.metric != "nmse"

    def row(self, kind: str) -> Row | None:
        """The row of a kind of network."""
        return next((row for row in self.rows if row.kind == kind), None)

    def to_json(self) -> dict[str, Any]:
        """For programs: rows with every single score, and the sentences."""
        return {
            "metric": self.metric,
            "recordings": self.recorded,
            "rows": [_row_json(row) for row in self.rows],
            "words": sentences(self),
        }


def table_of(plan: Plan, results: Mapping[str, TrialResult], recorded: int | None) -> Table:
    """The table of the results that are there."""
    rows, metric = [], ""
    baselines: dict[Place, Mapping[str, float]] = {}
    for kind in plan.kinds:
        scores, failed = [], []
        for cell in (cell for cell in plan.cells if cell.kind == kind):
            trained, deployed = results.get(cell.name), results.get(cell.deployed)
            failed += [f"{r.name}: {r.reason}" for r in (trained, deployed) if r and r.reason]
            if trained is None or "predicted" not in trained.values:
                continue
            metric = trained.values["metric"]
            if kind == NOISE_AWARE:
                baselines[cell.place] = trained.values["baselines"]
            run = deployed.values if deployed is not None else {}
            scores.append(
                Score(
                    cell, trained.values["predicted"], trained.values.get("judged"),
                    run.get("measured"), run.get("hardware_runs"),
                )
            )  # fmt: skip
        rows.append(Row(LABELS[kind], kind, tuple(scores), failed=tuple(failed)))
    return Table(plan, metric, (*rows, *_software_rows(baselines)), recorded)


def _software_rows(baselines: Mapping[Place, Mapping[str, float]]) -> list[Row]:
    """Rows of plain software: of several linear models the best on the unseen part, for it."""
    each = list(baselines.values())
    known = [name for name in (each[0] if each else {}) if all(name in b for b in each)]
    bare = [name for name in known if "no device" in name or "without the device" in name]
    found = {
        ESN: [name for name in known if "as the device" in name],
        LINEAR: [name for name in known if name.startswith(LINEAR_NAMES) and name not in bare],
        NO_DEVICE: bare or [name for name in known if name == INPUT_ALONE],
    }
    rows = []
    for label, names in found.items():
        if names:
            best = min(names, key=lambda name: fmean(b[name] for b in each))
            rows.append(
                Row(f"{label} ({best})", best, (), {p: b[best] for p, b in baselines.items()})
            )
    return rows


def _row_json(row: Row) -> dict[str, Any]:
    def summary(values: Sequence[float]) -> dict[str, Any] | None:
        spread = stdev(values) if len(values) > 1 else None
        return {"mean": fmean(values), "spread": spread, "each": list(values)} if values else None

    body: dict[str, Any] = plain({
        "label": row.label, "kind": row.kind, "predicted": summary(row.predicted),
        "judged": summary(row.judged), "measured": summary(row.measured), "ratio": row.ratio,
        "points": row.points, "inside": row.within, "runs": row.runs, "failed": row.failed,
        "intervals": [[s.predicted.get("low"), s.predicted.get("high")] for s in row.scores],
        "cells": [s.cell.name for s in row.scores],
    })  # fmt: skip
    return body
