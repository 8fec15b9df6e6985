"""Calibrate a magnet: its current walked up and down, the field measured by a teslameter."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.calibrated_bench import refuse_unwritable
from app.calibration_store import (
    FILE_NAME,
    Stored,
    last_calibration,
    save_calibration,
)
from app.calibration_words import dated_later, off_the_last, question, verdict
from app.operations.calibrate_begin import (
    CHANNELS,
    UNITS,
    Asked,
    asked,
    calibration_bench,
    is_stored,
    kept_plan,
    last_point,
    to_go_on,
    writer_of,
)
from app.operations.calibrate_end import stored_already, told
from app.operations.events import (
    Note,
    PointMeasured,
    Progress,
    RepeatRecorded,
    RepeatStarted,
    Result,
    RunPlan,
)
from app.operations.results import result_values
from app.operations.runs import WayOut, energised
from app.recording_reader import folder_of
from instruments.calibration import Calibration, fit_calibration
from instruments.calibration_walk import BRANCHES, CalibrationPlan, measure_point, refuse_moved
from instruments.link_errors import LinkError, WrongInstrumentError
from models.errors import StoppedError, TwinrigError, raise_problems
from models.recording import StepTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from app.operations.events import Event
    from app.recording_store import RecordingWriter
    from instruments.bench import Bench
    from instruments.calibration_walk import FieldPoint

    FloatArray = NDArray[np.float64]

__all__ = ["BRANCHES", "CHANNELS", "calibrate", "calibration_bench", "kept_plan"]


@dataclass(frozen=True)
class _Run:
    """A calibration under way: of what, and where it is kept; `first` is the branch it began at."""

    bench: Bench
    asked: Asked
    branches_A: tuple[FloatArray, ...]
    writer: RecordingWriter
    first: int


def calibrate(
    bench: Bench,
    out: Path,
    *,
    plan: CalibrationPlan | None = None,
    confirm: Callable[[str], bool] | None = None,
    magnet: str | None = None,
    teslameter: str | None = None,
    resume: bool = False,
    write_bench: Path | None = None,
) -> Generator[Event, None, Path]:
    """Measure the field over the current of a magnet, from zero up, all down, and up.

    The last event is the Result, the value the path of `calibration.json`; the recording beside it
    has the sequences `BRANCHES` and the channels `CHANNELS`. The bench file is never changed.

    A branch is whole or is walked again: half of one has no history that the other half shares.

    Parameters
    ----------
    bench
        Connected, of a `calibration_bench` or whole; made safe at the end, however the run ends.
    out
        A new folder, or with `resume` that of a calibration which ended early.
    plan
        What is walked; None: the usual. With `resume` that of the calibration.
    confirm
        Asked first, with what is about to happen; None: nobody is.
    magnet, teslameter
        Others than the drive's and the only one.
    resume
        Walk only the branches that are missing.
    write_bench
        A new file: the bench file with the calibration that was found.

    Raises
    ------
    RefusedError
        A limit would be broken, a guard forbids current, the teslameter measures something else, or
        what is to go on is of another bench; nothing was energised.
    InputError
        `out` or `write_bench` holds something else.
    StoppedError
        Stop was requested, or the answer was no.
    TwinrigError
        Failed on the way, or the field doesn't follow the current; what was measured stays.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    what = asked(bench, plan or CalibrationPlan(), magnet, teslameter)
    refuse_unwritable(bench.spec, what.magnet.name, write_bench)
    if resume and is_stored(out):
        yield from stored_already(bench, what, out, write_bench)
        return folder_of(out) / FILE_NAME
    what = to_go_on(bench, what, out) if resume else what
    what.plan.refuse(what.magnet, what.first)
    what.meter.prepare()
    if what.first < len(BRANCHES):
        bench.refuse_forbidden()
    last = last_calibration(out, bench.spec.name, what.magnet.name, what.magnet.magnet.identity)
    before = off_the_last(what.magnet, bench.spec, last)
    for words in before:
        yield Note(words, "warning")
    if confirm is not None:
        _ask(confirm, what)
    begin_s = time.monotonic()
    branches_A = what.plan.branches_A(what.magnet.limits)
    run = _Run(bench, what, branches_A, writer_of(bench, what, out), what.first)
    writer = run.writer
    way_out = WayOut(bench, writer.finish, writer.remark)
    try:
        with way_out:
            yield _run_plan(run)
            if run.first < len(BRANCHES):
                yield from energised(bench, writer.remark, steps=False)
                yield from _walk(run)
            found = _fitted(run)
            said = verdict(found, bench.spec, what.magnet, what.plan, last)
            said += dated_later(writer.recording.meta["created"], last)
            for words in (*before, *said):
                writer.remark(words)
    except TwinrigError:
        if not way_out.closing:
            yield from _ended_early(writer, way_out, begin_s)
        raise
    yield from way_out.notes()
    stored = _stored(run, found)
    path = save_calibration(out, stored)
    values = result_values(writer.recording, writer.path, time.monotonic() - begin_s)
    yield from told(bench, replace(stored, path=path), last, said, write_bench, values)
    return path


def _ask(confirm: Callable[[str], bool], what: Asked) -> None:
    """Ask before anything is energised; StoppedError where the answer is no."""
    if what.first >= len(BRANCHES):
        return
    if not confirm(question(what.magnet, what.meter.name, what.plan, BRANCHES[what.first :])):
        raise StoppedError("not energised: nobody said yes")


