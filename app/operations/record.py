"""Record a device's repeated response to field sequences."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import code_version, new_id, now_iso, plain
from app.operations.events import (
    Progress,
    RepeatRecorded,
    RepeatStarted,
    Result,
    RunPlan,
)
from app.operations.results import result_values
from app.operations.run_control import Control, repeat_under
from app.operations.runs import WayOut, energised
from app.operations.step_timing import timing_notes, timing_values
from app.recording_reader import FILE_NAME, folder_of, read_recording
from app.recording_store import RecordingWriter
from models.errors import InputError, RefusedError, TwinrigError, raise_problems
from models.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.clock import Pause
    from models.sequence import DriveWindow, FieldSequence, Reset

SAME_WITHIN = 1e-3  # relative: a reference wobbles by less, no instrument has steps so fine


@dataclass(frozen=True)
class _Asked:
    """What to record: resolved window and reset, `order` `(S·R, 2)` of (sequence, repeat)."""

    sequences: Sequence[FieldSequence]
    repeats: int
    window: DriveWindow
    reset: Reset
    order: NDArray[np.int64]
    meta: dict[str, Any]


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

    Raises
    ------
    RefusedError
        Beyond a limit, or a bench that differs from the one of the run to go on with; nothing is
        energised and nothing created.
    InputError
        Nothing to record, or `out` holds something else.
    TwinrigError
        Failed on the way; what was complete stays.
    """
    if not sequences or repeats < 1:
        raise InputError(f"{len(sequences)} sequences × {repeats} repeats: nothing to record")
    asked = _Asked(
        sequences,
        repeats,
        window or bench.spec.window,
        reset or bench.spec.reset,
        order_of(len(sequences), repeats, seed, interleave=interleave),
        {"seed": seed, "interleave": interleave, **(meta or {})},
    )
    played = [sequences[s] for s, _ in asked.order]
    bench.check_sequences(played, asked.window, asked.reset)
    begin_s = time.monotonic()
    if resume and (complete := _complete(out)) is not None:
        yield Result(result_values(complete, folder_of(out) / FILE_NAME, 0.0))
        return folder_of(out) / FILE_NAME
    writer = _resumed(bench, asked, out) if resume else _begun(bench, asked, out)
    way_out = WayOut(bench, writer.finish, writer.remark)
    try:
        with way_out:
            yield _plan(bench, asked, writer)
            control = Control(bench, writer.remark, writer.beat, pause, retries)
            yield from _repeats(control, asked, writer)
            bench.check_settings()
    except TwinrigError:
        if not way_out.closing:
            yield from way_out.notes()
            yield from timing_notes(writer.recording, bench)
            yield Result(_values(writer, bench, way_out, begin_s))
        raise
    yield from way_out.notes()
    yield from timing_notes(writer.recording, bench)
    yield Result(_values(writer, bench, way_out, begin_s))
    return writer.path


def order_of(
    sequences: int, repeats: int, seed: int, *, interleave: bool = True
) -> NDArray[np.int64]:
    """The order of a run: `(S·R, 2)` pairs (sequence, repeat); the same seed, the same order."""
    pairs = np.array([(s, r) for s in range(sequences) for r in range(repeats)], dtype=np.int64)
    return np.random.default_rng(seed).permutation(pairs) if interleave else pairs


def _begun(bench: Bench, asked: _Asked, out: Path) -> RecordingWriter:
    s, r = len(asked.sequences), asked.repeats
    lengths = np.array([sequence.steps for sequence in asked.sequences], dtype=np.int64)
    drive = np.full((s, int(lengths.max())), np.nan)
    for row, sequence in zip(drive, asked.sequences, strict=True):
        row[: sequence.steps] = sequence.drive
    header = Recording(
        np.full((s, r, drive.shape[1], len(bench.channels)), np.nan),
        drive,
        lengths,
        tuple(sequence.family for sequence in asked.sequences),
        np.full((s, r), -1, dtype=np.int64),
        np.full((s, r), np.nan),
        bench.channels,
        bench.units,
        asked.window,
        asked.reset,
        bench.settings(),
        bench.identities(),
        "running",
        {
            "id": new_id("rec"),
            "created": now_iso(),
            "code_version": code_version(),
            "bench": bench.spec.name,
            "limits": bench.spec.limits,
            **asked.meta,
        },
    )
    return RecordingWriter(out, header)


def _complete(out: Path) -> Recording | None:
    """The recording in `out`, where nothing is missing any more."""
    recording = read_recording(out)
    return recording if recording.status == "done" and recording.complete.all() else None


