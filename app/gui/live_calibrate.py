"""What the Calibrate page draws of a calibration: points by branch, what was found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from app.gui.widgets.figures import FigureRow
from app.gui.words import minus, short
from app.operations.events import Note, PointMeasured, Progress, Result, RunPlan
from instruments.calibration import Calibration
from instruments.calibration_walk import BRANCHES
from models.slopes import slopes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.calibration_store import Stored
    from app.operations.events import Event
    from models.recording import Recording

    FloatArray = NDArray[np.float64]

NAMES = tuple(each.name for each in fields(Calibration))


@dataclass
class LiveCalibration:
    """A calibration so far.

    Attributes
    ----------
    plan
        What was announced; None before it.
    points
        By branch: current set in A and field in T, in the order they were measured.
    found
        What the fit says; None until there is one.
    bench_says
        The bench file's tesla per ampere of its magnet at that time; NaN where nobody knows.
    last
        The calibration before this one; None where there is none.
    warnings
        Sentences that must be read before it is used.
    """

    plan: RunPlan | None = None
    points: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    found: Calibration | None = None
    bench_says: float = math.nan
    last: Calibration | None = None
    last_when: str = ""
    warnings: list[str] = field(default_factory=list)
    branch: int = 0
    progress: Progress | None = None

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of a calibration are left alone."""
        if isinstance(event, PointMeasured):
            self.branch = event.branch
            self.points.setdefault(event.branch, []).append((event.set_A, event.field_T))
        elif isinstance(event, Progress):
            self.progress = event
        elif isinstance(event, RunPlan):
            self.plan = event
        elif isinstance(event, Note) and event.level == "warning":
            self.warnings.append(event.text)
        elif isinstance(event, Result) and "tesla_per_ampere" in event.values:
            self._take_found(event.values)

    def _take_found(self, values: dict[str, Any]) -> None:
        self.found = Calibration(**{name: values[name] for name in NAMES})
        self.bench_says = float(values["bench_tesla_per_ampere"])
        if (last := values["last"]) is not None:
            self.show_last(Calibration(**{name: last[name] for name in NAMES}), last["created"])

    def show_last(self, last: Calibration | None, when: str = "") -> None:
        """The calibration before this one, and when it was made."""
        self.last, self.last_when = last, when

    def load(self, recording: Recording, stored: Stored | None = None) -> None:
        """Complete branches of a recording, and what was found of it."""
        set_A, field_T = recording.response[:, 0, :, 0], recording.response[:, 0, :, 2]
        for branch in np.flatnonzero(recording.complete[:, 0]).tolist():
            size = int(recording.lengths[branch])
            pairs = zip(set_A[branch, :size].tolist(), field_T[branch, :size].tolist(), strict=True)
            self.points[branch] = list(pairs)
        self.bench_says = _bench_said(recording)
        if stored is not None:
            self.found, self.bench_says = stored.calibration, stored.bench_tesla_per_ampere

    def cut(self, sizes: Sequence[int]) -> None:
        """Forget branches that did not come to their end: they are not kept."""
        for branch, size in enumerate(sizes):
            if len(self.points.get(branch, ())) != size:
                self.points.pop(branch, None)

    @property
    def done(self) -> int:
        """Points measured so far."""
        return sum(len(points) for points in self.points.values())

    def curve(self, branch: int) -> tuple[FloatArray, FloatArray]:
        """Current in A and field in T of a branch, as far as it is measured."""
        points = np.array(self.points.get(branch) or np.empty((0, 2)))
        return points[:, 0], points[:, 1]

    def line_T(self, current_A: FloatArray) -> FloatArray:
        """The straight line that points are compared with: fitted, else the bench file's."""
        if self.found is None:
            return current_A * self.bench_says
        return self.found.offset_T + self.found.tesla_per_ampere * current_A

    @property
    def words(self) -> str:
        """Which branch is walked."""
        return f"{BRANCHES[self.branch]} branch, {self.branch + 1} of {len(BRANCHES)}"


def _bench_said(recording: Recording) -> float:
    """Of the magnet that was calibrated, as the recording has it: now another may be chosen."""
    asked = recording.meta.get("calibration")
    magnet = asked.get("magnet") if isinstance(asked, dict) else None
    return slopes_of(recording.meta).get(str(magnet), math.nan)


def rows(live: LiveCalibration) -> list[FigureRow]:
    """The table of what was found beside the bench file's and the last one's."""
    found, last, says = live.found, live.last, live.bench_says
    if found is None:
        return []
    far = found.differs(says) or (
        last is not None and found.differs(last.tesla_per_ampere, last.tesla_per_ampere_error)
    )
    slope = FigureRow(
        "mT per A",
        with_error(1e3 * found.tesla_per_ampere, 1e3 * found.tesla_per_ampere_error),
        f"{1e3 * says:.5g}",
        "" if last is None else f"{1e3 * last.tesla_per_ampere:.5g}",
        minus(f"{round(100 * found.share_off(says), 1) + 0.0:+.1f} %"),  # never −0.0
        "attention" if far else "ok",
    )
    names = (
        ("Offset", "offset_T", found.offset_T_error),
        ("Yoke width", "hysteresis_T", found.hysteresis_T_error),
        ("Yoke at 0 A", "remanence_T", 0.0),
        ("Bend", "bend_T", 0.0),
        ("Scatter", "residual_T", 0.0),
    )
    others = [
        FigureRow(
            f"{name}, µT",
            with_error(1e6 * getattr(found, key), 1e6 * error),
            "",
            "" if last is None else with_error(1e6 * getattr(last, key), 0.0),
        )
        for name, key, error in names
    ]
    return [slope, *others]


def with_error(value: float, error: float) -> str:
    """`0.43986(6)`: the error in units of the last digit; three digits where there is none."""
    if not 0 < error < math.inf:
        return short(value)
    decimals = max(0, -math.floor(math.log10(error)))
    last = round(error * 10**decimals)
    if last == 10:  # 0.096 is 0.10
        decimals, last = (decimals - 1, 1) if decimals else (0, last)
    return minus(f"{value:.{decimals}f}({last})")
