"""How a recording begins, or goes on: what was asked, in which order, on which bench."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import code_version, new_id, now_iso, plain
from app.journal import NAME as JOURNAL_NAME
from app.operations.record_room import TIMES, recording_bytes, room_problems
from app.recording_reader import FILE_NAME, folder_of, read_recording
from app.recording_store import RecordingWriter
from models.errors import RefusedError, raise_problems
from models.paths import file_at
from models.recording import Recording, stacked
from models.sequence import same_sequences
from models.settings import as_told, differing
from models.slopes import slopes_apart, slopes_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from instruments.bench import Bench
    from models.network import Device
    from models.sequence import DriveWindow, FieldSequence, Reset


@dataclass(frozen=True)
class Asked:
    """What to record: resolved window and reset, `order` `(S·R, 2)` of (sequence, repeat)."""

    sequences: Sequence[FieldSequence]
    repeats: int
    window: DriveWindow
    reset: Reset
    order: NDArray[np.int64]
    meta: dict[str, Any]


def order_of(
    sequences: int, repeats: int, seed: int, *, interleave: bool = True
) -> NDArray[np.int64]:
    """The order of a run: `(S·R, 2)` pairs (sequence, repeat); the same seed, the same order."""
    pairs = np.array([(s, r) for s in range(sequences) for r in range(repeats)], dtype=np.int64)
    return np.random.default_rng(seed).permutation(pairs) if interleave else pairs


def begun(bench: Bench, asked: Asked, out: Path) -> RecordingWriter:
    """The writer of a new recording."""
    s, r, played = len(asked.sequences), asked.repeats, stacked(asked.sequences)
    settings = bench.settings()  # before the units, which follow them
    header = Recording(
        np.full((s, r, played["drive"].shape[1], len(bench.channels)), np.nan),
        order=np.full((s, r), -1, dtype=np.int64),
        start_s=np.full((s, r), np.nan),
        channels=bench.channels,
        units=bench.units,
        window=asked.window,
        reset=asked.reset,
        settings=settings,
        identities=bench.identities(),
        status="running",
        meta={
            "id": new_id("rec", out),
            "created": now_iso(),
            "code_version": code_version(),
            "bench": bench.spec.name,
            "limits": bench.spec.limits,
            "driven": [magnet.name for magnet in bench.drives],
            "gate_s": bench.spec.gate_s,
            **asked.meta,
        },
        **played,
    )
    return RecordingWriter(out, header)


def refuse_full(bench: Bench, asked: Asked, out: Path, reference: int, *, resume: bool) -> None:
    """Raise RefusedError where the disk has no room for what is (still) to be recorded."""
    lengths = [s.steps for s in asked.sequences]
    needed = recording_bytes(lengths, asked.repeats, len(bench.channels), reference)
    times = TIMES
    if resume:
        complete = read_recording(out).complete
        times -= file_at(folder_of(out) / FILE_NAME)
        times -= file_at(folder_of(out) / JOURNAL_NAME) * float(complete.mean())
    problems = [f"{words}: free some space" for words in room_problems(needed, out, times)]
    raise_problems(RefusedError, str(out), problems)


def complete_in(out: Path) -> Recording | None:
    """The recording in `out`, where nothing is missing any more."""
    recording = read_recording(out)
    return recording if recording.status == "done" and recording.complete.all() else None


def resumed(bench: Bench, asked: Asked, out: Path) -> RecordingWriter:
    """The writer of a recording to go on with; refused where it is another's."""
    so_far = read_recording(out)
    problems = differences(so_far, bench, asked.window, asked.reset) + driven_apart(so_far, bench)
    same = same_sequences(so_far.sequences(), asked.sequences)
    if not same or so_far.response.shape[1] != asked.repeats:
        problems.append("was asked for other sequences or repeats")
    for key in ("seed", "interleave", "reference_steps"):
        if so_far.meta.get(key) != asked.meta.get(key):
            problems.append(f"{key} was {so_far.meta.get(key)}, now {asked.meta.get(key)}")
    gate_s = so_far.meta.get("gate_s", bench.spec.gate_s)  # an older version did not keep it
    if gate_s != bench.spec.gate_s and any(sequence.held for sequence in asked.sequences):
        problems.append(
            f"gate_s was {gate_s:g}, now {bench.spec.gate_s:g}: steps of several holds would last "
            "otherwise"
        )
    raise_problems(RefusedError, f"{out} can't be continued", problems)
    writer, _ = RecordingWriter.resume(out)
    writer.remark(f"continued {now_iso()} after it was {so_far.status}")
    then, now = (float(of.get("stop_at_drift", 0) or 0) for of in (so_far.meta, asked.meta))
    if then != now:
        writer.remark(f"stops from here on at a drift of {now:g} σ (0: never), not {then:g}")
        writer.recording.meta["stop_at_drift"] = now
    return writer


def drive_kept(bench: Bench, asked: Asked) -> list[str]:
    """What the bench file says otherwise than a run that goes on with its own, in words."""
    spec = bench.spec
    pairs = [
        *members("[drive]", vars(asked.window), vars(spec.window)),
        *members("[reset]", vars(asked.reset), vars(spec.reset)),
    ]
    return [
        f"{name} = {says!r} in the bench file, {here!r} in this run, which goes on as it was "
        "begun: to change it, begin another with --out"
        for name, here, says in pairs
        if here != says
    ]


def driven_apart(so_far: Recording, bench: Bench) -> list[str]:
    """How the field is made otherwise than in a recording to go on with, in words; asks nobody.

    By another magnet, or by another current: its repeats would be of two experiments.
    """
    then, now = so_far.meta.get("driven"), [magnet.name for magnet in bench.drives]
    found = [] if then in (None, now) else [f"driven magnets was {then!r}, now {now!r}"]
    way_out = "; take the bench file of then, or begin another with --out"
    return found + [
        words + way_out for words in slopes_apart(slopes_of(so_far.meta), slopes(bench))
    ]


def slopes(bench: Bench) -> dict[str, float]:
    """Field per current of each magnet that makes a bench's field."""
    return {magnet.name: magnet.limits.tesla_per_ampere for magnet in bench.drives}


def differences(
    recording: Recording | Device, bench: Bench, window: DriveWindow, reset: Reset
) -> list[str]:
    """What sets a bench apart from the one of a recording, in words; empty where nothing does.

    Numbers among the instruments' settings may wobble (`models.settings`): some are measured (the
    frequency of an external reference). Window and reset must be the same to the last digit.
    """
    settings = bench.settings()  # before the units, which follow them
    exact: list[tuple[str, Any, Any]] = [
        ("channels", recording.channels, bench.channels),
        ("units", recording.units, bench.units),
        *members("window", vars(recording.window), vars(window)),
        *members("reset", vars(recording.reset), vars(reset)),
        *members("identity of", recording.identities, bench.identities()),
    ]
    return apart(exact, recording.settings, settings)


def apart(
    exact: Sequence[tuple[str, Any, Any]],
    then: Mapping[str, Mapping[str, Any]],
    now: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """What differs in words: of `exact` (name, then, now), and of the instruments' settings."""
    different = [pair for pair in exact if plain(pair[1]) != plain(pair[2])]
    return [f"{name} was {plain(was)!r}, now {plain(here)!r}" for name, was, here in different] + [
        f"{name} {key} was {as_told(was)}, now {as_told(here)}"
        for name, key, was, here in differing(plain(then), plain(now))
    ]


def members(
    name: str, then: Mapping[str, Any], now: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    """The members of two tables side by side: (name, then, now)."""
    return [(f"{name} {key}", then.get(key), now.get(key)) for key in sorted({*then, *now})]
