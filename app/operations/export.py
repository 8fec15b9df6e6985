"""A recording or deployment for other programs: CSV, NPZ or MAT, by the ending of the new file."""

from __future__ import annotations

from itertools import count, takewhile
from typing import TYPE_CHECKING, Any

from app import deployment_export, recording_export
from app.artefacts import find_file
from app.deployment import nodes_folder
from app.deployment_store import FILE_NAME as DEPLOYMENT
from app.deployment_store import load_deployment
from app.export_files import ENDINGS, OF_ARRAYS, write_csv
from app.new_file import fill_new, refuse_taken
from app.operations.events import Note, Result
from app.recording_marks import bad_positions
from app.recording_reader import read_recording
from app.words import size
from models.errors import InputError
from models.paths import file_at, folder_at

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from app.operations.events import Event

    Events = Generator[Event, None, dict[str, Any]]
    Rows = Iterator[Sequence[Any]]
    Arrays = Mapping[str, NDArray[Any]]


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
    if out.suffix.lower() not in ENDINGS:
        raise InputError(
            f"{out}: ends in {out.suffix or 'nothing'!r}; what can be written ends in "
            f"{', '.join(ENDINGS)}"
        )
    refuse_taken(out)
    deployed = artefact.name == DEPLOYMENT or file_at(artefact / DEPLOYMENT)
    told = yield from (_deployment if deployed else _recording)(artefact, out)
    yield Result({"exported": str(out), "status": "done", **told, "size": size(out.stat().st_size)})
    return out


def _recording(folder: Path, out: Path) -> Events:
    known, bad = read_recording(folder), bad_positions(folder)
    kept = int(known.complete.sum())
    if not kept:
        raise InputError(f"{folder}: no repeat is complete, so that there is nothing to write")
    rows, arrays = recording_export.rows_of, recording_export.arrays_of
    _write(out, lambda: rows(known, bad), lambda: arrays(known, bad))
    if left := len(bad & set(known.order[known.complete].tolist())):
        yield Note(f"{left} of its repeats are marked bad: written, with `bad` = 1")
    return {"repeats": kept}


def _deployment(folder: Path, out: Path) -> Events:
    known = load_deployment(folder)
    rows, arrays = deployment_export.rows_of, deployment_export.arrays_of
    _write(out, lambda: rows(known), lambda: arrays(known))
    at = find_file(folder, DEPLOYMENT).parent
    for nodes in takewhile(folder_at, (at / nodes_folder(k) for k in count())):
        yield Note(f"what its nodes played and answered is a recording: twinrig export {nodes}")
    return {"answers": len(known.arrays["target"])}


def _write(out: Path, rows: Callable[[], Rows], arrays: Callable[[], Arrays]) -> None:
    """Rows or arrays, as the file's ending asks for."""
    if (write := OF_ARRAYS.get(out.suffix.lower())) is not None:
        made = arrays()
        fill_new(out, lambda file: write(file, made))
    else:
        fill_new(out, lambda file: write_csv(file, rows()))
