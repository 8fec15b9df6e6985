"""Repeats that were marked bad: kept beside a recording, whose data stay as they were measured.

Decision. A mark is a line appended to `marks.jsonl` in the recording's folder, with a checksum of
its own: one write at the end of the file, so that a run that is still going on, a sealed recording
and two programs at once are all marked in the same way, and a kill leaves whole lines and at most
one torn tail, which readers drop. `recording.nc` and its SHA-256 never change by it. Consequence:
who copies `recording.nc` without its folder copies the repeats without their marks; a fit keeps
with its twin which repeats it left out.

A repeat goes by its position in the run's order, from zero; people count from one, as progress and
the drift plot of the Record page do.
"""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import canonical, now_iso, parse_json, reading, writing
from app.checked_json import CHECKSUM, with_checksum
from app.disk import RESTORE, read_bytes, sync_directory
from app.recording_reader import folder_of, read_recording
from models.errors import InputError, raise_problems
from models.json_form import COUNT, TEXT, Rows, Table, faults
from models.paths import anything_at, file_at
from models.recording import BY_STEP

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from models.recording import Recording

FILE_NAME = "marks.jsonl"
COPIES = "marks*.jsonl"  # `marks (1).jsonl`, `marks.sync-conflict-….jsonl`, `marks-PC2.jsonl`
RUN = re.compile(r"\s*([1-9]\d{0,8})\s*(?:-\s*([1-9]\d{0,8})\s*)?")
TAKE_BACK = (
    "take back what is good (`twinrig mark RECORDING --good 1,2`, or the recording's marks on the "
    "Library page)"
)
MOST_NUMBERS = 1_000_000  # of a range: no run has more repeats
LINE = Table({"at": TEXT, "bad": Rows(COUNT), "good": Rows(COUNT), "why": TEXT, CHECKSUM: TEXT})


@dataclass(frozen=True)
class Mark:
    """One line: positions that became bad and good again, when (ISO 8601), and why."""

    at: str
    bad: tuple[int, ...] = ()
    good: tuple[int, ...] = ()
    why: str = ""


def read_marks(path: Path) -> list[Mark]:
    """The marks of a recording in the order they were made; none where nobody made any.

    Where two computers made some and what syncs them kept both files, those of both.

    Raises
    ------
    InputError
        A line is damaged; only a torn last one, which a kill leaves, is dropped.
    """
    file = folder_of(path) / FILE_NAME
    marks = _marks_in(file) if file_at(file) else []
    copies = [copy for copy in sorted(file.parent.glob(COPIES)) if copy != file]
    for copy in copies:
        marks += [mark for mark in _marks_in(copy) if mark not in marks]
    return sorted(marks, key=lambda mark: mark.at) if copies else marks


def _marks_in(file: Path) -> list[Mark]:
    with reading(file):
        *lines, _torn = read_bytes(file).split(b"\n")
    return [_mark_of(line, f"{file}, line {n}") for n, line in enumerate(lines, start=1)]


def _mark_of(line: bytes, where: str) -> Mark:
    body = parse_json(line, where)
    problems = faults(body, LINE)
    if not problems and with_checksum(_without_checksum(body)) != body:
        problems = ["does not match its checksum: damaged"]
    raise_problems(InputError, f"{where} ({RESTORE})", problems)
    return Mark(body["at"], tuple(body["bad"]), tuple(body["good"]), body["why"])


def _without_checksum(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != CHECKSUM}


def bad_positions(path: Path) -> frozenset[int]:
    """Positions in the run's order that are marked bad now; InputError as of `read_marks`."""
    bad: set[int] = set()
    for mark in read_marks(path):
        bad = (bad | set(mark.bad)) - set(mark.good)
    return frozenset(bad)


def add_mark(
    path: Path, *, bad: Iterable[int] = (), good: Iterable[int] = (), why: str = ""
) -> None:
    """Append a mark; when this returns it survives a power cut.

    Raises
    ------
    TwinrigError
        The disk refuses; the marks are as they were, or the new one is whole.
    """
    file = folder_of(path) / FILE_NAME
    body = {"at": now_iso(), "bad": sorted(bad), "good": sorted(good), "why": why}
    line, is_new = canonical(with_checksum(body)) + b"\n", not anything_at(file)
    with writing(file), file.open("a+b", buffering=0) as out:
        out.seek(0)
        kept = out.read()
        whole = kept.rfind(b"\n") + 1
        if whole < len(kept):  # the torn tail of a killed program
            out.truncate(whole)
        try:
            if out.write(line) != len(line):  # a disk that is almost full takes a part of it
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(out.fileno())
        except OSError:
            with suppress(OSError):
                out.truncate(whole)
            raise
    if is_new:
        sync_directory(file.parent)


def left_out(recording: Recording, positions: Iterable[int]) -> Recording:
    """The recording without these repeats, as if they had not been recorded."""
    gone = np.isin(recording.order, sorted(positions)) & recording.complete
    if not gone.any():
        return recording
    response = np.where(gone[:, :, None, None], np.nan, recording.response)
    by_step: dict[str, Any] = {
        name: np.where(gone[:, :, None], np.nan, getattr(recording, name)) for name in BY_STEP
    }
    return replace(
        recording,
        response=response,
        order=np.where(gone, -1, recording.order),
        start_s=np.where(gone, np.nan, recording.start_s),
        **by_step,
    )


def read_kept(path: Path) -> Recording:
    """Read a recording without the repeats that were marked bad: what every fit and score reads.

    Raises
    ------
    InputError
        As of `read_recording`, of `read_marks`, and of `kept_of`.
    """
    return kept_of(path, read_recording(path))


def kept_of(path: Path, recording: Recording) -> Recording:
    """The recording that was read from `path`, without its bad repeats.

    Raises
    ------
    InputError
        All that was recorded is marked bad; as of `read_marks`.
    """
    kept = left_out(recording, bad_positions(path))
    if recording.complete.any() and not kept.complete.any():
        count = int(recording.complete.sum())
        what = f"all {count} repeats" if count > 1 else "the one repeat"
        raise InputError(f"{what} of {path}: marked bad, so that nothing is left; {TAKE_BACK}")
    return kept


def numbers_of(text: str) -> tuple[int, ...]:
    """Repeats as people count them, of `12, 13, 20-35`.

    Raises
    ------
    InputError
        It is no such list.
    """
    found: list[int] = []
    for part in text.split(","):
        ends = RUN.fullmatch(part)
        first, last = (int(ends[1]), int(ends[2] or ends[1])) if ends else (1, 0)
        if not first <= last < first + MOST_NUMBERS:
            raise InputError(
                f"{text!r} is not a list of counts such as 3,7,20-35: from 1 to 999999999, a range "
                f"upwards and of {MOST_NUMBERS} at most"
            )
        found += range(first, last + 1)
    return tuple(found)
