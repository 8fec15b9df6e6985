"""Recordings on disk: the writer whose repeats survive a kill.

Layout. `recording.nc` is the recording for xarray, h5py and everyone else; while a run lasts (and
after a kill) `journal.bin` stands beside it and is the truth. `finish` seals the one and removes
the other.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.artefacts import new_directory, writing
from app.disk import FULL, anew, once_free
from app.journal import NAME as JOURNAL_NAME
from app.journal import Journal, JournalRepeat, read_journal
from app.live_arrays import LiveArrays
from app.netcdf import write_netcdf
from app.recording_format import attributes_of, header_of, variables_of
from app.recording_reader import FILE_NAME, OPEN_HERE, folder_of, read_recording
from app.run_lock import RunLock
from models.errors import InputError, RefusedError, TwinrigError
from models.paths import anything_at, file_at
from models.recording import BY_STEP, StepTimes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.recording import Recording

__all__ = ["RecordingWriter", "read_recording", "write_recording"]

BEAT_S = 1.0


class RecordingWriter:
    """Writes a run's repeats as they are completed; call `finish` in a `finally:`.

    Parameters
    ----------
    out
        A new folder.
    header
        The recording to come: everything but responses (all NaN), order and start times.
    resumed
        Only `resume` gives it: `out` exists then, and `header` is the recording so far.

    Attributes
    ----------
    looked_s
        Of each repeat (sequence, repeat) appended here: `StepTimes.looked_s`.

    Raises
    ------
    InputError
        `out` holds something already.
    TwinrigError
        The disk refuses.
    """

    def __init__(
        self, out: Path, header: Recording, *, resumed: tuple[RunLock, Journal] | None = None
    ) -> None:
        self.folder = Path(out) if resumed else new_directory(out)
        self.path = self.folder / FILE_NAME
        self._recording = header if resumed else _blank(header)
        self._lock, self._journal = resumed or _begun(self.folder, self._recording)
        self._live: LiveArrays | None = None
        self.looked_s: dict[tuple[int, int], dict[int, float]] = {}
        self._beaten_s = time.monotonic()
        self._finished = False
        OPEN_HERE.add(self.folder.resolve())
        try:
            places = self._write_file(seal=False)
            with writing(self.path):
                self._live = LiveArrays(self.path, places)
            self._journal.place(self._live.offsets["order"])
        except BaseException:
            self._close()  # the journal still says `begun`: that run can be gone on with
            raise

    @classmethod
    def resume(cls, path: Path) -> tuple[RecordingWriter, Recording]:
        """Go on with a run that ended early: the writer, and the recording so far.

        Raises
        ------
        InputError
            No recording there, or a damaged one.
        RefusedError
            Another writer has it, which the message names; of two in one instant one gets it.
        """
        folder = folder_of(path)
        read_recording(folder)  # what is no recording is said before anything is made there
        lock = RunLock(folder)
        try:
            so_far = read_recording(folder)
            if so_far.status == "running":
                owner = read_journal(folder / JOURNAL_NAME).owner
                raise RefusedError(f"{folder}: is being recorded now by {owner}; stop that first")
            recording = replace(
                so_far,
                response=so_far.response.copy(),
                order=so_far.order.copy(),
                start_s=so_far.start_s.copy(),
                status="running",
                meta=dict(so_far.meta),
                **{name: getattr(so_far, name).copy() for name in BY_STEP},
            )
            journal = _reopened_journal(folder / JOURNAL_NAME, recording)
        except BaseException:
            lock.release()
            raise
        return cls(folder, recording, resumed=(lock, journal)), so_far

    @property
    def recording(self) -> Recording:
        """The recording so far; its arrays grow with each repeat."""
        return self._recording

    def append(
        self,
        sequence: int,
        repeat: int,
        position: int,
        start_s: float,
        response: NDArray[np.float64],
        times: StepTimes | None = None,
    ) -> None:
        """Store one completed repeat; when this returns it survives `kill -9`.

        Parameters
        ----------
        sequence, repeat
            Which one, from zero.
        position
            Its place in the run's order, from zero.
        start_s
            Device time at its start, in s.
        response
            `(T, C)` with `T` the sequence's length, in the recording's units.
        times
            When each step was set and read, since the run's origin; None: nobody knows.

        Raises
        ------
        InputError
            Another shape, or a repeat that is there already.
        TwinrigError
            The disk refuses; everything before is as it was.
        """
        into, times = self._recording, times or StepTimes.absent(len(response))
        expected = (int(into.lengths[sequence]), len(into.channels))
        if response.shape != expected:
            raise InputError(
                f"sequence {sequence}, repeat {repeat}: response has shape {response.shape}, "
                f"expected {expected}"
            )
        if into.order[sequence, repeat] >= 0:
            raise InputError(f"sequence {sequence}, repeat {repeat}: is recorded already")
        self._journal.append(JournalRepeat(sequence, repeat, position, start_s, response, times))
        for name in BY_STEP:
            getattr(into, name)[sequence, repeat, : len(response)] = getattr(times, name)
        into.response[sequence, repeat, : len(response)] = response
        into.start_s[sequence, repeat] = start_s
        into.order[sequence, repeat] = position
        self.looked_s[sequence, repeat] = times.looked_s
        self._show(sequence, repeat)

    def _show(self, sequence: int, repeat: int) -> None:
        """Write the repeat into the open file too, its order last: order ≥ 0 means complete."""
        _, r, t, c = self._recording.response.shape
        index = sequence * r + repeat
        if self._live is None:
            return
        recording = self._recording
        # Windows: a reader may hold the file for a moment; the journal has the repeat, and
        # `finish` writes the file anew.
        with writing(self.path), suppress(PermissionError):
            self._live.write("response", index * t * c, recording.response[sequence, repeat])
            for name in BY_STEP:
                self._live.write(name, index * t, getattr(recording, name)[sequence, repeat])
            self._live.write("start", index, recording.start_s[sequence, repeat : repeat + 1])
            order = recording.order[sequence, repeat : repeat + 1].astype(np.int32)
            self._live.write("order", index, order)

    def remark(self, text: str) -> None:
        """Keep a sentence about the run in `meta["remarks"]`."""
        self._journal.remark(text)
        meta = self._recording.meta
        meta["remarks"] = [*meta.get("remarks", []), text]

    def beat(self) -> None:
        """Say that the run lives (once a second at most); call it with every step."""
        if time.monotonic() - self._beaten_s >= BEAT_S:
            self._beaten_s = time.monotonic()
            self._journal.beat()

    def finish(self, status: str) -> Recording:
        """Seal the recording with its final status: done, stopped or failed; a second call is free.

        Raises
        ------
        TwinrigError
            The disk refuses; the journal then keeps every repeat and the status.
        """
        if self._finished:
            return self._recording
        self._recording = replace(self._recording, status=status)
        try:
            with suppress(TwinrigError):
                self._journal.mark(status)
            self._release_live()
            self._write_file(seal=True)
            self._journal.close()
            with writing(self._journal.path):
                once_free(self._journal.path.unlink)
        finally:
            self._close()
        return self._recording

    def _write_file(self, *, seal: bool) -> dict[str, int]:
        recording = self._recording
        return write_netcdf(self.path, variables_of(recording), attributes_of(recording), seal=seal)

    def _close(self) -> None:
        self._finished = True
        self._release_live()
        self._journal.close()
        self._lock.release()
        OPEN_HERE.discard(self.folder.resolve())

    def _release_live(self) -> None:
        if self._live is not None:
            self._live.close()
            self._live = None


def _begun(folder: Path, recording: Recording) -> tuple[RunLock, Journal]:
    lock = None
    try:
        lock = RunLock(folder)
        return lock, Journal.create(folder / JOURNAL_NAME, header_of(recording))
    except BaseException as fault:
        if lock is not None:
            lock.release()
        with suppress(OSError):
            folder.rmdir()
        if isinstance(fault.__cause__, OSError) and fault.__cause__.errno in FULL:
            raise TwinrigError(
                f"{folder}: the disk is full, nothing was begun: free some space, then begin again"
            ) from fault
        raise


def _blank(header: Recording) -> Recording:
    return replace(
        header,
        response=np.full_like(header.response, np.nan),
        order=np.full_like(header.order, -1),
        start_s=np.full_like(header.start_s, np.nan),
        status="running",
        meta=dict(header.meta),
        **{name: np.full_like(getattr(header, name), np.nan) for name in BY_STEP},
    )


def _reopened_journal(path: Path, recording: Recording) -> Journal:
    """The journal of a dead run, or a new one of a finished recording, whole or not at all."""
    if file_at(path):
        return Journal.reopen(path, read_journal(path))
    repeats = [_journalled(recording, int(s), int(r)) for s, r in np.argwhere(recording.complete)]
    return Journal.create(path, header_of(recording), repeats)


def _journalled(recording: Recording, s: int, r: int) -> JournalRepeat:
    steps = slice(int(recording.lengths[s]))
    return JournalRepeat(
        s,
        r,
        int(recording.order[s, r]),
        float(recording.start_s[s, r]),
        recording.response[s, r, steps],
        StepTimes(*(getattr(recording, name)[s, r, steps] for name in BY_STEP)),
    )


def write_recording(out: Path, recording: Recording) -> Path:
    """Write a whole recording into a new folder; returns its `recording.nc`.

    Raises
    ------
    InputError
        `out` holds something already, also where it came in this moment.
    RefusedError
        Another program writes there.
    TwinrigError
        The disk refuses.
    """
    with anew(), RunLock(new_directory(out)) as lock:
        path = lock.path.with_name(FILE_NAME)
        if anything_at(path):  # two were begun at once
            raise InputError(f"{path}: exists already, and nothing is ever overwritten")
        write_netcdf(path, variables_of(recording), attributes_of(recording))
    return path