def _resumed(bench: Bench, asked: _Asked, out: Path) -> RecordingWriter:
    so_far = read_recording(out)
    problems = differences(so_far, bench, asked.window, asked.reset)
    same = len(so_far.families) == len(asked.sequences) and all(
        np.array_equal(drive[:length], sequence.drive)
        for drive, length, sequence in zip(
            so_far.drive, so_far.lengths, asked.sequences, strict=False
        )
    )
    if not same or so_far.response.shape[1] != asked.repeats:
        problems.append("was asked for other sequences or repeats")
    for key in ("seed", "interleave"):
        if so_far.meta.get(key) != asked.meta[key]:
            problems.append(f"{key} was {so_far.meta.get(key)}, now {asked.meta[key]}")
    raise_problems(RefusedError, f"{out} can't be continued", problems)
    writer, _ = RecordingWriter.resume(out)
    writer.remark(f"continued {now_iso()} after it was {so_far.status}")
    return writer


def differences(recording: Recording, bench: Bench, window: DriveWindow, reset: Reset) -> list[str]:
    """What sets a bench apart from the one of a recording, in words; empty where nothing does.

    Numbers among the instruments' settings may differ by `SAME_WITHIN`: some are measured (the
    frequency of an external reference). Window and reset must be the same to the last digit.
    """
    exact: list[tuple[str, Any, Any]] = [
        ("channels", recording.channels, bench.channels),
        ("units", recording.units, bench.units),
        *_members("window", vars(recording.window), vars(window)),
        *_members("reset", vars(recording.reset), vars(reset)),
        *_members("identity of", recording.identities, bench.identities()),
    ]
    now = bench.settings()
    settings = [
        pair
        for name in sorted({*recording.settings, *now})
        for pair in _members(name, recording.settings.get(name, {}), now.get(name, {}))
    ]
    different = [pair for pair in exact if plain(pair[1]) != plain(pair[2])]
    different += [pair for pair in settings if not _same(plain(pair[1]), plain(pair[2]))]
    return [f"{name} was {plain(then)!r}, now {plain(here)!r}" for name, then, here in different]


def _same(then: object, now: object) -> bool:
    if isinstance(then, float) and isinstance(now, float):
        return math.isclose(then, now, rel_tol=SAME_WITHIN)
    return then == now


def _members(
    name: str, then: Mapping[str, Any], now: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    return [(f"{name} {key}", then.get(key), now.get(key)) for key in sorted({*then, *now})]


def _pending(asked: _Asked, done: Recording) -> list[tuple[int, int, int]]:
    """(position, sequence, repeat) of what is still to be recorded, in order."""
    return [
        (position, int(s), int(r))
        for position, (s, r) in enumerate(asked.order)
        if done.order[s, r] < 0
    ]


def _plan(bench: Bench, asked: _Asked, writer: RecordingWriter) -> RunPlan:
    pending = _pending(asked, writer.recording)
    return RunPlan(
        len(asked.sequences),
        asked.repeats,
        max(sequence.steps for sequence in asked.sequences),
        bench.channels,
        bench.units,
        sum(bench.predicted_s(asked.sequences[s].steps) for _, s, _ in pending),
        str(writer.path),
        str(writer.recording.meta.get("id", "")),
    )


def _repeats(control: Control, asked: _Asked, writer: RecordingWriter) -> Iterator[Event]:
    """Energise, and record what is missing, repeat by repeat."""
    bench = control.bench
    pending = _pending(asked, writer.recording)
    total = len(asked.order)
    if not pending:
        return
    yield from energised(bench, writer.remark)
    origin_s = bench.clock.now_s() - _start_of_next(bench, writer.recording)
    begin_s = time.monotonic()
    for index, (position, s, r) in enumerate(pending):
        drive = asked.sequences[s].drive
        yield from control.paused()
        yield RepeatStarted(s, r, position, drive, asked.window.field_T(drive))
        began_s, response = yield from repeat_under(control, drive, asked.window, asked.reset)
        start_s = began_s - origin_s
        writer.append(s, r, position, start_s, response, control.times.since(origin_s))
        yield RepeatRecorded(s, r, position, response, start_s)
        elapsed_s = time.monotonic() - begin_s
        left_s = (elapsed_s - control.waited_s) / (index + 1) * (len(pending) - index - 1)
        done = total - len(pending) + index + 1
        yield Progress("record", done, total, "repeats", elapsed_s, left_s)


def _start_of_next(bench: Bench, done: Recording) -> float:
    """Where the run's time goes on, in s: 0, or behind the last repeat of a continued run."""
    if not done.complete.any():
        return 0.0
    s, r = np.argwhere(done.start_s == np.nanmax(done.start_s))[0]
    return float(done.start_s[s, r]) + float(bench.predicted_s(int(done.lengths[s])))


def _values(
    writer: RecordingWriter, bench: Bench, way_out: WayOut, begin_s: float
) -> dict[str, Any]:
    values = result_values(writer.recording, writer.path, time.monotonic() - begin_s)
    reason = {"reason": way_out.reason} if way_out.reason else {}
    timing = timing_values(writer.recording, bench)
    return {**values, **timing, "status": way_out.status, **reason}
