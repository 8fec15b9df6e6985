"""Mark repeats of a recording bad, so that fits and scores leave them out; nothing is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.operations.events import Note, Result
from app.recording_marks import TAKE_BACK, add_mark, bad_positions, read_marks
from app.recording_reader import FILE_NAME, folder_of, read_recording
from models.errors import InputError, raise_problems
from training.doubtful_repeats import listed, numbers

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable
    from pathlib import Path

    from app.operations.events import Event
    from models.recording import Recording


def mark(
    recording: Path, *, bad: Collection[int] = (), good: Collection[int] = (), why: str = ""
) -> Generator[Event, None, Path]:
    """Mark repeats, or with neither `bad` nor `good` say which are marked; returns the file's path.

    Parameters
    ----------
    recording
        Its folder or a file in it; a recording that is still running, too.
    bad, good
        Numbers of repeats in the order in which they were recorded, from 1: those to leave out,
        and those to take back in.
    why
        Kept with the mark.

    Raises
    ------
    InputError
        No recording; a repeat that isn't there; one that is to be bad and good.
    TwinrigError
        The disk refuses.
    """
    known = read_recording(recording)
    raise_problems(InputError, f"mark {recording}", _problems(known, bad, good, why))
    if bad or good:
        add_mark(recording, bad={n - 1 for n in bad}, good={n - 1 for n in good}, why=why)
    for each in read_marks(recording):
        yield Note(_words(each.at, each.bad, each.good, each.why))
    left_out = bad_positions(recording)
    kept = int(known.complete.sum()) - len(left_out & set(known.order[known.complete].tolist()))
    if not kept and known.complete.any():
        words = "no repeat is left that isn't marked bad: no fit or score can use this recording"
        yield Note(f"{words}; {TAKE_BACK}", "warning")
    yield Result(_values(recording, known, left_out, kept))
    return folder_of(recording) / FILE_NAME


def mark_one(recording: Path, position: int, *, bad: bool, why: str = "") -> frozenset[int]:
    """Mark one repeat of a run whose order the caller knows; returns what is marked bad now.

    It reads no data, however long the recording is: the window does it while a run goes on, also
    for the repeat that is running and not yet on disk.

    Raises
    ------
    TwinrigError
        The disk refuses, or the marks so far are damaged.
    """
    if bad != (position in bad_positions(recording)):
        which = {"bad" if bad else "good": [position]}
        add_mark(recording, why=why, **which)
    return bad_positions(recording)


def _problems(known: Recording, bad: Collection[int], good: Collection[int], why: str) -> list[str]:
    there = set((known.order[known.complete] + 1).tolist())
    most, running = known.order.size, known.status == "running"
    named = {*bad, *good}
    both, beyond = {*bad} & {*good}, {n for n in named if not 1 <= n <= most}
    missing = set() if running else named - beyond - there
    problems = []
    if both:
        problems.append(f"{_listed(both)}: bad and good at once; choose one")
    if beyond:
        problems.append(f"{_listed(beyond)}: the run has repeats 1 to {most}")
    if missing:
        problems.append(f"{_listed(missing)}: not recorded, so that there is nothing to leave out")
    if why and not bad and not good:
        problems.append("--why stands alone: name the repeats (--bad 12,13 or --good 12)")
    return problems


def _listed(counts: Iterable[int]) -> str:
    return listed(n - 1 for n in counts)


def _words(at: str, bad: Iterable[int], good: Iterable[int], why: str) -> str:
    parts = [f"{word} {numbers(which)}" for word, which in (("bad", bad), ("good", good)) if which]
    return f"{at}: {', '.join(parts)}{f' ({why})' if why else ''}"


def _values(
    recording: Path, known: Recording, left_out: frozenset[int], kept: int
) -> dict[str, Any]:
    return {
        "path": str(folder_of(recording) / FILE_NAME),
        "status": "done",
        "bad": sorted(p + 1 for p in left_out),
        "kept": kept,
        "recorded": int(known.complete.sum()),
        "id": str(known.meta.get("id", "")),
    }
