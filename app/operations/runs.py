"""One repeat on a bench, and the way out of a run: shared by `record` and `deploy`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from app.artefacts import now_iso
from app.operations.beside import HELD_UP_S, Beside
from app.operations.events import Note, StepHeld, StepRead
from app.operations.safely import found_at_energise, made_safe, voice_of
from app.stopping import uninterrupted
from instruments.alignment import AlignmentError
from instruments.clock import passed_s
from instruments.field_probe import FieldError, FieldWait
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.ramp_down import NOT_AT_REST
from models.errors import StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from instruments.bench import Bench
    from models.recording import Recording, StepTimes
    from models.sequence import DriveWindow, Reset

    Response = NDArray[np.float64]

log = logging.getLogger(__name__)


class VoidRepeatError(TwinrigError):
    """A repeat was played to its end, and what it gave can't be trusted."""


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
    late = bench.late_guards() if steps else ""
    for words in filter(None, (late, *found_at_energise(bench, before))):
        remark(words)
        yield Note(words, "warning")


def run_repeat(
    bench: Bench,
    drive: NDArray[np.float64],
    window: DriveWindow,
    reset: Reset,
    times: StepTimes | None = None,
    holds: NDArray[np.int64] | None = None,
) -> Generator[StepRead | StepHeld, None, Response]:
    """Reset the device, play one drive, read every step; verified at the end.

    Parameters
    ----------
    bench
        Energised.
    drive
        `(T,)` in 0…1.
    window, reset
        How drive becomes field, and what precedes it.
    times
        Of `T` steps: filled step by step, in the bench's device time.
    holds
        `(T,)` of its steps; None: one each.

    Returns
    -------
    NDArray
        Response `(T, C)` in the bench's units.

    Raises
    ------
    VoidRepeatError
        A read-out was overloaded, a supply changed without us, an error was queued, the field
        probe measured another field, a step waited for a disk or a reader (`HELD_UP_S`).
    TwinrigError
        A link or an instrument failed on the way.
    StoppedError
        Stop was requested.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    response = np.full((drive.size, len(bench.channels)), np.nan)
    bench.stop.check()
    fields_T = window.field_T(drive).tolist()
    try:
        step = 0
        counts = None if holds is None else holds.tolist()
        for read in bench.repeat(fields_T, window, reset, counts):
            if isinstance(read, FieldWait):
                yield from _in_time(
                    bench, step, StepHeld(step, read.words, read.seconds, read.at_most_s)
                )
                continue
            response[step] = read.values
            if times is not None:
                times.put(step, read.set_s, read.read_s, read.measured_field_T, read.looked_s)
            event = StepRead(
                step, fields_T[step], read.current_A, response[step].copy(), bench.spec.name
            )
            step += 1
            yield from _in_time(bench, step, event, matters=step < drive.size)
    except (AlignmentError, FieldError) as fault:
        raise VoidRepeatError(str(fault)) from fault
    try:
        bench.verify()
    except TwinrigError as fault:
        bench.stop.check()  # a check that Stop has cut short says nothing against the repeat
        raise VoidRepeatError(str(fault)) from fault
    if not np.isfinite(response).all():
        raise VoidRepeatError(
            f"step {int(np.argmin(np.isfinite(response).all(axis=1)))}: the read-out gave no number"
        )
    return response


def _in_time(
    bench: Bench, step: int, event: StepRead | StepHeld, *, matters: bool = True
) -> Generator[StepRead | StepHeld, None, None]:
    """Hand an event on; VoidRepeatError where `step`, the next one, waited too long for that.

    On a virtual rig it waits for no time of the device. `matters`: there is a next one.
    """
    begin_s = passed_s()
    yield event
    waited_s = passed_s() - begin_s
    if matters and waited_s > HELD_UP_S and bench.clock.by_itself:
        raise VoidRepeatError(
            f"step {step} waited {waited_s:.1f} s for a disk or for whoever reads the output, at "
            "the field of the step before"
        )


def start_of_next(bench: Bench, done: Recording) -> float:
    """Where a run's time goes on, in s: 0, or behind the last repeat of a continued run."""
    if not done.complete.any():
        return 0.0
    s, r = np.argwhere(done.start_s == np.nanmax(done.start_s))[0]
    lasts_s = bench.predicted_s(int(done.lengths[s]), int(done.held_lengths[s]))
    return float(done.start_s[s, r]) + float(lasts_s)


def is_transient(bench: Bench, fault: TwinrigError) -> bool:
    """Whether a fault voids one repeat and says nothing against the next.

    A late or lost reply; a latched overload or a queued error that is gone when the bench is
    verified again. A set-point changed without us is still changed then.
    """
    if isinstance(fault, VoidRepeatError):
        try:
            bench.verify()
        except TwinrigError:
            return False
        return True
    return isinstance(fault, LinkError) and not isinstance(fault, WrongInstrumentError)


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
