"""Recordings of the library that ended early, and how one of them goes on; no Qt."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from app.gui.record_coverage import Coverage
from app.gui.record_design import AT_ONCE, NO_BENCH, Plan
from app.gui.words import count
from app.operations.adaptive_rounds import PLAN_NAME, Rounds
from app.operations.record_room import BY_STEP, BYTES_A_VALUE
from app.recording_reader import read_recording
from app.slow_disk import each
from app.words import day
from models.errors import TwinrigError
from models.paths import file_at
from models.recording import BY_STEP as BY_STEP_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.library.library import Library
    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.bench_file import BenchSpec
    from instruments.clock import Pause
    from models.recording import Recording

MOST_LOOKED_AT = 24  # the newest ones: each is read whole, beside the window


@dataclass(frozen=True)
class Unfinished:
    """A recording with repeats missing; `missing` is unknown of one for a twin, which chooses."""

    kind: ClassVar[str] = "resume"
    path: Path
    so_far: Recording
    for_twin: Rounds | None = None
    stop_at: float = 0.0  # σ of drift of the reference; 0: no stop

    @property
    def is_watched(self) -> bool:
        """Whether a reference is measured before each repeat."""
        return bool(self.so_far.meta.get("reference_steps"))

    @property
    def is_quick(self) -> bool:
        """Whether its sequences are looked at within a frame."""
        return int(self.so_far.lengths.sum()) <= AT_ONCE

    @property
    def name(self) -> str:
        """Its id."""
        return str(self.so_far.meta.get("id") or self.path.name)

    @property
    def what(self) -> str:
        """Its sequences, and when it was begun: ids alone don't tell two of a night apart."""
        sequences, _, steps, _ = self.so_far.response.shape
        begun = ""
        with suppress(ValueError):
            when = datetime.fromisoformat(str(self.so_far.meta.get("created", ""))).astimezone()
            begun = f", {day(when)} {when:%H:%M}"
        return f"{sequences} × {count(steps, 'step')}{begun}"

    @property
    def note(self) -> str:
        """How far it came."""
        if self.for_twin is not None:
            return f"{self.for_twin.measurements} of at most {self.for_twin.asked.budget} repeats"
        done = int(self.so_far.complete.sum())
        return f"{done} of {count(self.so_far.order.size, 'repeat')}, {self.so_far.status}"

    @property
    def verb(self) -> str:
        """What a press does."""
        if self.for_twin is not None:
            return f"up to {self.for_twin.asked.budget} for a twin"
        return f"the {count(int((~self.so_far.complete).sum()), 'missing repeat')}"

    def foreseen(self, spec: BenchSpec, bench: Bench | None) -> Plan:
        """What is still to be recorded; refused where the bench is not as it was."""
        r = self.so_far
        sequences = r.sequences()
        plan = Plan(sequences, r.window, Coverage.of(sequences), len(sequences), r.order.shape[1])
        if bench is None:
            return replace(plan, problem=NO_BENCH, level="attention")
        missing = (~r.complete).sum(axis=1).tolist()
        steps = sum(n * s.steps for n, s in zip(missing, sequences, strict=True))
        times = [bench.predicted_s(s.steps, s.length, r.window, r.reset) for s in sequences]
        seconds = sum(n * s for n, s in zip(missing, times, strict=True))
        if self.for_twin is not None:
            left = max(0, self.for_twin.asked.budget - self.for_twin.measurements)
            seconds += left * bench.predicted_s(self.for_twin.asked.steps)
            steps += left * self.for_twin.asked.steps
        reference = int(r.meta.get("reference_steps", 0) or 0)
        if reference:
            seconds += sum(missing) * bench.predicted_s(reference, None, r.window, r.reset)
        numbers = steps * (len(r.channels) + BY_STEP)
        plan = replace(plan, seconds=seconds, bytes=float(BYTES_A_VALUE * numbers))
        from app.operations.record_begin import driven_apart  # writes files: behind the frame

        wrong = [
            f"it has {name} {getattr(r, name)}, the bench {getattr(bench, name)}"
            for name in ("channels", "units")
            if getattr(r, name) != getattr(bench, name)
        ] + driven_apart(r, bench)
        # the instruments' settings are asked for, and compared, when it begins
        return plan.judged(wrong or plan.refused_by(bench, r.window, r.reset))

    def start(self, bench: Bench, out: Path, pause: Pause) -> Iterator[Event]:
        """The operation that goes on with it; called in the thread that runs it."""
        if self.for_twin is not None:
            from app.operations.adaptive_child import record_for_twin

            return record_for_twin(bench, self.path, None, resume=True, pause=pause)
        from app.operations.record import record

        r, meta = self.so_far, self.so_far.meta
        return record(
            bench, r.sequences(), r.order.shape[1], self.path, seed=int(meta.get("seed", 0)),
            interleave=bool(meta.get("interleave", True)), window=r.window, reset=r.reset,
            resume=True, pause=pause, reference=int(meta.get("reference_steps", 0) or 0),
            stop_at_drift=self.stop_at,
        )  # fmt: skip


def unfinished(library: Library) -> list[Unfinished]:
    """Those of the newest recordings that can go on, newest first; what is damaged is left out."""
    newest = library.artefacts("rec")[:MOST_LOOKED_AT]
    found = each(_unfinished, [one.path for one in newest if not one.broken])
    return [one for one in found if one is not None]


def _unfinished(path: Path) -> Unfinished | None:
    try:
        recording = read_recording(path)
        adaptive = file_at(path / PLAN_NAME)
        over = recording.status in ("running", "done") or recording.meta.get("kind")
        if over or (recording.complete.all() and not adaptive):
            return None
        stop_at = float(recording.meta.get("stop_at_drift", 0) or 0)
        return Unfinished(path, _light(recording), Rounds.load(path) if adaptive else None, stop_at)
    except TwinrigError:  # the Library page says what is wrong with it
        return None


def _light(recording: Recording) -> Recording:
    """The recording with nothing in memory where its responses were."""
    s, r, t, _ = recording.response.shape
    gone: dict[str, Any] = dict.fromkeys(BY_STEP_NAMES, np.broadcast_to(np.nan, (s, r, t)))
    return replace(recording, response=np.broadcast_to(np.nan, recording.response.shape), **gone)
