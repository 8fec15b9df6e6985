"""What the Record page draws of a running recording: buffers filled by events, no Qt."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from app.operations.events import (
    ReferenceRecorded,
    ReferenceStarted,
    RepeatRecorded,
    RepeatStarted,
    RunPlan,
    StepRead,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.operations.events import Event

    FloatArray = NDArray[np.float64]

BAND = (5.0, 95.0)
MOST_REPEATS = 64  # of one sequence: more can't be told apart as lines, and a night has thousands


@dataclass
class LiveRecording:
    """The recording so far.

    Attributes
    ----------
    plan
        What was announced; None before it.
    drives, fields
        Drive 0…1 and field in tesla `(T,)` by sequence.
    repeats
        Responses `(T, C)` by sequence, in the order they came; the newest `MOST_REPEATS`: the file
        has all, and a night must not fill the memory.
    levels
        (position, sequence, mean over steps `(C,)`) of each complete repeat.
    references
        (position, level `(C,)`) of each reference, where the run has some.
    drifted
        Their drift so far in standard deviations; NaN where it isn't known.
    running
        `(T, C)` of the running repeat, NaN where it has not been yet.
    """

    plan: RunPlan | None = None
    drives: dict[int, FloatArray] = field(default_factory=dict)
    fields: dict[int, FloatArray] = field(default_factory=dict)
    repeats: dict[int, deque[FloatArray]] = field(default_factory=dict)
    levels: list[tuple[int, int, FloatArray]] = field(default_factory=list)
    references: list[tuple[int, FloatArray]] = field(default_factory=list)
    drifted: float = float("nan")
    running: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    sequence: int = 0
    repeat: int = 0
    step: int = -1
    field_T: float | None = None
    current_A: float | None = None
    values: FloatArray | None = None

    def take(self, event: Event) -> None:
        """Take one event; those that say nothing of a recording are left alone."""
        if isinstance(event, StepRead):
            self.step, self.field_T, self.current_A = event.step, event.field_T, event.current_A
            self.values = event.values
            if 0 <= event.step < len(self.running):
                self.running[event.step] = event.values
        elif isinstance(event, RepeatRecorded):
            kept = self.repeats.setdefault(event.sequence, deque(maxlen=MOST_REPEATS))
            kept.append(event.response)
            mean = np.nanmean(event.response, axis=0)
            self.levels.append((event.position, event.sequence, mean))
        elif isinstance(event, RepeatStarted):
            self.sequence, self.repeat, self.step = event.sequence, event.repeat, -1
            self.drives[event.sequence], self.fields[event.sequence] = event.drive, event.field_T
            channels = len(self.plan.channels) if self.plan else 1
            self.running = np.full((event.drive.size, channels), np.nan)
        elif isinstance(event, ReferenceStarted):
            channels = len(self.plan.channels) if self.plan else 1
            self.running, self.step = np.empty((0, channels)), -1
        elif isinstance(event, ReferenceRecorded):
            self.references.append((event.position, event.level))
            self.drifted = event.drift
        elif isinstance(event, RunPlan):
            self.plan = event

    @property
    def done(self) -> int:
        """Complete repeats."""
        return len(self.levels)

    @property
    def total(self) -> int:
        """Repeats of the whole run, all sequences together."""
        return self.plan.sequences * self.plan.repeats if self.plan else 0

    def traces(self, sequence: int, channel: int) -> FloatArray:
        """Complete repeats `(R, T)` of one sequence and channel, the newest `MOST_REPEATS`."""
        kept = self.repeats.get(sequence)
        return np.array([r[:, channel] for r in kept]) if kept else np.empty((0, 0))

    def drift(self, channel: int) -> tuple[FloatArray, FloatArray]:
        """Position and level of each repeat: its mean, less its sequence's, plus the overall mean.

        Sequences differ in their mean by design; only what is left can be drift. Where the run has
        references, which are all alike, they tell it.
        """
        if self.references:
            position = np.array([p for p, _ in self.references], dtype=float) + 1
            return position, np.array([level[channel] for _, level in self.references])
        if not self.levels:
            return np.empty(0), np.empty(0)
        position = np.array([p for p, _, _ in self.levels], dtype=float) + 1
        sequence = np.array([s for _, s, _ in self.levels])
        level = np.array([m[channel] for _, _, m in self.levels])
        own = {s: level[sequence == s].mean() for s in np.unique(sequence)}
        return position, level - np.array([own[s] for s in sequence]) + level.mean()


def spread(traces: FloatArray) -> FloatArray:
    """Standard deviation over repeats at each step `(T,)`; empty with fewer than two repeats."""
    return traces.std(axis=0, ddof=1) if len(traces) > 1 else np.empty(0)


def band(traces: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The central 90 % of the repeats at each step, `(T,)` each."""
    low, high = np.percentile(traces, BAND, axis=0)
    return low, high


def slope(x: FloatArray, y: FloatArray) -> tuple[float, float, float] | None:
    """Least-squares slope, its standard error, the value at x = 0; None below 3 points."""
    if len(x) < 3 or float(np.ptp(x)) == 0:
        return None
    centre = x - x.mean()
    rise = float((centre * (y - y.mean())).sum() / (centre**2).sum())
    start = float(y.mean() - rise * x.mean())
    rest = y - start - rise * x
    error = float(np.sqrt((rest**2).sum() / (len(x) - 2) / (centre**2).sum()))
    return rise, error, start


def longest_hold(drive: FloatArray) -> int:
    """Most steps in a row with one drive value."""
    if drive.size == 0:
        return 0
    edges = np.flatnonzero(np.diff(drive) != 0)
    ends = np.concatenate([[-1], edges, [drive.size - 1]])
    return int(np.diff(ends).max())


def window_share(drives: FloatArray, bins: int = 16) -> float:
    """Share of the drive window 0…1 that is visited, in equal parts."""
    counts, _ = np.histogram(drives[np.isfinite(drives)], bins=bins, range=(0.0, 1.0))
    return float((counts > 0).mean())
