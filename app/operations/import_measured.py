"""Measured repeats from elsewhere become a recording: tables, arrays, waveforms, public sets."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import code_version, new_directory, new_id, now_iso, sha256_of
from app.operations.events import Note, Progress, Result
from app.operations.import_map import parse_map
from app.operations.import_nanoring import is_nanoring, nanoring_map, pairs_in, read_nanoring
from app.operations.import_prepare import drive_window, in_order, measured
from app.operations.import_read import read_found
from app.operations.results import result_values
from app.recording_store import write_recording
from models.errors import InputError, raise_problems
from models.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from app.foreign_files import Found
    from app.operations.events import Event
    from app.operations.import_map import Mapping
    from app.operations.import_prepare import Measured
    from models.sequence import DriveWindow, Reset

    Array = NDArray[np.float64]
    Remarks = list[tuple[str, str]]

__all__ = ["import_measured", "in_order"]

MOST_PROBLEMS = 12


def import_measured(
    file: Path, mapping: str | Sequence[str], out: Path
) -> Generator[Event, None, Path]:
    """Read repeats, name their axes, write a recording; the last event is the Result.

    Parameters
    ----------
    file
        A file of `import_read.SUFFIXES`, or a folder of the public nanoring layout.
    mapping
        What is what; `app.operations.import_map` gives the grammar. Axes that are not named get
        length 1. Without a drive the step's index, scaled to 0…1, stands for it: one fixed,
        unknown drive, for which the step is the input. A nanoring folder needs none.
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
    if is_nanoring(file):
        asked = nanoring_map(file, mapping)
        made = yield from _patterns(file, asked, begin_s)
    else:
        found = read_found(file)
        shapes = {name: one.values.shape for name, one in found.items()}
        asked = _with_units(parse_map(mapping, shapes, file), found, file)
        made = measured({name: one.values for name, one in found.items()}, asked, file)
    drive, window, reset, unknown = drive_window(made, asked.words, file)
    response, lengths, remarks = _whole_repeats(made, drive, asked)
    _refuse_unusable(file, response, drive, lengths, asked)
    new_directory(out)
    remarks = [*_notes(response, lengths, made), *remarks]
    if unknown and made.is_known and asked.words.scaled:
        remarks.append((unknown, "warning"))
    texts = [text for text, _ in remarks]
    meta = {"remarks": texts, "notes": unknown or ""}
    recording = _recording(file, asked, made, (response, drive, lengths), (window, reset), meta)
    for text, level in remarks:
        yield Note(text, level)
    path = write_recording(out, recording)
    yield Result(result_values(recording, path, time.monotonic() - begin_s))
    return path


def _patterns(file: Path, asked: Mapping, begin_s: float) -> Generator[Event, None, Measured]:
    reader = read_nanoring(file, asked)
    while True:
        try:
            done, total = next(reader)
        except StopIteration as end:
            made: Measured = end.value[0]
            return made
        elapsed_s = time.monotonic() - begin_s
        left_s = elapsed_s / done * (total - done)
        yield Progress("import", done, total, "patterns", elapsed_s, left_s)


def _with_units(asked: Mapping, found: dict[str, Found], file: Path) -> Mapping:
    """The map with the file's own units; refused where the map says others.

    Raises
    ------
    InputError
        A unit of the file that the map contradicts.
    """
    names = asked.columns if asked.index else (asked.response,)
    own = tuple(found[name].unit for name in names)
    words, problems = asked.words, []
    if any(own):
        given = words.units * len(own) if len(words.units) == 1 else words.units
        for name, unit, said in zip(names, own, given, strict=False):
            if unit and said not in ("", "1", unit):
                problems.append(
                    f"units={said}: the file says that {name!r} is in {unit}; leave units= out, or "
                    "convert the numbers first"
                )
        if not words.units and (len(own) == 1 or all(own)):
            words = replace(words, units=own)
    drive_unit = found[asked.drive].unit if asked.drive else ""
    if words.scaled and drive_unit and words.field_unit not in ("", drive_unit):
        problems.append(
            f"field=…,{words.field_unit}: the file says that {asked.drive!r} is in {drive_unit}"
        )
    raise_problems(InputError, str(file), problems)
    return replace(asked, words=words)


