"""Calibrate a magnet: its current walked up and down, the field measured by a teslameter."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import code_version, new_id, now_iso
from app.calibration_store import Stored, last_calibration, save_calibration
from app.calibration_words import question, verdict
from app.operations.events import (
    Note,
    Progress,
    RepeatRecorded,
    RepeatStarted,
    Result,
    RunPlan,
    StepRead,
)
from app.operations.results import result_values
from app.operations.runs import WayOut, energised
from app.recording_store import RecordingWriter
from instruments.calibration import Calibration, fit_calibration
from instruments.calibration_walk import BRANCHES, CalibrationPlan, chosen, measure_point
from instruments.link_errors import LinkError, WrongInstrumentError
from models.errors import StoppedError, TwinrigError
from models.recording import Recording, StepTimes
from models.sequence import DriveWindow, Reset

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.bench_spec import BenchSpec
    from instruments.calibration_walk import FieldPoint
    from instruments.limits import LimitedMagnet
    from instruments.protocols import Teslameter

    FloatArray = NDArray[np.float64]

CHANNELS, UNITS = ("set", "current", "field"), ("A", "A", "T")


def calibration_bench(
    spec: BenchSpec, magnet: str | None = None, teslameter: str | None = None
) -> BenchSpec:
    """The part of a bench that a calibration needs: read-outs only where they guard.

    Raises
    ------
    InputError
        No such magnet or teslameter, or none.
    """
    magnet, teslameter = chosen(spec, magnet, teslameter)
    guards = {lock.instrument for lock in spec.interlocks.values()}
    return replace(
        spec,
        drive_magnet=magnet,
        rotation=None,
        readouts={name: one for name, one in spec.readouts.items() if name in guards},
        teslameters={teslameter: spec.teslameters[teslameter]},
    )


@dataclass(frozen=True)
class _Run:
    """A calibration under way: who, how, and where it is kept."""

    bench: Bench
    magnet: LimitedMagnet
    meter: Teslameter
    plan: CalibrationPlan
    branches_A: tuple[FloatArray, ...]
    writer: RecordingWriter
    noise_T: list[float]


def calibrate(
    bench: Bench,
    out: Path,
    *,
    plan: CalibrationPlan | None = None,
    confirm: Callable[[str], bool] | None = None,
) -> Generator[Event, None, Path]:
    """Measure the field over the current of the drive's magnet, from zero up, all down, and up.

    The last event is the Result, the value the path of `calibration.json`; the recording beside it
    has the sequences `BRANCHES` and the channels `CHANNELS`. The bench file is never changed.

    Parameters
    ----------
    bench
        Connected, of a `calibration_bench`; made safe at the end, however the run ends.
    out
        A new folder.
    plan
        What is walked; None: the usual.
    confirm
        Asked first, with what is about to happen; None: nobody is.

    Raises
    ------
    RefusedError
        A limit would be broken, or the teslameter measures something else; nothing was energised.
    StoppedError
        Stop was requested, or the answer was no.
    TwinrigError
        Failed on the way, or the field doesn't follow the current; what was measured stays.
    """
    plan = plan or CalibrationPlan()
    magnet = bench.magnets[bench.spec.drive_magnet]
    meter = next(iter(bench.teslameters.values()))
    plan.refuse(magnet)
    meter.prepare()
    if confirm is not None and not confirm(question(magnet, meter.name, plan)):
        raise StoppedError("not energised: nobody said yes")
    begin_s = time.monotonic()
    writer = RecordingWriter(out, _header(bench, magnet, meter, plan))
    run = _Run(bench, magnet, meter, plan, plan.branches_A(magnet.limits), writer, [])
    way_out = WayOut(bench, writer.finish, writer.remark)
    try:
        with way_out:
            yield _run_plan(run)
            yield from energised(bench, writer.remark)
            yield from _walk(run)
            found = _fitted(run)
            last = last_calibration(out, bench.spec.name, magnet.name)
            said = verdict(found, bench.spec, magnet, plan, last)
            for words in said:
                writer.remark(words)
    except TwinrigError:
        if not way_out.closing:
            yield from way_out.notes()
            values = result_values(writer.recording, writer.path, time.monotonic() - begin_s)
            reason = {"reason": way_out.reason} if way_out.reason else {}
            yield Result({**values, "status": way_out.status, **reason})
        raise
    yield from way_out.notes()
    path = save_calibration(out, _stored(run, found))
    for words in said:
        yield Note(words, "warning")
    values = result_values(writer.recording, writer.path, time.monotonic() - begin_s)
    yield Result({**values, "calibration": str(path), **_numbers(run, found)})
    return path


def _walk(run: _Run) -> Generator[Event, None, None]:
    """All branches, each on disk when it is complete."""
    total, done = sum(branch.size for branch in run.branches_A), 0
    origin_s, begin_s = run.bench.clock.now_s(), time.monotonic()
    scale = run.magnet.limits.tesla_per_ampere
    for number, branch_A in enumerate(run.branches_A):
        drive = run.writer.recording.drive[number, : branch_A.size]
        yield RepeatStarted(number, 0, number, drive, branch_A * scale)
        start_s = run.bench.clock.now_s() - origin_s
        response = np.full((branch_A.size, len(CHANNELS)), np.nan)
        times = StepTimes.absent(branch_A.size)
        for step, current_A in enumerate(branch_A.tolist()):
            point = yield from _point(run, current_A)
            response[step] = point.set_A, point.measured_A, point.field_T
            times.set_s[step], times.read_s[step] = run.magnet.there_s, run.bench.clock.now_s()
            times.measured_field_T[step] = point.field_T
            run.writer.beat()
            yield StepRead(step, current_A * scale, point.set_A, response[step].copy())
        run.bench.verify()
        run.writer.append(number, 0, number, start_s, response, times.since(origin_s))
        yield RepeatRecorded(number, 0, number, response, start_s)
        done += branch_A.size
        elapsed_s = time.monotonic() - begin_s
        left_s = elapsed_s / done * (total - done)
        yield Progress("calibrate", done, total, "points", elapsed_s, left_s)


def _point(run: _Run, current_A: float) -> Generator[Event, None, FieldPoint]:
    """One point; where a reply was lost or late on the way it is set and read once more."""
    try:
        point = measure_point(run.magnet, run.meter, current_A, run.plan)
    except WrongInstrumentError:
        raise
    except LinkError as error:
        words = f"a point was void and is measured once more: {error}"
        run.writer.remark(words)
        yield Note(words, "warning")
        point = measure_point(run.magnet, run.meter, current_A, run.plan)
    run.noise_T.append(point.noise_T)
    return point


def _fitted(run: _Run) -> Calibration:
    """The line through falling and rising; raises where the field doesn't follow the current."""
    response = run.writer.recording.response[:, 0]
    falling, rising = response[1, :, :], response[2, ::-1, :]  # both from the highest current
    noise_T = float(np.sqrt(np.mean(np.square(run.noise_T))))
    found = fit_calibration(falling[:, 0], falling[:, 2], rising[:, 2], noise_T)
    if not found.sees_the_magnet:
        raise TwinrigError(
            f"magnet {run.magnet.name}: the field at {run.meter.name} doesn't follow the current "
            f"({found.tesla_per_ampere:.3g} ± {found.tesla_per_ampere_error:.2g} T/A); look "
            "whether the probe is in the gap, across the field, without its cover"
        )
    return found


