"""Measured repeats from elsewhere become a recording: `.npz`, `.npy`, `.csv`, `.nc`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.artefacts import code_version, new_directory, new_id, now_iso, sha256_of
from app.operations.events import Note, Result
from app.operations.import_map import AXES, Mapping, parse_map
from app.operations.import_read import read_arrays
from app.operations.results import result_values
from app.recording_store import write_recording
from models.errors import InputError, raise_problems
from models.recording import Recording
from models.sequence import DriveWindow, Reset

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from app.operations.events import Event

    Array = NDArray[np.float64]


def import_measured(
    file: Path, mapping: str | Sequence[str], out: Path
) -> Generator[Event, None, Path]:
    """Read repeats, name their axes, write a recording; the last event is the Result.

    Parameters
    ----------
    file
        `.npz`, `.npy`, `.csv` (one row a step or a repeat, a header line is allowed) or `.nc`.
    mapping
        What is what; `app.operations.import_map` gives the grammar. Axes that are not named get
        length 1. Without a drive the step's index, scaled to 0…1, stands for it: one fixed,
        unknown drive, for which the step is the input.
    out
        A new folder.

    Raises
    ------
    InputError
        The file or the map: all faults at once, with what the file holds.
    TwinrigError
        The disk refuses.
    """
    begin_s = time.monotonic()
    file = Path(file)
    arrays = read_arrays(file)
    asked = parse_map(mapping, {name: array.shape for name, array in arrays.items()}, file)
    response = in_order(arrays[asked.response], asked.response_axes)
    drive, is_known = _drive(arrays, asked, response, file)
    lengths = _lengths(drive)
    _refuse_unusable(file, response, drive, lengths)
    new_directory(out)
    notes = _notes(response, lengths, is_known)
    recording = _recording(file, asked, response, drive, lengths, [text for text, _ in notes])
    for text, level in notes:
        yield Note(text, level)
    path = write_recording(out, recording)
    yield Result(result_values(recording, path, time.monotonic() - begin_s))
    return path


def in_order(array: Array, axes: tuple[str, ...], wanted: tuple[str, ...] = AXES) -> Array:
    """An array with its axes moved into the order `wanted`; absent ones get length 1."""
    present = [axis for axis in wanted if axis in axes]
    moved = np.transpose(array, [axes.index(axis) for axis in present])
    return moved.reshape([array.shape[axes.index(a)] if a in axes else 1 for a in wanted])


def _drive(
    arrays: dict[str, Array], asked: Mapping, response: Array, file: Path
) -> tuple[Array, bool]:
    """The drive `(S, T)`, and whether it is a known one."""
    sequences, _, steps, _ = response.shape
    if asked.drive is None:
        return np.tile(np.linspace(0.0, 1.0, steps), (sequences, 1)), False
    drive = in_order(arrays[asked.drive], asked.drive_axes, ("sequence", "step"))
    if drive.shape[0] == 1:
        drive = np.tile(drive, (sequences, 1))
    if drive.shape != (sequences, steps):
        raise InputError(
            f"{file}: drive {asked.drive!r} gives {drive.shape[0]} sequences × {drive.shape[1]} "
            f"steps, the response {sequences} × {steps}"
        )
    return drive, True


def _lengths(drive: Array) -> NDArray[np.int64]:
    """Steps of each sequence: up to the last drive that is a number."""
    known = np.isfinite(drive)
    last = drive.shape[1] - np.argmax(known[:, ::-1], axis=1)
    return np.where(known.any(axis=1), last, 0).astype(np.int64)


def _refuse_unusable(file: Path, response: Array, drive: Array, lengths: NDArray[np.int64]) -> None:
    problems = []
    for s, length in enumerate(lengths):
        used, inside = response[s, :, :length], drive[s, :length]
        if length == 0 or not np.isfinite(inside).all():
            problems.append(f"the drive of sequence {s} holds values that are not numbers")
        elif inside.min() < 0 or inside.max() > 1:
            problems.append(
                f"the drive of sequence {s} spans {inside.min():g}…{inside.max():g}, expected "
                "0…1: scale it by the field window first"
            )
        if np.isinf(used).any():
            problems.append(f"sequence {s} holds {int(np.isinf(used).sum())} infinite values")
        if not np.isfinite(used).all(axis=(1, 2)).any():
            problems.append(f"sequence {s} has no repeat without gaps (NaN)")
    if not np.nan_to_num(response).any():
        problems.append("the response is zero or NaN everywhere")
    raise_problems(InputError, str(file), problems)


def _notes(response: Array, lengths: NDArray[np.int64], is_known: bool) -> list[tuple[str, str]]:
    """Sentences with their level about what a user should know."""
    notes = []
    if not is_known:
        notes.append(
            ("no drive given: the step's index, scaled to 0…1, stands for one fixed drive", "info")
        )
    used = np.arange(response.shape[2]) < lengths[:, None]
    gaps = ~np.isfinite(response).all(axis=3) & used[:, None, :]
    incomplete = int(gaps.any(axis=2).sum())
    if incomplete:
        notes.append((f"{incomplete} repeats have gaps (NaN) and count as not recorded", "warning"))
    spans = np.nanmax(response, axis=(0, 1, 2)) - np.nanmin(response, axis=(0, 1, 2))
    constant = np.flatnonzero(spans == 0).tolist()
    if constant:
        notes.append((f"channels {constant} are constant: a twin learns nothing there", "warning"))
    if response.shape[1] < 2:
        notes.append(("one repeat only: nothing can be said about noise", "warning"))
    return notes


def _recording(
    file: Path,
    asked: Mapping,
    response: Array,
    drive: Array,
    lengths: NDArray[np.int64],
    remarks: list[str],
) -> Recording:
    s, r, _, c = response.shape
    clean = np.full_like(response, np.nan)
    order = np.full((s, r), -1, dtype=np.int64)
    for i, length in enumerate(lengths):
        for j in range(r):
            if np.isfinite(response[i, j, :length]).all():
                clean[i, j, :length] = response[i, j, :length]
                order[i, j] = i * r + j
    origin = {"path": str(file.resolve()), "sha256": sha256_of(file), "map": asked.text}
    return Recording(
        clean,
        drive,
        lengths,
        ("given" if asked.drive else "fixed",) * s,
        order,
        np.where(order >= 0, 0.0, np.nan),
        asked.channels or tuple(f"c{i}" for i in range(c)),
        asked.units * (c if len(asked.units) == 1 else 1),
        DriveWindow("step", 0.0, 1.0),
        Reset(0.0),
        status="done",
        meta={
            "id": new_id("rec"),
            "created": now_iso(),
            "code_version": code_version(),
            "imported": origin,
            "remarks": remarks,
            "notes": "field window and reset are unknown: 0…1 T stands for drive 0…1",
        },
    )
