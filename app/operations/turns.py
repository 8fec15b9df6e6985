"""Benches that take turns: the recording of each, and the way from one to another.

Decision: one bench is energised at a time, and made safe before another one plays. Guards and
supply of a bench are watched while it plays or waits, not while another one does: one that is left
under current would be watched by nobody.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from app.device_benches import named_otherwise
from app.operations.calibration_notes import calibration_notes
from app.operations.events import Note
from app.operations.run_control import Control
from app.operations.runs import WayOut, energised, start_of_next
from app.operations.safely import made_safe
from app.operations.void_repeats import repeat_under
from app.recording_marks import TAKE_BACK, bad_positions
from app.recording_store import RecordingWriter
from app.store import now_iso
from models.errors import RefusedError, raise_problems
from models.paths import folder_at
from training.doubtful_repeats import listed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from app.operations.events import Event
    from instruments.bench import Bench
    from instruments.clock import Pause
    from models.network import Device
    from models.recording import Recording

    FloatArray = NDArray[np.float64]


class Turn:
    """A device of a network on its bench: runs that are kept in a recording of their own.

    Parameters
    ----------
    device
        Whose nodes it plays.
    bench
        Plays them; energised only while it does.
    writer
        Of the recording.
    pause, retries
        As of `Control`.

    Attributes
    ----------
    control, way_out
        Of this bench alone; the way out seals this recording.
    had
        Runs that were complete when it was opened.
    """

    def __init__(
        self,
        device: Device,
        bench: Bench,
        writer: RecordingWriter,
        pause: Pause | None,
        retries: int,
    ) -> None:
        self.device, self.bench = device, bench
        self.writer, self._remarked = writer, set[str]()
        self.control = Control(
            bench, writer.remark, writer.beat, pause, retries,
            folder=writer.folder, chained=True,
        )  # fmt: skip
        self.way_out = WayOut(bench, self.control.sealing(writer.finish), writer.remark)
        self.had = int(self.recording.complete.sum())
        self._origin_s: float | None = None

    @property
    def recording(self) -> Recording:
        """The runs so far."""
        return self.writer.recording

    @property
    def path(self) -> Path:
        """Of the recording's file."""
        return self.writer.path

    @property
    def pending(self) -> int:
        """Runs that are not complete yet."""
        return int((self.recording.order < 0).sum())

    def notes(self, out: Path) -> Iterator[Note]:
        """What its name and a calibration say against the bench."""
        if words := named_otherwise(self.device, self.bench):
            self._remark(words)
            yield Note(words, "warning")
        yield from calibration_notes(self.bench, out, self.writer.remark)

    def enter(self) -> Iterator[Note]:
        """Energise the bench; what is as it was the last time is not told again."""
        for note in energised(self.bench, self._remark):
            if self._origin_s is None or note.level != "info":
                yield note
        if self._origin_s is None:
            self._origin_s = self.bench.clock.now_s() - start_of_next(self.bench, self.recording)

    def leave(self) -> Iterator[Note]:
        """Make the bench safe while another one plays."""
        for words in made_safe(self.bench):
            yield Note(words)

    def measured(
        self, row: int, repeat: int, drive: FloatArray
    ) -> Generator[Event, None, FloatArray]:
        """Measure one run, reset and sequence; on disk when its response `(T, C)` is returned."""
        began_s, response = yield from repeat_under(
            self.control, drive, self.device.window, self.device.reset
        )
        if self._origin_s is None:
            raise AssertionError("a run on a bench that was never energised")
        times, place = self.control.times.since(self._origin_s), int(self.recording.complete.sum())
        self.writer.append(row, repeat, place, began_s - self._origin_s, response, times)
        self.control.settings.recorded(place)
        return response

    def _remark(self, words: str) -> None:
        if words not in self._remarked:
            self._remarked.add(words)
            self.writer.remark(words)


class Turns:
    """The benches of a network's devices, of which one is energised at a time."""

    def __init__(self, each: Sequence[Turn]) -> None:
        self.each = tuple(each)
        self._at: Turn | None = None

    @property
    def closing(self) -> bool:
        """Whether the run's generator was closed: nothing may be yielded any more."""
        return any(turn.way_out.closing for turn in self.each)

    def ways_out(self) -> ExitStack:
        """To be entered around all that they play: each bench is safe behind it."""
        with ExitStack() as stack:
            for turn in self.each:
                stack.enter_context(turn.way_out)
            return stack.pop_all()

    def to(self, turn: Turn) -> Iterator[Note]:
        """Have the bench of a turn energised, and no other."""
        if self._at is turn:
            return
        if self._at is not None:
            yield from self.named(self._at, self._at.leave())
        yield from self.named(turn, turn.enter())
        self._at = turn

    def check_settings(self) -> None:
        """What a run checks at its end, on each bench."""
        for turn in self.each:
            turn.control.settings.check()

    def notes(self) -> list[Note]:
        """What happened on the ways out."""
        return [note for turn in self.each for note in self.named(turn, turn.way_out.notes())]

    def named(self, turn: Turn, notes: Iterable[Note]) -> Iterator[Note]:
        """Notes on a bench; of several benches each with the bench's name before it, or in it."""
        name = turn.bench.spec.name
        for note in notes:
            told = len(self.each) == 1 or repr(name) in note.text
            yield note if told else Note(f"{name}: {note.text}", note.level)

    def ended(self) -> dict[str, Any]:
        """Status and reason of a run that ended early, of all its ways out."""
        every = [turn.way_out for turn in self.each]
        failed = [way_out for way_out in every if way_out.status == "failed"]
        reasons = list(dict.fromkeys(way_out.reason for way_out in every if way_out.reason))
        return {
            "status": (failed or every)[0].status,
            **({"reason": "; ".join(reasons)} if reasons else {}),
        }


def doubted_in(folders: Iterable[Path]) -> list[str]:
    """Of each recording with runs that are marked bad why they can't be gone on with."""
    return [
        f"{folder}: {listed(bad)} marked bad, and what was played after them rests on them: begin "
        f"another with --out, or {TAKE_BACK}"
        for folder in folders
        if (bad := sorted(bad_positions(folder)))
    ]


def opened(places: Sequence[tuple[Path, Recording]]) -> list[RecordingWriter]:
    """A writer of each folder, gone on with where it is there, else begun with its recording.

    Where one can't be had, none stays open.

    Raises
    ------
    RefusedError
        Runs of one are marked bad: what follows from them can't be told apart.
    """
    problems = doubted_in([folder for folder, _ in places])
    raise_problems(RefusedError, "it can't be continued", problems)
    writers: list[RecordingWriter] = []
    try:
        for folder, recording in places:
            if folder_at(folder):
                writer, so_far = RecordingWriter.resume(folder)
                writers.append(writer)
                writer.remark(f"continued {now_iso()} after it was {so_far.status}")
            else:
                writers.append(RecordingWriter(folder, recording))
    except BaseException:
        for writer in writers:
            writer.finish("stopped")
        raise
    return writers
