"""A reference segment before each repeat: how far the device has drifted since the run began.

A few steps of one fixed drive (middle, low, high), behind a reset of their own, are kept as a
recording beside the run's: one sequence, as many repeats as the run has, in the folder `reference`.
The repeat behind them begins with its own reset, so that they are no part of its history.

Drift, of each channel: the median level of the newest `NEWEST` references less that of the first
`FIRST`, over the spread of one reference. That spread is taken from the differences of neighbours
(as von Neumann 1941), which a slow drift doesn't touch. Medians, because the first reference of a
run is often unlike the others (a lock-in's filter that has not settled, a device that rested):
σ = 1.4826 · median |x[i+1] − x[i]| / √2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.artefacts import new_id
from app.operations.events import ReferenceRecorded, ReferenceStarted
from app.operations.runs import EndedItselfError
from app.operations.void_repeats import repeat_under
from app.recording_store import RecordingWriter
from app.words import signed
from models.paths import folder_at
from models.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from app.operations.events import Event
    from app.operations.run_control import Control

    FloatArray = NDArray[np.float64]

FOLDER = "reference"
FAMILY = "reference"
LEVELS = (0.5, 0.0, 1.0)
FIRST = 10
NEWEST = 5
"""Judgement: a jump of the device is seen three repeats later. Without drift one channel crosses a
limit of 3 by chance in 1.1 % of runs of 100 references, a limit of 4 in 0.03 % (simulated)."""
MAD = 1.4826  # of a normal distribution: σ over the median absolute deviation


def reference_drive(steps: int) -> FloatArray:
    """The drive `(steps,)`: middle, low, high, and over again."""
    return np.resize(np.array(LEVELS), steps)


def reference_problems(steps: int, stop_at: float, repeats: int) -> list[str]:
    """What makes no sense of what was asked, in words."""
    problems = []
    if steps < 0:
        problems.append(f"a reference of {steps} steps: give a number from 1 on, or 0 for none")
    if not 0 <= stop_at < float("inf"):
        problems.append(f"a stop at {stop_at:g} σ: give a number above 0, or 0 for none")
    if stop_at and steps == 0:
        problems.append(f"a stop at {stop_at:g} σ needs a reference: give its steps (--reference)")
    if stop_at and repeats < FIRST + NEWEST:
        problems.append(
            f"{repeats} repeats are too few to stop at a drift: it is told from the first {FIRST} "
            f"and the newest {NEWEST}"
        )
    return problems


def drift_of(levels: FloatArray) -> FloatArray:
    """Drift `(C,)` in standard deviations of one reference; NaN where there are too few.

    Parameters
    ----------
    levels
        `(n, C)`, mean over the steps of each reference, in the order they came.
    """
    if len(levels) < FIRST + NEWEST:
        return np.full(levels.shape[1], np.nan)
    change = np.median(levels[-NEWEST:], axis=0) - np.median(levels[:FIRST], axis=0)
    sigma = MAD * np.median(np.abs(np.diff(levels, axis=0)), axis=0) / np.sqrt(2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(change == 0, 0.0, change / sigma)


class Reference:
    """The references of one run.

    Parameters
    ----------
    control
        The run's.
    run
        Writes the run's recording.
    writer
        Writes the references; None: there are none.
    stop_at
        The drift that stops the run; 0: none does.

    Attributes
    ----------
    words
        The drift when last measured, for a line of progress.
    """

    def __init__(
        self,
        control: Control,
        run: RecordingWriter,
        writer: RecordingWriter | None,
        stop_at: float = 0.0,
    ) -> None:
        self._control = control
        self._run = run
        self._writer = writer
        self._stop_at = stop_at
        self.words = ""

    @classmethod
    def of_run(
        cls, control: Control, run: RecordingWriter, steps: int, stop_at: float
    ) -> Reference:
        """The references of a run that begins or goes on.

        Raises
        ------
        TwinrigError
            Their folder can't be made or gone on with; the run's recording is closed then.
        """
        if not steps:
            return cls(control, run, None)
        folder = run.folder / FOLDER
        try:
            if folder_at(folder):
                writer, _ = RecordingWriter.resume(folder)
            else:
                writer = RecordingWriter(folder, _header(run.recording, steps))
        except BaseException:
            run.finish("failed")
            raise
        return cls(control, run, writer, stop_at)

    def before(self, position: int, origin_s: float) -> Iterator[Event]:
        """Measure the reference of the repeat at a position of the run's order.

        One that is there from before the run was interrupted stays as it is.

        Raises
        ------
        EndedItselfError
            The device has drifted further than allowed.
        TwinrigError
            As for a repeat.
        """
        writer = self._writer
        if writer is None or writer.recording.order[0, position] >= 0:
            return
        kept = writer.recording
        drive = kept.drive[0]
        yield ReferenceStarted(position, drive, kept.window.field_T(drive))
        began_s, response = yield from repeat_under(self._control, drive, kept.window, kept.reset)
        times = self._control.times.since(origin_s)
        writer.append(0, position, position, began_s - origin_s, response, times)
        writer.beat()
        drifts = drift_of(levels_of(writer.recording))
        channel = int(np.argmax(np.abs(np.nan_to_num(drifts, nan=-1.0))))
        drift, name = float(drifts[channel]), kept.channel_words[channel]
        self.words = f"drift {signed(drift)} σ" if np.isfinite(drift) else ""
        yield ReferenceRecorded(position, response.mean(axis=0), drift, name)
        if self._stop_at and abs(drift) > self._stop_at:
            raise EndedItselfError(
                f"the reference has drifted by {signed(drift)} σ in {name} since the run began, "
                f"beyond --stop-at-drift {self._stop_at:g}: let the device or the rig settle, or "
                "go on with --resume (window: Go on) and a larger one"
            )

    def finish(self, status: str) -> None:
        """Seal both recordings with the run's status; the run's whatever fails with the other."""
        try:
            if self._writer is not None:
                self._writer.finish(status)
        finally:
            self._run.finish(status)


def levels_of(recording: Recording) -> FloatArray:
    """Mean over the steps `(n, C)` of the complete references, in the order they came."""
    done = np.flatnonzero(recording.order[0] >= 0)
    levels: FloatArray = recording.response[0, done].mean(axis=1)
    return levels


def _header(run: Recording, steps: int) -> Recording:
    """The recording of the references to come, under the run's conditions."""
    drive, repeats = reference_drive(steps), run.order.size
    return Recording(
        response=np.full((1, repeats, steps, len(run.channels)), np.nan),
        drive=drive[None],
        lengths=np.array([steps], dtype=np.int64),
        families=(FAMILY,),
        order=np.full((1, repeats), -1, dtype=np.int64),
        start_s=np.full((1, repeats), np.nan),
        channels=run.channels,
        units=run.units,
        window=run.window,
        reset=run.reset,
        settings=run.settings,
        identities=run.identities,
        status="running",
        meta={**run.meta, "id": new_id("rec"), "reference_of": run.meta.get("id", "")},
    )
