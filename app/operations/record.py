"""Record a device's repeated response to field sequences."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from app.operations.calibration_notes import calibration_notes
from app.operations.events import (
    Note,
    Progress,
    RepeatRecorded,
    RepeatStarted,
    Result,
    RunPlan,
)
from app.operations.measured_field import field_notes
from app.operations.record_begin import (
    Asked,
    begun,
    complete_in,
    differences,
    drive_kept,
    order_of,
    refuse_full,
    resumed,
)
from app.operations.reference import Reference, reference_drive, reference_problems
from app.operations.results import result_values
from app.operations.run_control import Control
from app.operations.runs import WayOut, energised, start_of_next
from app.operations.step_timing import timing_notes, timing_values
from app.operations.void_repeats import repeat_under
from app.recording_reader import FILE_NAME, folder_of
from models.errors import InputError, TwinrigError, raise_problems
from models.sequence import FieldSequence, refuse_endless

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    from app.operations.events import Event
    from app.recording_store import RecordingWriter
    from instruments.bench import Bench
    from instruments.clock import Pause
    from models.recording import Recording
    from models.sequence import DriveWindow, Reset

__all__ = ["differences", "order_of", "record"]


def record(
    bench: Bench,
    sequences: Sequence[FieldSequence],
    repeats: int,
    out: Path,
    *,
    seed: int = 0,
    interleave: bool = True,
    window: DriveWindow | None = None,
    reset: Reset | None = None,
    meta: Mapping[str, Any] | None = None,
    resume: bool = False,
    pause: Pause | None = None,
    retries: int = 1,
    reference: int = 0,
    stop_at_drift: float = 0.0,
) -> Generator[Event, None, Path]:
    """Record every sequence `repeats` times; the last event is the Result, the value its path.

    Repeats of different sequences are interleaved at random by default: in blocked order a drift
    of the rig would become a difference between sequences.

    Parameters
    ----------
    bench
        Connected; nothing energised. It is made safe at the end, however the run ends.
    sequences, repeats
        What to play, and how often each.
    out
        A new folder, or with `resume` the folder of a run that ended early.
    seed
        Of the order of repeats.
    interleave
        False: all repeats of one sequence after another.
    window, reset
        None: the bench's.
    meta
        sample, operator, temperature_K, notes: kept with the recording.
    resume
        Record only what is missing; the bench must be as it was.
    pause
        Looked at before each repeat; None: nobody asks for one.
    retries
        How often a void repeat is run again before the run ends.
    reference
        Steps of a fixed drive that is measured before each repeat and kept in the folder
        `reference` of `out`; 0: none. With `resume` that of the run.
    stop_at_drift
        The run stops itself where the reference has changed by so many of its own standard
        deviations; 0: never.

    Raises
    ------
    RefusedError
        Beyond a limit, forbidden by a guard, or a bench that differs from the one of the run to go
        on with; nothing is energised and nothing created.
    InputError
        Nothing to record, or `out` holds something else.
    TwinrigError
        Failed on the way; what was complete stays.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    _refuse_nothing(sequences, repeats, reference, stop_at_drift)
    told = {"reference_steps": reference, "stop_at_drift": stop_at_drift} if reference else {}
    asked = Asked(
        sequences,
        repeats,
        window or bench.spec.window,
        reset or bench.spec.reset,
        order_of(len(sequences), repeats, seed, interleave=interleave),
        {"seed": seed, "interleave": interleave, **told, **(meta or {})},
    )
    _check(bench, asked, reference)
    begin_s = time.monotonic()
    if resume and (complete := complete_in(out)) is not None:
        yield Result(result_values(complete, folder_of(out) / FILE_NAME, 0.0))
        return folder_of(out) / FILE_NAME
    bench.refuse_forbidden()
    refuse_full(bench, asked, out, reference, resume=resume)
    writer = resumed(bench, asked, out) if resume else begun(bench, asked, out)
    control = Control(bench, writer.remark, writer.beat, pause, retries, folder=writer.folder)
    watched = Reference.of_run(control, writer, reference, stop_at_drift)
    way_out = WayOut(bench, control.sealing(watched.finish), writer.remark)
    try:
        with way_out:
            yield _plan(bench, asked, writer, reference)
            yield from calibration_notes(bench, out, writer.remark)
            yield from map(Note, drive_kept(bench, asked) if resume else ())
            yield from _repeats(control, asked, writer, watched)
            control.settings.check()
    except TwinrigError:
        if not way_out.closing:
            yield from _ended(writer, bench, way_out, begin_s)
        raise
    yield from _ended(writer, bench, way_out, begin_s)
    return writer.path


