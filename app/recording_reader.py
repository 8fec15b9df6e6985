"""Recordings on disk: the reader that says the true status."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.artefacts import find_file, reading, refuse_never_begun
from app.disk import RESTORE
from app.journal import NAME as JOURNAL_NAME
from app.journal import JournalContent, read_journal
from app.live_arrays import order_in_file
from app.recording_format import recording_of_file, recording_of_header
from models.errors import InputError, raise_problems
from models.paths import anything_at, file_at, folder_at
from models.recording import BY_STEP, faults_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.recording import Recording

FILE_NAME = "recording.nc"
READINGS = 3
HEARD: dict[Path, tuple[int, float]] = {}
"""Of runs of other hosts: the heartbeat last seen (ns), and since when (s, monotonic)."""
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
    with reading(path):
        has_journal = file_at(folder / JOURNAL_NAME)
    if has_journal and path in (folder, folder / FILE_NAME):
        return _recording_of_run(folder)
    return recording_of_file(find_file(path, FILE_NAME))


def folder_of(path: Path) -> Path:
    """The artefact's folder, of the folder itself or of a file in it.

    Raises
    ------
    InputError
        Nobody may look there.
    """
    path = Path(path)
    with reading(path):
        return path if folder_at(path) else path.parent


def refuse_never_recorded(path: Path, what: str) -> None:
    """Raise InputError where no run to go on with, such as a `recording`, was begun at a path."""
    with reading(path):
        folder = folder_of(path) if anything_at(path) else path
    refuse_never_begun(folder, what, FILE_NAME, JOURNAL_NAME)


def times_continued(recording: Recording) -> int:
    """How often its run was gone on with (`--resume`)."""
    remarks = recording.meta.get("remarks", [])
    return sum(str(words).startswith("continued ") for words in remarks)


def _recording_of_run(folder: Path) -> Recording:
    """The recording of a journal, which may grow, or be finished, while it is read.

    Every repeat stands in the journal before `recording.nc` shows it. What that showed at a first
    look must therefore be in the journal when it is read again, else the journal was cut short;
    looked at anew each time, a fast rig would have gone on in between, and be called broken.
    """
    journal, file = folder / JOURNAL_NAME, folder / FILE_NAME
    shown: NDArray[np.bool_] | None = None
    lost = 0
    for _ in range(READINGS):
        if not file_at(journal):
            return recording_of_file(file)
        try:
            content = read_journal(journal)
        except InputError:
            if file_at(journal):
                raise
            continue  # its writer has just finished
        recording = _recording_of_journal(folder, journal, content)
        if shown is None:
            shown = _shown(file, content, recording)
        lost = int((shown & ~recording.complete).sum())
        if lost or content.status in ("done", "stopped", "failed"):
            # its writer may have come as far as the seal, and no further
            with suppress(InputError):
                return recording_of_file(file)
        if not lost:
            return recording
    raise InputError(
        f"{journal}: was cut short: {file.name} beside it shows {lost} repeats that it "
        f"doesn't hold; restore it from a copy, or move {file.name} away to go on without them"
    )


def _shown(file: Path, content: JournalContent, recording: Recording) -> NDArray[np.bool_]:
    """Which repeats `recording.nc` shows as complete, (S, R)."""
    order = None
    if content.status != "begun" and content.order_at is not None:
        order = order_in_file(file, content.order_at, recording.order.shape)
    return np.zeros(recording.order.shape, dtype=bool) if order is None else order >= 0


def _recording_of_journal(folder: Path, path: Path, content: JournalContent) -> Recording:
    recording = recording_of_header(content.header, path)
    shape = recording.response.shape
    for entry in content.repeats:
        s, r = entry.sequence, entry.repeat
        fits = s < shape[0] and r < shape[1] and recording.order[s, r] < 0
        if not fits or entry.response.shape != (int(recording.lengths[s]), shape[3]):
            raise InputError(f"{path}: sequence {s}, repeat {r} doesn't fit its header; {RESTORE}")
        recording.response[s, r, : len(entry.response)] = entry.response
        recording.start_s[s, r] = entry.start_s
        recording.order[s, r] = entry.position
        for name in BY_STEP:
            getattr(recording, name)[s, r, : len(entry.response)] = getattr(entry.times, name)
    raise_problems(InputError, f"{path} ({RESTORE})", faults_of(recording))
    if content.remarks:
        recording.meta["remarks"] = [*recording.meta.get("remarks", []), *content.remarks]
    return replace(recording, status=_true_status(folder, path, content))


def _true_status(folder: Path, path: Path, content: JournalContent) -> str:
    if content.owner is None or content.status not in ("begun", "running"):
        return content.status
    if content.owner.pid == os.getpid() and content.owner.here_alive():
        return "running" if folder.resolve() in OPEN_HERE else "interrupted"
    return "running" if content.owner.alive(_silent_s(path)) else "interrupted"


def _silent_s(path: Path) -> float:
    """For how long a file's time, a run's heartbeat, has stood still.

    The first look has only that time and this computer's clock, which may differ from the share's.
    From then on it counts whether it has moved on since.
    """
    with reading(path):
        beat_ns, now_s = path.stat().st_mtime_ns, time.monotonic()
    heard = HEARD.get(path)
    if heard is None or beat_ns < heard[0]:
        heard = HEARD[path] = (beat_ns, now_s - max(0.0, time.time() - 1e-9 * beat_ns))
    elif heard[0] != beat_ns:
        heard = HEARD[path] = (beat_ns, now_s)
    return now_s - heard[1]