def _ended_early(
    writer: RecordingWriter, way_out: WayOut, begin_s: float
) -> Generator[Event, None, None]:
    """What is said of a calibration that failed or was stopped on the way."""
    yield from way_out.notes()
    values = result_values(writer.recording, writer.path, time.monotonic() - begin_s)
    reason = {"reason": way_out.reason} if way_out.reason else {}
    yield Result({**values, "status": way_out.status, **reason})


def _walk(run: _Run) -> Generator[Event, None, None]:
    """The missing branches, each on disk when it is complete."""
    recording = run.writer.recording
    sizes = [branch.size for branch in run.branches_A]
    total, done = sum(sizes), sum(sizes[: run.first])
    seen_s = recording.read_s[np.isfinite(recording.read_s)]
    origin_s = run.bench.clock.now_s() - (float(seen_s.max()) if seen_s.size else 0.0)
    begin_s, kept = time.monotonic(), done
    if run.first:
        yield from _brought_back(run)
    for number in range(run.first, len(BRANCHES)):
        branch_A = run.branches_A[number]
        yield from _branch(run, number, branch_A, origin_s)
        done += branch_A.size
        elapsed_s = time.monotonic() - begin_s
        left_s = elapsed_s / (done - kept) * (total - done)
        yield Progress("calibrate", done, total, "points", elapsed_s, left_s)


def _branch(
    run: _Run, number: int, branch_A: FloatArray, origin_s: float
) -> Generator[Event, None, None]:
    """One branch, point by point."""
    magnet, clock = run.asked.magnet, run.bench.clock
    scale = magnet.limits.tesla_per_ampere
    drive = run.writer.recording.drive[number, : branch_A.size]
    yield RepeatStarted(number, 0, number, drive, branch_A * scale)
    start_s = clock.now_s() - origin_s
    response = np.full((branch_A.size, len(CHANNELS)), np.nan)
    times = StepTimes.absent(branch_A.size)
    for step, current_A in enumerate(branch_A.tolist()):
        point = yield from _point(run, current_A)
        response[step] = point.set_A, point.measured_A, point.field_T, point.noise_T
        times.set_s[step], times.read_s[step] = magnet.there_s, clock.now_s()
        times.measured_field_T[step] = point.field_T
        run.writer.beat()
        yield PointMeasured(magnet.name, number, step, point.set_A, point.measured_A, point.field_T)
    found = run.bench.magnet_problems()  # read-outs take no part, nor do their overloads
    run.bench.stop.check()  # what Stop has cut short says nothing
    raise_problems(TwinrigError, f"bench {run.bench.spec.name!r}, the last branch is void", found)
    run.writer.append(number, 0, number, start_s, response, times.since(origin_s))
    yield RepeatRecorded(number, 0, number, response, start_s)


def _brought_back(run: _Run) -> Generator[Event, None, None]:
    """To where the first missing branch begins, by the way of those before; the probe compared."""
    for branch_A in run.branches_A[: run.first]:
        point = yield from _point(run, float(branch_A[-1]))
        run.writer.beat()
    refuse_moved(run.asked.meter.name, last_point(run.asked), point)


def _point(run: _Run, current_A: float) -> Generator[Event, None, FieldPoint]:
    """One point; where a reply was lost or late on the way it is set and read once more."""
    what = run.asked
    try:
        return measure_point(what.magnet, what.meter, current_A, what.plan)
    except WrongInstrumentError:
        raise
    except LinkError as error:
        words = f"a point was void and is measured once more: {error}"
        run.writer.remark(words)
        yield Note(words, "warning")
        return measure_point(what.magnet, what.meter, current_A, what.plan)


def _fitted(run: _Run) -> Calibration:
    """The line through falling and rising; raises where the field doesn't follow the current."""
    response = run.writer.recording.response[:, 0]
    falling, rising = response[1, :, :], response[2, ::-1, :]  # both from the highest current
    noise_T = float(np.sqrt(np.nanmean(np.square(response[:, :, CHANNELS.index("error")]))))
    found = fit_calibration(falling[:, 0], falling[:, 2], rising[:, 2], noise_T)
    if not found.sees_the_magnet:
        raise TwinrigError(
            f"magnet {run.asked.magnet.name}: the field at {run.asked.meter.name} doesn't follow "
            f"the current ({found.tesla_per_ampere:.3g} ± {found.tesla_per_ampere_error:.2g} "
            "T/A); look whether the probe is in the gap, across the field, without its cover"
        )
    return found


def _stored(run: _Run, found: Calibration) -> Stored:
    recording = run.writer.recording
    return Stored(
        found,
        run.asked.magnet.name,
        run.asked.meter.name,
        run.bench.spec.name,
        recording.meta["created"],
        recording.meta["id"],
        run.asked.magnet.limits.tesla_per_ampere,
        dict(recording.identities),
    )


def _run_plan(run: _Run) -> RunPlan:
    recording = run.writer.recording
    return RunPlan(
        len(BRANCHES),
        1,
        int(recording.lengths.max()),
        CHANNELS,
        UNITS,
        run.asked.plan.seconds(run.asked.magnet, run.first),
        str(run.writer.path),
        str(recording.meta["id"]),
    )
