"""The begin of a run on hardware and its way out: shared by all that energise a bench."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from app.artefacts import now_iso
from app.operations.beside import Beside
from app.operations.events import Note
from app.operations.safely import found_at_energise, made_safe, voice_of
from app.stopping import uninterrupted
from instruments.ramp_down import NOT_AT_REST
from models.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from instruments.bench import Bench
    from models.recording import Recording

log = logging.getLogger(__name__)


class EndedItselfError(StoppedError):
    """A run stopped itself, as it had been asked to: its status is `stopped`, with a reason."""


def energised(
    bench: Bench, remark: Callable[[str], None], *, steps: bool = True
) -> Generator[Note, None, None]:
    """Energise the bench; what it was found in is told, and kept with the data by `remark`.

    `steps`: steps are to be played, and what times them is told, too.
    """
    before = dict(bench.found)
    remarks, bench.remarks = bench.remarks, ()
    bench.energise()
    for words in remarks:
        remark(words)
        yield Note(words, "warning")
    if bench.watchdog is not None:
        yield Note(str(bench.watchdog), "info" if bench.watchdog.pid is not None else "warning")
    if steps and (timing := bench.timing_words()):
        remark(timing)
        yield Note(timing)
    slow = [bench.late_guards(), *bench.slow_filters(), *bench.coarse_drives()] if steps else []
    for words in filter(None, (*slow, *found_at_energise(bench, before))):
        remark(words)
        yield Note(words, "warning")


def start_of_next(bench: Bench, done: Recording) -> float:
    """Where a run's time goes on, in s: 0, or behind the last repeat of a continued run."""
    if not done.complete.any():
        return 0.0
    s, r = np.argwhere(done.start_s == np.nanmax(done.start_s))[0]
    length = int(done.held_lengths[s])
    lasts_s = bench.predicted_s(int(done.lengths[s]), length, done.window, done.reset)
    read_s = float(np.nanmax(done.read_s, initial=-np.inf))  # a reading may last unforeseen
    return max(float(done.start_s[s, r]) + float(lasts_s), read_s)


class WayOut:
    """The way out of a run on hardware: the rig is made safe first, then the status is written.

    Used as a context manager around everything from the first set-point on. What fails on the way
    out never hides the fault that ended the run; where there was none (done, or stopped) it is
    raised itself. Ctrl-C waits until it is over. Where the run can't follow a Stop, as its disk
    hangs, the rig is made safe beside it.

    Parameters
    ----------
    bench
        Brought to its safe state.
    finish
        Writes the status.
    remark
        Keeps a sentence with the data: why the run failed, and what was not left safe.

    Attributes
    ----------
    status
        `done`, `stopped` or `failed`, once left; `failed` where the rig is not safe.
    closing
        The run's generator was closed: nothing may be yielded any more.
    words
        What `make_safe` found and did.
    reason
        Why the run failed or stopped itself; empty where it did not.
    """

    def __init__(
        self,
        bench: Bench,
        finish: Callable[[str], object],
        remark: Callable[[str], object] | None = None,
    ) -> None:
        self._bench = bench
        self._finish = finish
        self._remark = remark
        self.status = "running"
        self.closing = False
        self.words: list[str] = []
        self.reason = ""
        self._beside = Beside(bench)

    def __enter__(self) -> WayOut:
        self._beside.begin()
        return self

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        self._beside.leave()
        self.closing = isinstance(fault, GeneratorExit)
        with uninterrupted():
            self._tried(self._say_why, fault)
            unsafe = self._tried(self._make_safe)
            self.status = "failed" if unsafe else status_of(fault)
            later = [unsafe, self._tried(self._write_reason, fault, unsafe)]
            later.append(self._tried(self._beside.end))
            later.append(self._tried(self._keep_lags))
            later.append(self._tried(self._finish, self.status))
        found = [each for each in later if each is not None]
        if not found:
            return
        if fault is None or status_of(fault) == "stopped":
            self.status = "failed"
            self.reason = self.reason or str(found[0])
            raise found[0]
        for each in found:
            log.error("%s", each)
            fault.add_note(f"On the way out: {each}")

    def notes(self) -> list[Note]:
        """What happened on the way out, for a run whose events are still heard."""
        return [*map(_way_note, self.words), *self._unsafe_note()]

    def _unsafe_note(self) -> list[Note]:
        unsafe = voice_of(self._bench).unsafe
        return [Note(unsafe, "error")] if unsafe else []

    def _say_why(self, fault: BaseException | None) -> None:
        """Say at once why the run ends: the way to safety may take its time."""
        if status_of(fault) == "failed":
            words = str(fault) or type(fault).__name__
            voice_of(self._bench).say(f"bringing the rig to its safe state after: {words}")

    def _make_safe(self) -> None:
        while True:
            try:
                self.words = made_safe(self._bench)
                break
            except KeyboardInterrupt:  # a program's own handler raised it: begin anew
                continue
        if self.closing:
            for words in self.words:
                voice_of(self._bench).say(words)

    def _write_reason(self, fault: BaseException | None, unsafe: BaseException | None) -> None:
        """Keep why it failed, and what was not left safe, with the data."""
        told = status_of(fault) == "failed" or isinstance(fault, EndedItselfError)
        faults = [fault] if fault is not None and told else []
        words = [str(each) or type(each).__name__ for each in (*faults, unsafe) if each]
        self.reason = "; ".join(words)
        if self.reason and self._remark is not None:
            self._remark(f"{self.status} {now_iso()}: {self.reason}")
            for done in self.words:
                self._remark(f"on the way out: {done}")

    def _keep_lags(self) -> None:
        """Keep with the data what held it up, and that steps were read at currents on their way."""
        if self._remark is not None:
            for words in (*self._beside.waited, *self._bench.lags):
                self._remark(words)

    @staticmethod
    def _tried(act: Callable[..., object], *given: object) -> BaseException | None:
        """Carry out one part of the way out; whatever fails in it, the next part must follow."""
        try:
            act(*given)
        except BaseException as fault:
            return fault
        return None


def _way_note(words: str) -> Note:
    """What was found and done: a warning where a current is left that nobody can take down."""
    return Note(words, "warning" if any(each in words for each in NOT_AT_REST) else "info")


def status_of(fault: BaseException | None) -> str:
    """The status of a run that ended with `fault` (None: it came to its end)."""
    if fault is None:
        return "done"
    if isinstance(fault, (GeneratorExit, StoppedError, KeyboardInterrupt)):
        return "stopped"
    return "failed"
