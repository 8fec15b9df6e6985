"""How evenly a run's steps came: their intervals, the jitter of these, and steps that came late.

An interval is the time between two readings of one repeat; of a step of several holds without what
the further ones take. A step is late where its interval is longer than what it was planned to take
(walk, hold, gate, field probe) by more than one tick of the ramp. Where the bench file doesn't say
what a reading takes (`gate_s` zero), the run's own usual one counts: its median.

Every few seconds supply and guards are looked at between two steps (`instruments.watch`), for which
the field before waits, some 20 ms for a Kepco. That is meant, and its time is measured: such a step
is counted by itself, and is late where it is later than that. Of a run that goes on, the steps from
before it was interrupted are not judged: how long their looks took isn't known any more.

Where a supply's list times the steps, their times are the list's dwells, not measured one by one:
that its length was so on the read-outs' clocks was checked list by list (`instruments.alignment`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.operations.events import Note
from instruments.staircase import TICK_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.recording_store import RecordingWriter
    from instruments.bench import Bench
    from models.recording import Recording


@dataclass(frozen=True)
class StepTiming:
    """Of all steps whose time is known.

    Attributes
    ----------
    step_s
        Median interval.
    jitter_p50_s, jitter_p99_s, jitter_max_s
        Quantiles of the intervals' distance from their median.
    late_steps, steps
        How many came late, of how many that were judged.
    looked_steps, look_s
        Before how many of these supply or guards were looked at, and for how long at most.
    by_hardware
        Whether the times are those of the supply's list.
    reading_s
        What a reading usually took, where the bench file doesn't say; else 0.
    """

    step_s: float
    jitter_p50_s: float
    jitter_p99_s: float
    jitter_max_s: float
    late_steps: int
    steps: int
    by_hardware: bool = False
    looked_steps: int = 0
    look_s: float = 0.0
    reading_s: float = 0.0

    @property
    def values(self) -> dict[str, Any]:
        """For a result line."""
        names = ("step_s", "jitter_p50_s", "jitter_p99_s", "jitter_max_s")
        return {
            **{name: round(getattr(self, name), 6) for name in names},
            "late_steps": self.late_steps,
            "steps": self.steps,
            "looked_steps": self.looked_steps,
            "look_s": round(self.look_s, 6),
            "by": "hardware" if self.by_hardware else "software",
        }

    def __str__(self) -> str:
        step, half, p99, most, look, tick = (
            _shown(round(seconds, 6))  # below a microsecond it is arithmetic
            for seconds in (
                self.step_s, self.jitter_p50_s, self.jitter_p99_s, self.jitter_max_s, self.look_s,
                TICK_S
            )
        )  # fmt: skip
        if self.by_hardware:
            between = f"; between two lists up to {most} more" if self.jitter_max_s > 1e-6 else ""
            return (
                f"steps: one every {step} by the supply's clock, whose lists lasted as long on the "
                f"read-outs'{between}; {self.late_steps} of {self.steps} late by more than {tick}"
            )
        looked = (
            f"; before {self.looked_steps} of them supply or guards were looked at, as every few "
            f"seconds, for {look} at most"
        )
        read = f"; a reading took {_shown(self.reading_s)} (median; the bench file has no gate_s)"
        return (
            f"steps: one every {step} (median); away from it by {half} in half of them, {p99} at "
            f"p99, {most} at most; {self.late_steps} of {self.steps} late by more than {tick}"
            f"{looked * (self.looked_steps > 0)}{read * (self.reading_s > TICK_S)}"
        )


def _shown(seconds: float) -> str:
    return f"{seconds:.4g} s" if seconds >= 1 else f"{1e3 * seconds:.3g} ms"


def timing_of(writer: RecordingWriter, bench: Bench) -> StepTiming | None:
    """The timing of a recording's complete repeats; None where no times are known."""
    recording = writer.recording
    read_s = np.where(recording.complete[:, :, None], recording.read_s, np.nan)
    intervals_s = np.diff(read_s, axis=2)
    known = np.isfinite(intervals_s)
    if not known.any():
        return None
    planned_s = np.full(recording.drive.shape, np.nan)
    for row, played in zip(planned_s, recording.sequences(), strict=True):
        fields_T = recording.window.field_T(played.drive).tolist()
        planned = bench.planned_s(fields_T, recording.window, played.holds.tolist())
        row[: played.steps] = planned
    planned_s += _probed_s(recording, bench)
    looked_s = _looked_s(writer)
    judged = known & np.isfinite(looked_s)
    longer_than_planned_s = intervals_s - planned_s[:, None, 1:] - looked_s
    reading_s = 0.0
    if not (bench.spec.gate_s or bench.by_hardware) and judged.any():
        reading_s = max(0.0, float(np.median(longer_than_planned_s[judged])))
    late = judged & (longer_than_planned_s > reading_s + TICK_S)
    longer_s = (recording.holds - 1) * (recording.window.hold_s + bench.spec.gate_s)
    intervals_s = intervals_s - longer_s[:, None, 1:]
    timing = _timing(intervals_s[known], late[judged], looked_s[judged], bench.by_hardware)
    return replace(timing, reading_s=reading_s)


def _looked_s(writer: RecordingWriter) -> NDArray[np.float64]:
    """By how much each interval `(S, R, T − 1)` is longer for a look; NaN where nobody knows."""
    sequences, repeats, steps = writer.recording.read_s.shape
    looked_s = np.full((sequences, repeats, steps), np.nan)
    for place, by_step in writer.looked_s.items():
        looked_s[place] = 0.0
        for step, seconds in by_step.items():
            looked_s[place][step] = seconds
    return looked_s[:, :, 1:]


def _probed_s(recording: Recording, bench: Bench) -> float:
    """What a step takes longer for a field probe that averages; twice where it is awaited, too."""
    if bench.probe is None or bench.by_hardware:
        return 0.0
    looks = 1 if bench.probe.hold_at_most_s is None else 2
    return looks * float(recording.settings.get(bench.probe.name, {}).get("averaging_s", 0.0))


def timing_values(writer: RecordingWriter, bench: Bench) -> dict[str, Any]:
    """`timing` of a result line; nothing where no times are known."""
    timing = timing_of(writer, bench)
    return {} if timing is None else {"timing": timing.values}


def timing_notes(writer: RecordingWriter, bench: Bench) -> list[Note]:
    """The same for people, one line: a warning where steps came late."""
    timing = timing_of(writer, bench)
    if timing is None:
        return []
    return [Note(str(timing), "warning" if timing.late_steps else "info")]


def _timing(
    intervals_s: NDArray[np.float64],
    late: NDArray[np.bool_],
    looked_s: NDArray[np.float64],
    by_hardware: bool,
) -> StepTiming:
    median_s = float(np.median(intervals_s))
    away_s = np.abs(intervals_s - median_s)
    p50_s, p99_s, max_s = (float(q) for q in np.quantile(away_s, (0.5, 0.99, 1.0)))
    looked = int((looked_s > 0).sum()), float(looked_s.max(initial=0.0))
    return StepTiming(
        median_s, p50_s, p99_s, max_s, int(late.sum()), late.size, by_hardware, *looked
    )