def _refuse_nothing(
    sequences: Sequence[FieldSequence], repeats: int, reference: int, stop_at_drift: float
) -> None:
    """Raise InputError where there is nothing to record, or a reference makes no sense."""
    refuse_endless(sequences, repeats, "record")
    problems = reference_problems(reference, stop_at_drift, len(sequences) * repeats)
    raise_problems(InputError, "drift of the device", problems)


def _check(bench: Bench, asked: Asked, reference: int) -> None:
    """Raise RefusedError where anything that will be played would break a limit."""
    before = [FieldSequence(reference_drive(reference), "reference")] if reference else []
    played = [each for s, _ in asked.order for each in (*before, asked.sequences[s])]
    bench.check_sequences(played, asked.window, asked.reset)


def _pending(asked: Asked, done: Recording) -> list[tuple[int, int, int]]:
    """(position, sequence, repeat) of what is still to be recorded, in order."""
    return [
        (position, int(s), int(r))
        for position, (s, r) in enumerate(asked.order)
        if done.order[s, r] < 0
    ]


def _plan(bench: Bench, asked: Asked, writer: RecordingWriter, reference: int) -> RunPlan:
    pending = _pending(asked, writer.recording)
    played, how = [asked.sequences[s] for _, s, _ in pending], (asked.window, asked.reset)
    return RunPlan(
        len(asked.sequences),
        asked.repeats,
        max(sequence.steps for sequence in asked.sequences),
        bench.channels,
        bench.units,
        sum(bench.predicted_s(each.steps, each.length, *how) for each in played)
        + (len(pending) * bench.predicted_s(reference, None, *how) if reference else 0.0),
        str(writer.path),
        str(writer.recording.meta.get("id", "")),
        writer.recording.channel_words,
    )


def _repeats(
    control: Control, asked: Asked, writer: RecordingWriter, reference: Reference
) -> Iterator[Event]:
    """Energise, and record what is missing, repeat by repeat."""
    bench = control.bench
    pending = _pending(asked, writer.recording)
    total = len(asked.order)
    if not pending:
        return
    yield from energised(bench, writer.remark)
    origin_s = bench.clock.now_s() - start_of_next(bench, writer.recording)
    begin_s = time.monotonic()
    for index, (position, s, r) in enumerate(pending):
        drive, holds = asked.sequences[s].drive, asked.sequences[s].holds
        yield from control.paused()
        yield from reference.before(position, origin_s)
        yield RepeatStarted(s, r, position, drive, asked.window.field_T(drive))
        began_s, response = yield from repeat_under(
            control, drive, asked.window, asked.reset, holds
        )
        start_s = began_s - origin_s
        writer.append(s, r, position, start_s, response, control.times.since(origin_s))
        yield RepeatRecorded(s, r, position, response, start_s)
        control.settings.recorded(position)
        elapsed_s = time.monotonic() - begin_s
        left_s = (elapsed_s - control.waited_s) / (index + 1) * (len(pending) - index - 1)
        done = total - len(pending) + index + 1
        yield Progress("record", done, total, "repeats", elapsed_s, left_s, reference.words)


def _ended(
    writer: RecordingWriter, bench: Bench, way_out: WayOut, begin_s: float
) -> Iterator[Event]:
    """What a run says at its end, however that came."""
    yield from way_out.notes()
    yield from timing_notes(writer, bench)
    yield from field_notes(writer, bench)
    values = result_values(writer.recording, writer.path, time.monotonic() - begin_s)
    reason = {"reason": way_out.reason} if way_out.reason else {}
    timing = timing_values(writer, bench)
    yield Result({**values, **timing, "status": way_out.status, **reason})
