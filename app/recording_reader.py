"""Recordings on disk: the reader that says the true status."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.artefacts import find_file, reading
from app.journal import NAME as JOURNAL_NAME
from app.journal import JournalContent, read_journal
from app.recording_format import recording_of_file, recording_of_header
from models.errors import InputError

if TYPE_CHECKING:
    from models.recording import Recording

FILE_NAME = "recording.nc"
OPEN_HERE: set[Path] = set()
"""Folders that a writer of this process has open: an abandoned one is not running."""


def read_recording(path: Path) -> Recording:
    """Read a recording: its folder, or the `recording.nc` in it.

    The status is the truth: `running` only while its owner lives, else `interrupted`.

    Raises
    ------
    InputError
        Missing, cut short, damaged, of another schema, or no recording.
    """
    path = Path(path)
    folder = folder_of(path)
    journal = folder / JOURNAL_NAME
    if journal.is_file() and path in (folder, folder / FILE_NAME):
        return _recording_of_journal(folder, journal)
    return recording_of_file(find_file(path, FILE_NAME))


def folder_of(path: Path) -> Path:
    """The artefact's folder, of the folder itself or of a file in it."""
    path = Path(path)
    return path if path.is_dir() else path.parent


def _recording_of_journal(folder: Path, path: Path) -> Recording:
    content = read_journal(path)
    recording = recording_of_header(content.header, path)
    shape = recording.response.shape
    for entry in content.repeats:
        s, r = entry.sequence, entry.repeat
        if not (s < shape[0] and r < shape[1]) or entry.response.shape != (
            int(recording.lengths[s]),
            shape[3],
        ):
            raise InputError(f"{path}: sequence {s}, repeat {r} doesn't fit its header: damaged")
        recording.response[s, r, : len(entry.response)] = entry.response
        recording.start_s[s, r] = entry.start_s
        recording.order[s, r] = entry.position
    if content.remarks:
        recording.meta["remarks"] = [*recording.meta.get("remarks", []), *content.remarks]
    return replace(recording, status=_true_status(folder, path, content))


def _true_status(folder: Path, path: Path, content: JournalContent) -> str:
    if content.status != "running":
        return content.status
    if content.owner.pid == os.getpid() and content.owner.alive(0.0):
        return "running" if folder.resolve() in OPEN_HERE else "interrupted"
    with reading(path):
        age_s = max(0.0, time.time() - path.stat().st_mtime)
    return "running" if content.owner.alive(age_s) else "interrupted"