def _numbers(run: _Run, found: Calibration) -> dict[str, Any]:
    """What the result line says."""
    bench_says = run.magnet.limits.tesla_per_ampere
    return {
        **asdict(found),
        "differs_from_bench": found.differs(bench_says),
        "bench_tesla_per_ampere": bench_says,
        "magnet": run.magnet.name,
        "teslameter": run.meter.name,
    }


def _stored(run: _Run, found: Calibration) -> Stored:
    recording = run.writer.recording
    return Stored(
        found,
        run.magnet.name,
        run.meter.name,
        run.bench.spec.name,
        recording.meta["created"],
        recording.meta["id"],
        run.magnet.limits.tesla_per_ampere,
        dict(recording.identities),
    )


def _header(
    bench: Bench, magnet: LimitedMagnet, meter: Teslameter, plan: CalibrationPlan
) -> Recording:
    """The recording to come; drive 0…1 is the field by the bench file, from end to end."""
    branches_A = plan.branches_A(magnet.limits)
    scale = magnet.limits.tesla_per_ampere
    top_T = float(branches_A[0][-1]) * abs(scale)
    lengths = np.array([branch.size for branch in branches_A], dtype=np.int64)
    count, longest = len(BRANCHES), int(lengths.max())
    drive = np.full((count, longest), np.nan)
    for row, branch_A in zip(drive, branches_A, strict=True):
        row[: branch_A.size] = np.clip((branch_A * scale / top_T + 1) / 2, 0.0, 1.0)
    return Recording(
        np.full((count, 1, longest, len(CHANNELS)), np.nan),
        drive,
        lengths,
        BRANCHES,
        np.full((count, 1), -1, dtype=np.int64),
        np.full((count, 1), np.nan),
        CHANNELS,
        UNITS,
        DriveWindow("step", -top_T, top_T, plan.settle_s),
        Reset(0.0),
        {**bench.settings(), meter.name: meter.settings()},
        bench.identities(),
        "running",
        {
            "id": new_id("cal"),
            "created": now_iso(),
            "code_version": code_version(),
            "kind": "calibration",
            "bench": bench.spec.name,
            "limits": bench.spec.limits,
            "calibration": {"magnet": magnet.name, "teslameter": meter.name, **asdict(plan)},
        },
    )


def _run_plan(run: _Run) -> RunPlan:
    recording = run.writer.recording
    return RunPlan(
        len(BRANCHES),
        1,
        int(recording.lengths.max()),
        CHANNELS,
        UNITS,
        run.plan.seconds(run.magnet),
        str(run.writer.path),
        str(recording.meta["id"]),
    )
