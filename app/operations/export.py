"""A recording for other programs: CSV, NPZ or MAT, by the ending of the file that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.new_file import fill_new, refuse_taken
from app.operations.events import Note, Result
from app.recording_export import WRITERS
from app.recording_marks import bad_positions
from app.recording_reader import read_recording
from app.words import size
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from app.operations.events import Event


def export(recording: Path, out: Path) -> Generator[Event, None, Path]:
    """Write a recording to a new file; returns its path.

    Parameters
    ----------
    recording
        Its folder or a file in it; of one that is still running what it has so far.
    out
        The new file, ending in .csv (a row a step), .npz or .mat (arrays).

    Raises
    ------
    InputError
        No recording; another ending; the file exists, or its folder doesn't.
    TwinrigError
        The disk refuses.
    """
    write = WRITERS.get(out.suffix.lower())
    if write is None:
        raise InputError(
            f"{out}: ends in {out.suffix or 'nothing'!r}; what can be written ends in "
            f"{', '.join(WRITERS)}"
        )
    refuse_taken(out)
    known, bad = read_recording(recording), bad_positions(recording)
    kept = int(known.complete.sum())
    if not kept:
        raise InputError(f"{recording}: no repeat is complete, so that there is nothing to write")
    fill_new(out, lambda file: write(file, known, bad))
    if left := len(bad & set(known.order[known.complete].tolist())):
        yield Note(f"{left} of its repeats are marked bad: written, with `bad` = 1")
    yield Result(
        {"exported": str(out), "status": "done", "repeats": kept, "size": size(out.stat().st_size)}
    )
    return out
