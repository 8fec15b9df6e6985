"""What the Record page draws of a running recording: buffers filled by events, no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from app.gui.kept_repeats import KeptRepeats
from app.gui.levels import Levels
from app.gui.words import prefix
from app.operations.events import (
    ReferenceRecorded,
    ReferenceStarted,
    RepeatRecorded,
    RepeatStarted,
    RunPlan,
    StepRead,
)
from app.operations.reference import levels_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.operations.events import Event
    from models.recording import Recording

    FloatArray = NDArray[np.float64]

BAND = (5.0, 95.0)
MOST_REPEATS = 64  # of one sequence: more can't be told apart as lines, and a night has thousands
FEWEST_REPEATS = 4  # of one sequence: mean, band and spread need some
MOST_BYTES = 64e6  # of all responses that are kept, where so few of a sequence fit into it


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
        By sequence: the newest `most`. The file has all, and a night must not fill the memory.
    bad
        Positions that are marked bad: left out of mean, band, spread and the drift's line.
    levels
        Mean over steps `(C,)` of each complete repeat.
    references
        Level `(C,)` of each reference, where the run has some.
    drifted
        Their drift so far in standard deviations; NaN where it isn't known.
    running
        `(T, C)` of the running repeat, NaN where it has not been yet.
    """

    plan: RunPlan | None = None
    drives: dict[int, FloatArray] = field(default_factory=dict)
    fields: dict[int, FloatArray] = field(default_factory=dict)
    repeats: dict[int, KeptRepeats] = field(default_factory=dict)
    bad: frozenset[int] = frozenset()
    levels: Levels = field(default_factory=Levels)
    references: Levels = field(default_factory=Levels)
    drifted: float = float("nan")
    running: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    sequence: int = 0
    repeat: int = 0
    position: int = 0
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
            self._keep(event.sequence, event.position, event.response)
        elif isinstance(event, RepeatStarted):
            self.sequence, self.repeat, self.step = event.sequence, event.repeat, -1
            self.position = event.position
            self.drives[event.sequence], self.fields[event.sequence] = event.drive, event.field_T
            channels = len(self.plan.channels) if self.plan else 1
            self.running = np.full((event.drive.size, channels), np.nan)
        elif isinstance(event, ReferenceStarted):
            channels = len(self.plan.channels) if self.plan else 1
            self.running, self.step = np.empty((0, channels)), -1
        elif isinstance(event, ReferenceRecorded):
            self.references.add(event.position, 0, event.level)
            self.drifted = event.drift
        elif isinstance(event, RunPlan):
            self.plan = event

    def _keep(self, sequence: int, position: int, response: FloatArray) -> None:
        if sequence not in self.repeats:
            most = min(self.most, self.plan.repeats) if self.plan else self.most
            self.repeats[sequence] = KeptRepeats(most, response.shape)
        self.repeats[sequence].add(position, response)
        self.levels.add(position, sequence, np.nanmean(response, axis=0))

    def load(
        self, recording: Recording, bad: frozenset[int], references: Recording | None = None
    ) -> None:
        """Take what an earlier part of the run has recorded, in its order."""
        places = [(int(recording.order[s, r]), s, r) for s, r in np.argwhere(recording.complete)]
        for position, s, r in sorted(places):
            length = int(recording.lengths[s])
            self._keep(int(s), position, recording.response[s, r, :length])
            self.drives[int(s)] = recording.drive[s, :length]
            self.fields[int(s)] = recording.window.field_T(recording.drive[s, :length])
        self.bad = bad
        if references is not None:
            done = np.flatnonzero(references.order[0] >= 0).tolist()
            for position, level in zip(done, levels_of(references), strict=True):
                self.references.add(position, 0, level)

    @property
    def most(self) -> int:
        """Repeats of one sequence that are kept."""
        if self.plan is None:
            return MOST_REPEATS
        each = 8 * self.plan.steps * len(self.plan.channels) * self.plan.sequences
        return int(np.clip(MOST_BYTES // max(each, 1), FEWEST_REPEATS, MOST_REPEATS))

    @property
    def done(self) -> int:
        """Complete repeats."""
        return self.levels.count

    @property
    def total(self) -> int:
        """Repeats of the whole run, all sequences together."""
        return self.plan.sequences * self.plan.repeats if self.plan else 0

    def count_of(self, sequence: int) -> int:
        """Repeats of one sequence so far, bad ones and those that are no longer kept included."""
        kept = self.repeats.get(sequence)
        return kept.count if kept is not None else 0

    def traces(self, sequence: int, channel: int) -> FloatArray:
        """Good repeats `(R, T)` of one sequence and channel, of those that are kept."""
        kept = self.repeats.get(sequence)
        return kept.traces(channel, self.bad) if kept is not None else np.empty((0, 0))

    def scale(self, channel: int, traces: FloatArray) -> tuple[float, str]:
        """Factor and unit in which a channel reads well, of its traces or of the running repeat."""
        unit = self.plan.units[channel] if self.plan else ""
        known = traces if traces.size else self.running[:, channel : channel + 1]
        finite = np.abs(known[np.isfinite(known)]) if known.size else np.empty(0)
        return prefix(float(finite.max()) if finite.size else 0.0, unit)

    def mean_of_all(self, sequence: int) -> FloatArray:
        """Mean over good repeats `(T, C)` of all channels; before the first the running repeat."""
        kept = self.repeats.get(sequence)
        good = kept.good(self.bad) if kept is not None else np.empty(0)
        if len(good):
            return np.asarray(good.mean(axis=0), dtype=np.float64)
        return self.running if sequence == self.sequence else np.empty((0, 0))

    def repeat_at(self, position: int) -> tuple[int, FloatArray | None]:
        """Sequence and response `(T, C)` of a repeat; −1 where it isn't there, None: not kept."""
        for sequence, kept in self.repeats.items():
            response = kept.at(position)
            if response is not None:
                return sequence, response
        return self.levels.sequence_at(position), None

    def drift(self, channel: int) -> tuple[FloatArray, FloatArray]:
        """Number and level of repeats: its mean, less its sequence's, plus the overall mean.

        Sequences differ in their mean by design; only what is left can be drift. Where the run has
        references, which are all alike, they tell it.
        """
        kept = self.references or self.levels
        if not kept:
            return np.empty(0), np.empty(0)
        number = kept.positions.astype(float) + 1
        if self.references:
            return number, kept.of(channel).copy()
        return number, kept.drift(channel, self.bad)

    @property
    def tells_drift(self) -> bool:
        """Whether there are references, or two repeats of a sequence."""
        return bool(self.references) or self.levels.repeated

    def drift_line(self, channel: int) -> tuple[float, float, float] | None:
        """Change of the level a repeat, its standard error, the level at number 0; None: unknown.

        Without references each sequence is compared with itself (`Levels.slope`).
        """
        if self.references:
            number = self.references.positions.astype(np.float64) + 1.0
            return slope(number, self.references.of(channel))
        return self.levels.slope(channel, self.bad) if self.levels else None

    def is_bad(self, numbers: FloatArray) -> NDArray[np.bool_]:
        """Which of these repeats, counted from 1, are marked bad; references never are."""
        if self.references:
            return np.zeros(numbers.size, dtype=bool)
        return np.isin(numbers.astype(int) - 1, sorted(self.bad))


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