def _whole_repeats(
    made: Measured, drive: Array, asked: Mapping
) -> tuple[Array, NDArray[np.int64], Remarks]:
    """Responses with each sequence's length; what repeats of different length mean, in words."""
    steps = np.arange(drive.shape[1])
    there = np.asarray(np.isfinite(made.response).any(axis=3))
    ends = np.where(there.any(axis=2), drive.shape[1] - np.argmax(there[..., ::-1], axis=2), 0)
    known = np.isfinite(drive)
    last = np.where(known.any(axis=1), drive.shape[1] - np.argmax(known[:, ::-1], axis=1), 0)
    longest = ends.max(axis=1)
    uneven = [s for s, row in enumerate(ends) if np.ptp(row[row > 0]) > 0] if ends.any() else []
    if asked.words.cut == "shortest":
        longest = np.where(ends > 0, ends, drive.shape[1]).min(axis=1)
    lengths = np.minimum(last, np.where(longest > 0, longest, last)).astype(np.int64)
    response = np.where((steps < lengths[:, None])[:, None, :, None], made.response, np.nan)
    remarks = list(made.remarks)
    beyond = np.flatnonzero((lengths < last) & (last > 0)) if made.is_known else np.empty(0)
    if beyond.size:
        remarks.append(
            (f"the drive goes on beyond the responses of {beyond.size} sequences: those steps are "
             "left out", "warning")
        )  # fmt: skip
    if uneven:
        which = ", ".join(map(str, uneven[:5])) + (" …" if len(uneven) > 5 else "")
        first = ends[uneven[0]][ends[uneven[0]] > 0]
        what = (
            "each sequence is cut to its shortest repeat"
            if asked.words.cut == "shortest"
            else "the shorter ones count as not recorded; cut=shortest keeps them and cuts the rest"
        )
        remarks.append(
            (f"repeats of different length in {len(uneven)} sequences ({which}; of the first "
             f"{first.min()} to {first.max()} steps): {what}", "warning")
        )  # fmt: skip
    return response, lengths, remarks


def _refuse_unusable(
    file: Path, response: Array, drive: Array, lengths: NDArray[np.int64], asked: Mapping
) -> None:
    problems = []
    for s, length in enumerate(lengths):
        used, inside = response[s, :, :length], drive[s, :length]
        if length == 0 or not np.isfinite(inside).all():
            problems.append(f"the drive of sequence {s} holds values that are not numbers")
        elif inside.min() < 0 or inside.max() > 1:
            how = (
                "field= must span it"
                if asked.words.scaled
                else "say what its range is with field=LOW,HIGH,UNIT or field=auto,UNIT"
            )
            problems.append(
                f"the drive of sequence {s} spans {inside.min():g}…{inside.max():g}, expected "
                f"0…1: {how}"
            )
        if np.isinf(used).any():
            problems.append(f"sequence {s} holds {int(np.isinf(used).sum())} infinite values")
        if not np.isfinite(used).all(axis=(1, 2)).any():
            problems.append(f"sequence {s} has no repeat without gaps (NaN)")
    if not np.nan_to_num(response).any():
        problems.append("the response is zero or NaN everywhere")
    families = asked.words.family
    if len(families) > 1 and len(families) != len(lengths):
        problems.append(f"family= names {len(families)}, there are {len(lengths)} sequences")
    if len(problems) > MOST_PROBLEMS:
        problems = [*problems[:MOST_PROBLEMS], f"and {len(problems) - MOST_PROBLEMS} more"]
    raise_problems(InputError, str(file), problems)


def _notes(response: Array, lengths: NDArray[np.int64], made: Measured) -> Remarks:
    """Sentences with their level about what a user should know."""
    notes = []
    if not made.is_known:
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
        notes.append(
            ("one repeat only: nothing can be said about noise; only a twin without noise can be "
             "fitted (fit --deterministic)", "warning")
        )  # fmt: skip
    return notes


def _recording(
    file: Path,
    asked: Mapping,
    made: Measured,
    arrays: tuple[Array, Array, NDArray[np.int64]],
    how: tuple[DriveWindow, Reset],
    meta: dict[str, Any],
) -> Recording:
    response, drive, lengths = arrays
    s, r, steps, c = response.shape
    inside = (np.arange(steps) < lengths[:, None])[:, None, :, None]
    whole = np.asarray((np.isfinite(response) | ~inside).all(axis=(2, 3)))
    order = np.where(whole, np.arange(s * r, dtype=np.int64).reshape(s, r), -1)
    clean = np.where(whole[:, :, None, None] & inside, response, np.nan)
    origin = {"path": str(file.resolve()), "sha256": _hash(file), "map": asked.text}
    families = asked.words.family or ("given" if made.is_known else "fixed",)
    return Recording(
        clean,
        np.where(inside[:, 0, :, 0], drive, np.nan),
        lengths,
        families * (s if len(families) == 1 else 1),
        order,
        np.where(order >= 0, 0.0, np.nan),
        made.channels,
        made.units if len(made.units) == c else made.units[:1] * c,
        *how,
        status="done",
        meta={
            "id": new_id("rec"),
            "created": now_iso(),
            "code_version": code_version(),
            "imported": origin,
            **meta,
        },
    )


def _hash(file: Path) -> str:
    """Of a file its SHA-256; of a folder that of the names and sizes of its patterns."""
    if file.is_file():
        return sha256_of(file)
    listed = [(p.name, p.stat().st_size) for _, *pair in pairs_in(file) for p in pair]
    return hashlib.sha256(repr(listed).encode()).hexdigest()
