"""What the Twin page draws of comparisons and learning curves, from their events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from app.gui.fit_rows import COVERAGE_WORDS
from app.gui.widgets.columns import ColumnRow
from app.gui.words import count, score
from app.operations.events import Progress, Result, Stage
from app.operations.learning_events import CurvePoint, FitProgress, TwinCompared
from app.words import MISSING
from training.comparison import COMPARED, Fitted, best_of, summarise
from training.verdict import coverage_state

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.operations.events import Event

    FloatArray = NDArray[np.float64]

TITLES = {"mean": "Mean", "spread": "Spread", "autocovariance": "Autocovariance", "crps": "CRPS"}
HEADS = ("Mean", "Spread", "Autocov.", "CRPS", "Coverage")


@dataclass
class LiveFits:
    """What an operation that fits several twins tells of any of them, and its result."""

    running: str = ""
    share: float = 0.0
    overall: float = 0.0
    left_s: float | None = None
    result: dict[str, Any] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of it are left alone."""
        if isinstance(event, Stage):
            self.running, self.share = event.name, 0.0
        elif isinstance(event, FitProgress):
            self.share = event.iteration / max(1, event.total)
        elif isinstance(event, Progress):
            self.overall, self.left_s = event.done / max(1.0, event.total), event.remaining_s
        elif isinstance(event, Result):
            self.result, self.running = dict(event.values), ""

    @property
    def verdict(self) -> list[str]:
        """What the operation says; empty before its end."""
        return [str(words) for words in self.result.get("verdict", ())]


@dataclass
class LiveComparison(LiveFits):
    """Twins beside each other so far, objectives or named ones; medians over seeds."""

    fitted: list[Fitted] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of a comparison are left alone."""
        if isinstance(event, TwinCompared):
            self.running = ""
            self.fitted.append(
                Fitted(event.name, event.seed, event.errors, event.coverage, problem=event.problem)
            )
        else:
            super().take(event)

    @property
    def summary(self) -> dict[str, dict[str, Any]]:
        """As `training.comparison.summarise`."""
        return summarise(self.fitted)

    def ratios(self, error: str) -> tuple[list[str], FloatArray, FloatArray]:
        """Names, and every twin's error over its floor: places and ratios `(twins,)`."""
        names = list(dict.fromkeys(one.objective for one in self.fitted))
        known = [
            (names.index(one.objective), one.errors[error]["ratio"])
            for one in self.fitted
            if one.errors.get(error, {}).get("ratio") is not None
        ]
        places = np.array([place for place, _ in known], dtype=float)
        return names, places, np.array([ratio for _, ratio in known], dtype=float)

    def lines(self) -> list[ColumnRow]:
        """The table's rows: what was compared, then what runs."""
        summary = self.summary
        best = best_of(summary)
        rows = [_line(name, values, name == best) for name, values in summary.items()]
        if self.running and not self.result:
            rows.append(ColumnRow(self.running, (), "running", fraction=self.share))
        return rows


def _line(name: str, values: dict[str, Any], best: bool) -> ColumnRow:
    cells = [_ratio(values[error]["ratio"]) for error in COMPARED]
    covered = values["coverage"]
    cells.append(score(covered["value"]))
    words, level = ["smallest CRPS"] if best else [], "ok"
    if values["failed"]:
        words, level = [*words, f"{values['failed']} failed"], "fault"
    elif covered["value"] is not None and coverage_state(covered) != "reached":
        words, level = [*words, COVERAGE_WORDS[coverage_state(covered)][0]], "attention"
    shown = f"{name}, {count(values['seeds'], 'seed')}" if values["seeds"] > 1 else name
    return ColumnRow(shown, tuple(cells), ", ".join(words), level, best)


def _ratio(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2f}"


@dataclass
class LiveCurve(LiveFits):
    """A learning curve so far."""

    points: list[CurvePoint] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of a curve are left alone."""
        if isinstance(event, CurvePoint):
            self.points.append(event)
            self.running = ""
        else:
            super().take(event)

    @property
    def repeats(self) -> list[int]:
        """Repeats a sequence, ascending."""
        return sorted({point.repeats for point in self.points})

    def worst(self, repeats: int) -> tuple[FloatArray, FloatArray]:
        """Measurements and the worst error over its floor, medians over seeds."""
        return self._median(repeats, lambda point: point.worst)

    def error(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Measurements and one error over its floor, at the most repeats so far."""
        most = max(self.repeats, default=0)
        return self._median(most, lambda point: point.errors.get(name, {}).get("ratio"))

    def _median(self, repeats: int, value: Any) -> tuple[FloatArray, FloatArray]:
        found: dict[int, list[float]] = {}
        for point in self.points:
            if point.repeats == repeats and value(point) is not None:
                found.setdefault(point.measurements, []).append(value(point))
        at = sorted(found)
        medians = [float(np.median(found[n])) for n in at]
        return np.array(at, dtype=float), np.array(medians, dtype=float)

    def lines(self) -> list[ColumnRow]:
        """The table's rows, the latest last."""
        rows = []
        for point in self.points:
            ratios = [_ratio(point.errors.get(e, {}).get("ratio")) for e in COMPARED]
            bad = point.worst is None
            word = point.problem or ("not scored" if bad else f"worst {_ratio(point.worst)}")
            name = f"{point.sequences} × {point.repeats}"
            cells = (str(point.measurements), *ratios)
            rows.append(ColumnRow(name, cells, word, "fault" if bad else "ok"))
        if self.running and not self.result:
            rows.append(ColumnRow(self.running, (), "running", fraction=self.share))
        return rows
