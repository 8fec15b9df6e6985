"""The table of a sweep: one setting a row, its scores beside what plain software gets."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from app.advice import UNTRAINED
from app.artefacts import plain
from app.words import told_apart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.operations.sweep_grid import Setting

HEAD = (
    "task", "twin", "layers", "options", "validation", "spread", "seeds", "best seed",
    "foreseen on unseen data", "best without a device", "failed",
)  # fmt: skip
SORTED = (
    "Sorted by the score on the validation part, the mean over seeds; the score foreseen on unseen "
    "data and the best that plain software gets there stand beside it and chose nothing. Smaller "
    "is better: an NMSE, of classes an error rate."
)


@dataclass(frozen=True)
class Row:
    """One setting of a sweep with its results so far.

    Attributes
    ----------
    setting
        What was trained.
    validation, foreseen
        Scores of each seed that is done, lower is better; validation None: not told.
    seeds
        The seeds that are done.
    failed
        Seeds that failed or were lost, with the reasons.
    baselines
        What a network must beat on unseen data, means over the seeds that are done.
    """

    setting: Setting
    validation: tuple[float | None, ...]
    foreseen: tuple[float, ...]
    seeds: tuple[int, ...]
    failed: dict[int, str]
    baselines: dict[str, float] = field(default_factory=dict)

    @property
    def known(self) -> list[tuple[float, int]]:
        """Validation score and seed where there is one."""
        return [
            (value, seed)
            for value, seed in zip(self.validation, self.seeds, strict=True)
            if value is not None
        ]

    @property
    def mean(self) -> float | None:
        """Mean validation score over seeds."""
        return fmean(value for value, _ in self.known) if self.known else None

    def cells(self, names: Mapping[str, str]) -> list[str]:
        """The row as a table shows it; `names` of the twins, by path."""
        spread = stdev(v for v, _ in self.known) if len(self.known) > 1 else None
        return [
            *self.setting.words(names), _number(self.mean), _number(spread), str(len(self.seeds)),
            str(min(self.known)[1]) if self.known else "—",
            _number(fmean(self.foreseen) if self.foreseen else None), self._software(),
            str(len(self.failed)),
        ]  # fmt: skip

    @property
    def software(self) -> tuple[str, float] | None:
        """The best of plain software, name and score; the same nodes untrained are none."""
        known = {name: value for name, value in self.baselines.items() if name != UNTRAINED}
        return min(known.items(), key=lambda item: item[1], default=None)

    def _software(self) -> str:
        if self.software is None:
            return "—"
        name, value = self.software
        return f"{_number(value)} ({name})"

    def to_json(self) -> dict[str, Any]:
        """The row for programs."""
        body: dict[str, Any] = plain({
            "task": self.setting.task, "twins": self.setting.twins, "layers": self.setting.layers,
            "parallel": self.setting.parallel,
            "options": self.setting.options, "validation": self.mean,
            "each_validation": self.validation, "foreseen": self.foreseen, "seeds": self.seeds,
            "failed": {str(seed): reason for seed, reason in self.failed.items()},
            "baselines": self.baselines,
        })  # fmt: skip
        return body


def table_lines(rows: Sequence[Row]) -> list[str]:
    """The table in Markdown, and what it is sorted by."""
    lines = [_line(HEAD), _line(["---"] * len(HEAD)), *map(_line, _cells(rows))]
    return [*lines, "", SORTED]


def csv_text(rows: Sequence[Row]) -> str:
    """The table for a spreadsheet."""
    text = io.StringIO()
    csv.writer(text).writerows([HEAD, *_cells(rows)])
    return text.getvalue()


def mean_baselines(every: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Means over trainings of one setting, of what each of them has."""
    names = [name for name in (every[0] if every else {}) if all(name in one for one in every)]
    return {name: fmean(one[name] for one in every) for name in names}


def _cells(rows: Sequence[Row]) -> list[list[str]]:
    names = told_apart(twin for row in rows for twin in row.setting.twins)
    return [row.cells(names) for row in rows]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.4g}"
