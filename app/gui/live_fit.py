"""What the Twin page draws of a fit: losses, samples over repeats, scores in words; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from app.gui.widgets.tables import ErrorRow
from app.operations.events import FitProgress, FitSamples, TwinScored
from app.words import left_s

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.operations.events import Event

    FloatArray = NDArray[np.float64]

NAMES = {
    "mean": "Mean",
    "spread": "Spread",
    "autocovariance": "Autocovariance",
    "crps": "CRPS",
    "energy16": "Energy, 16 steps",
    "cross_correlation": "Cross-correlation",
}
AT_FLOOR = 1.5
"""The project's own acceptance: an error of at most 1.5 floors (at 16 held-out repeats)."""
COVERAGE_RANGE = (0.86, 0.92)


@dataclass
class LiveFit:
    """The fit so far.

    Attributes
    ----------
    iterations, losses, validations
        One entry a `FitProgress`; validation NaN where it was not computed.
    real, twin
        Repeats and samples `(R, T, C)` of one sequence; None before the first.
    errors, coverage, details
        As in `TwinScored`; empty before the end.
    """

    iterations: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    validations: list[float] = field(default_factory=list)
    total: int = 0
    elapsed_s: float = 0.0
    sequence: int = 0
    real: FloatArray | None = None
    twin: FloatArray | None = None
    errors: dict[str, Any] = field(default_factory=dict)
    coverage: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of a fit are left alone."""
        if isinstance(event, FitProgress):
            self.iterations.append(event.iteration)
            self.losses.append(event.loss)
            self.validations.append(np.nan if event.validation is None else event.validation)
            self.total, self.elapsed_s = event.total, event.elapsed_s
        elif isinstance(event, FitSamples):
            self.sequence, self.real, self.twin = event.sequence, event.real, event.twin
        elif isinstance(event, TwinScored):
            self.errors, self.details = dict(event.errors), dict(event.details)
            self.real = self.details.get("real", self.real)
            self.twin = self.details.get("twin", self.twin)

    @property
    def left_s(self) -> float | None:
        """Time left at the pace so far; None before there is one."""
        done = self.iterations[-1] if self.iterations else 0
        return left_s(done, self.total, self.elapsed_s)


def error_rows(errors: dict[str, Any], coverage: dict[str, Any]) -> list[ErrorRow]:
    """Rows of the table: errors beside their floors, coverage beside a perfect twin's."""
    rows = []
    for name, body in errors.items():
        if name == "coverage" or not isinstance(body, dict) or body.get("value") is None:
            continue
        word, level = verdict(body.get("ratio"), body.get("low"))
        rows.append(
            ErrorRow(
                NAMES.get(name, name.capitalize()),
                body["value"],
                body.get("floor") or np.nan,
                body.get("ratio"),
                body.get("low"),
                body.get("high"),
                word,
                level,
            )
        )
    covered = coverage or errors.get("coverage") or {}
    if covered.get("value") is not None:
        inside = COVERAGE_RANGE[0] <= covered["value"] <= COVERAGE_RANGE[1]
        word = "as expected" if inside else ("too narrow", "too wide")[covered["value"] > 0.9]
        expected = float(covered.get("expected") or np.nan)
        rows.append(
            ErrorRow(
                "90 % coverage",
                covered["value"],
                expected,
                None,
                None,
                None,
                word,
                "ok" if inside else "attention",
            )
        )
    return rows


def verdict(ratio: float | None, low: float | None) -> tuple[str, str]:
    """A word for a ratio to the floor, and its level: `at floor`, `near floor`, `above floor`."""
    if ratio is None:
        return "not scored", "attention"
    reached = low is not None and low <= 1.0
    if ratio <= 1.05 or (reached and ratio <= AT_FLOOR):
        return "at floor", "ok"
    if ratio <= AT_FLOOR:
        return f"within {AT_FLOOR:g} ×", "ok"
    if reached:
        return "can't tell", "attention"
    return "above floor", "attention"
