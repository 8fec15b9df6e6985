"""A recording or deployment for other programs: CSV, NPZ or MAT, by the ending of the new file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app import deployment_export, recording_export
from app.artefacts import find_file
from app.deployment import NODES
from app.deployment_store import FILE_NAME as DEPLOYMENT
from app.deployment_store import load_deployment
from app.export_files import ENDINGS, OF_ARRAYS, write_csv
from app.new_file import fill_new, refuse_taken
from app.operations.events import Note, Result
from app.recording_marks import bad_positions
from app.recording_reader import read_recording
from app.words import size
from models.errors import InputError
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from app.operations.events import Event

    Events = Generator[Event, None, dict[str, Any]]


def export(artefact: Path, out: Path) -> Generator[Event, None, Path]:
    """Write a recording or a deployment to a new file; returns its path.

    Parameters
    ----------
    artefact
        Its folder or a file in it; of a recording that is still running what it has so far.
    out
        The new file, ending in .csv (a row a step, or an answer), .npz or .mat (arrays).

    Raises
    ------
    InputError
        Neither of them; another ending; the file exists, or its folder doesn't.
    TwinrigError
        The disk refuses.
    """
    ending = out.suffix.lower()
    if ending not in ENDINGS:
        raise InputError(
            f"{out}: ends in {out.suffix or 'nothing'!r}; what can be written ends in "
            f"{', '.join(ENDINGS)}"
        )
    refuse_taken(out)
    deployed = artefact.name == DEPLOYMENT or file_at(artefact / DEPLOYMENT)
    told = yield from (_deployment if deployed else _recording)(artefact, out, ending)
    yield Result({"exported": str(out), "status": "done", **told, "size": size(out.stat().st_size)})
    return out


def _recording(folder: Path, out: Path, ending: str) -> Events:
    known, bad = read_recording(folder), bad_positions(folder)
    kept = int(known.complete.sum())
    if not kept:
        raise InputError(f"{folder}: no repeat is complete, so that there is nothing to write")
    if ending in OF_ARRAYS:
        arrays = recording_export.arrays_of(known, bad)
        fill_new(out, lambda file: OF_ARRAYS[ending](file, arrays))
    else:
        fill_new(out, lambda file: write_csv(file, recording_export.rows_of(known, bad)))
    if left := len(bad & set(known.order[known.complete].tolist())):
        yield Note(f"{left} of its repeats are marked bad: written, with `bad` = 1")
    return {"repeats": kept}


def _deployment(folder: Path, out: Path, ending: str) -> Events:
    known = load_deployment(folder)
    if ending in OF_ARRAYS:
        arrays = deployment_export.arrays_of(known)
        fill_new(out, lambda file: OF_ARRAYS[ending](file, arrays))
    else:
        fill_new(out, lambda file: write_csv(file, deployment_export.rows_of(known)))
    nodes = find_file(folder, DEPLOYMENT).parent / NODES
    yield Note(f"what its nodes played and answered is a recording: twinrig export {nodes}")
    return {"answers": len(known.arrays["target"])}
