"""Measured repeats from elsewhere become a recording: tables, arrays, waveforms, public sets."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from app.artefacts import code_version, new_directory, new_id, now_iso, sha256_of
from app.disk import anew, refuse_taken
from app.importing.csv_text import lines_above
from app.importing.exported import (
    EXPORTED,
    exported_recording,
    exported_words,
    is_exported,
    marked_in,
)
from app.importing.holds import whole_holds
from app.importing.mapping import parse_map
from app.importing.nanoring import is_nanoring, nanoring_map, pairs_in, read_nanoring
from app.importing.prepare import in_order, measured
from app.importing.reading import drained, files_in, left_out, numeric, read_steps
from app.importing.spectra import with_frequencies
from app.importing.told_check import falling, told_of
from app.importing.units import with_units
from app.importing.whole import narrow_words, notes_on, refuse_unusable, whole_repeats
from app.importing.window import drive_window, window_words
from app.operations.events import Note, Progress, Result, Stage
from app.operations.results import result_values
from app.recording_marks import add_mark
from app.recording_store import write_recording
from models.errors import InputError, TwinrigError, raise_problems
from models.paths import file_at
from models.recording import Recording
from training.bad_data import alike_of, doubts_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from app.foreign_files import Found
    from app.importing.mapping import Mapping
    from app.importing.prepare import Measured
    from app.operations.events import Event
    from models.sequence import DriveWindow, Reset

    Array = NDArray[np.float64]
    Remarks = list[tuple[str, str]]

__all__ = ["import_measured", "in_order"]

STAGES = 3
T = TypeVar("T")


def import_measured(
    file: Path, mapping: str | Sequence[str], out: Path
) -> Generator[Event, None, Path]:
    """Read repeats, name their axes, write a recording; the last event is the Result.

    Parameters
    ----------
    file
        A file of `import_read.SUFFIXES`, a folder of such files, or one of the public nanoring
        layout.
    mapping
        What is what; `app.importing.mapping` gives the grammar. Axes that are not named get
        length 1. Without a drive the step's index, scaled to 0…1, stands for it: one fixed,
        unknown drive, for which the step is the input. A nanoring folder needs none, what
        `twinrig export` wrote of a recording the one word `exported`.
    out
        A new folder.

    Raises
    ------
    InputError
        The file or the map: all faults at once, with what the file holds.
    TwinrigError
        The disk refuses, or the memory is too small.
    """
    begin_s = time.monotonic()
    file = Path(file)
    refuse_taken(out)
    yield Stage("read", 1, STAGES)
    bad: frozenset[int] = frozenset()
    try:
        if is_nanoring(file):
            asked = nanoring_map(file, mapping)
            made = yield from _told(read_nanoring(file, asked), "patterns", begin_s)
            recording, remarks = prepared(file, asked, made)
        else:
            found = yield from _told(read_steps(file), "files", begin_s)
            yield Stage("look at the numbers", 2, STAGES)
            recording, remarks = looked_at(file, mapping, found)
            bad = marked_in(found) if _is_whole(mapping, found) else bad
            del found
    except MemoryError as fault:
        raise TwinrigError(
            f"{file}: takes more memory than is free ({fault}): import a part of it, such as "
            "only=sequence:0-9, or save means of its samples"
        ) from fault
    for text, level in remarks:
        yield Note(text, level)
    yield Stage("write the recording", STAGES, STAGES)
    with anew():
        new_directory(out)
    meta = recording.meta
    own = meta["id"] if meta["id"] == meta["imported"].get("id") else new_id("rec", out)
    recording = replace(recording, meta={**meta, "id": own})
    path = write_recording(out, recording)
    if bad:
        add_mark(out, bad=bad, why="marked bad in the recording that was exported")
    told = result_values(recording, path, time.monotonic() - begin_s)
    yield Result({**told, "status": "done"})  # of this import: a run may have been stopped once
    return path


def prepared(file: Path, asked: Mapping, made: Measured) -> tuple[Recording, Remarks]:
    """The recording that an import would write, and what it would say; nothing is written.

    Raises
    ------
    InputError
        Numbers that can't be used: all faults at once.
    """
    drive, window, reset, unknown = drive_window(made, asked.words, file)
    response, lengths, remarks = whole_repeats(made, drive, asked)
    refuse_unusable(file, (response, drive, lengths), asked, made)
    held: dict[str, Any] = {}
    if made.holds is not None:
        held["holds"] = whole_holds(made.holds, lengths, asked.words.hold, file)
        longest = int(held["holds"].max())
        how = f"1 to {longest} times as long as the shortest" if longest > 1 else "alike"
        remarks.append((f"steps are held {how}", "info"))
    remarks = [*notes_on(response, drive, lengths, made), *remarks]
    if made.is_known:
        remarks += [(text, "info") for text in window_words(asked.words, window)]
    if made.is_known and not asked.words.scaled:
        remarks += [(text, "warning") for text in narrow_words(drive, lengths)]
    if unknown and made.is_known and asked.words.scaled:
        remarks.append((unknown, "warning"))
    arrays = (response, drive, lengths)
    recording = _recording(file, asked, made, arrays, (window, reset))
    remarks += [(text, "warning") for text in (*alike_of(recording), *doubts_of(recording))]
    said = {"remarks": [text for text, _ in remarks], "notes": unknown or ""}
    return replace(recording, meta={**recording.meta, **said}, **held), remarks


def looked_at(
    file: Path, mapping: str | Sequence[str], found: dict[str, Found]
) -> tuple[Recording, Remarks]:
    """What an import with this map would give, of a nanoring folder the first pattern only.

    Raises
    ------
    InputError
        As `import_measured`.
    """
    if is_nanoring(file):
        asked = nanoring_map(file, mapping)
        only = dict(asked.words.only)
        first = (("sequence", only.get("sequence", (0,))[:1]),)
        rest = tuple(item for item in asked.words.only if item[0] != "sequence")
        asked = replace(asked, words=replace(asked.words, only=(*first, *rest)))
        return prepared(file, asked, drained(read_nanoring(file, asked)))
    if _is_whole(mapping, found):
        origin = {"path": str(file.resolve()), "sha256": _hash(file)}
        recording = exported_recording(file, found, origin)
        return recording, [(exported_words(recording, marked_in(found)), "info")]
    without = left_out(found)
    found = numeric(found)
    text = _text(mapping)
    shapes = {n: one.values.shape for n, one in found.items() if not one.part or n in text}
    asked = with_units(parse_map(mapping, shapes, file, without), found, file)
    found = falling(asked, found, file)
    faults, told = told_of(asked, found)
    raise_problems(InputError, str(file), faults)
    asked = with_frequencies(asked, found)
    made = measured({name: one.values for name, one in found.items()}, asked, file)
    said = (*_unapplied(asked, found), *_bad_there(found), *lines_above(without))
    remarks = (*told, *made.remarks, *said)
    return prepared(file, asked, replace(made, remarks=remarks))


def _text(mapping: str | Sequence[str]) -> str:
    return mapping if isinstance(mapping, str) else " ".join(mapping)


def _is_whole(mapping: str | Sequence[str], found: dict[str, Found]) -> bool:
    """Whether a map takes an export of Twinrig as it is; InputError where it says more."""
    words = _text(mapping).split()
    if EXPORTED not in words or not is_exported(found):
        return False
    if len(words) > 1:
        raise InputError(
            f"--map {_text(mapping)!r}: {EXPORTED!r} takes the file as it was and stands alone: "
            "leave the other words out, or name its arrays in place of it (response=… drive=…)"
        )
    return True


def _unapplied(asked: Mapping, found: dict[str, Found]) -> Remarks:
    """What the file says of the numbers that are used and nobody has applied, and what is missed.

    Of runs in groups or files of their own: those with other axes or in another unit.
    """
    used = [n for n in dict.fromkeys((*asked.columns, asked.drive, asked.holds)) if n in found]
    said = [
        f"{name}: the file says {found[name].unapplied} beside its numbers, which is not applied "
        "to them: convert them first if they need it"
        for name in used if found[name].unapplied
    ] + [
        f"{name} is without {found[name].apart[0]}{f' and {more} more' if more else ''}: another "
        "unit or other axes than the rest, or no numbers"
        for name in used if found[name].apart for more in (len(found[name].apart) - 1,)
    ]  # fmt: skip
    return [(text, "warning") for text in said]


def _bad_there(found: dict[str, Found]) -> Remarks:
    """What an export of Twinrig says of repeats that were marked bad: a map has no word for it."""
    if not (bad := marked_in(found)):
        return []
    places = ",".join(str(place + 1) for place in sorted(bad))
    text = (
        f"repeats that were marked bad when it was exported (places in that run: {places}) are "
        "imported as good ones: mark them with `twinrig mark`, or leave them out of the file"
    )
    return [(text, "warning")]


def _told(
    reader: Generator[tuple[int, int], None, T], unit: str, begin_s: float
) -> Generator[Event, None, T]:
    """What a reader returns, its progress told."""
    while True:
        try:
            done, total = next(reader)
        except StopIteration as end:
            made: T = end.value
            return made
        elapsed_s = time.monotonic() - begin_s
        left_s = elapsed_s / done * (total - done)
        yield Progress("import", done, total, unit, elapsed_s, left_s)


def _recording(
    file: Path,
    asked: Mapping,
    made: Measured,
    arrays: tuple[Array, Array, NDArray[np.int64]],
    how: tuple[DriveWindow, Reset],
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
        },
    )


def _hash(file: Path) -> str:
    """Of a file its SHA-256; of a folder that of the names and sizes of its files."""
    if file_at(file):
        return sha256_of(file)
    pairs = [p for _, *pair in pairs_in(file) for p in pair]
    listed = [(str(p.relative_to(file)), p.stat().st_size) for p in pairs or files_in(file)]
    return hashlib.sha256(repr(listed).encode()).hexdigest()
