"""One repeat on a bench, and the way out of a run: shared by `record` and `deploy`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from app.operations.events import Note, StepRead
from instruments.link_errors import LinkError, WrongInstrumentError
from models.errors import StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from app.operations.events import Event
    from instruments.bench import Bench
    from models.sequence import DriveWindow, Reset

    Response = NDArray[np.float64]

log = logging.getLogger(__name__)


class VoidRepeatError(TwinrigError):
    """A repeat was played to its end, and what it gave can't be trusted."""


def run_repeat(
    bench: Bench, drive: NDArray[np.float64], window: DriveWindow, reset: Reset
) -> Generator[StepRead, None, Response]:
    """Reset the device, play one drive, read every step; verified at the end.

    Parameters
    ----------
    bench
        Energised.
    drive
        `(T,)` in 0…1.
    window, reset
        How drive becomes field, and what precedes it.

    Returns
    -------
    NDArray
        Response `(T, C)` in the bench's units.

    Raises
    ------
    VoidRepeatError
        A read-out was overloaded, a supply changed without us, an error was queued.
    TwinrigError
        A link or an instrument failed on the way.
    StoppedError
        Stop was requested.
    """
    response = np.full((drive.size, len(bench.channels)), np.nan)
    bench.stop.check()
    bench.reset_device(reset)
    for step, field_T in enumerate(window.field_T(drive).tolist()):
        current_A, values = bench.step(field_T, window)
        response[step] = values
        yield StepRead(step, field_T, current_A, response[step].copy())
    try:
        bench.verify()
    except TwinrigError as fault:
        raise VoidRepeatError(str(fault)) from fault
    if not np.isfinite(response).all():
        raise VoidRepeatError(
            f"step {int(np.argmin(np.isfinite(response).all(axis=1)))}: the read-out gave no number"
        )
    return response


def run_repeat_twice(
    bench: Bench,
    drive: NDArray[np.float64],
    window: DriveWindow,
    reset: Reset,
    remark: Callable[[str], None],
) -> Generator[Event, None, Response]:
    """`run_repeat`; a repeat that a transient fault made void is run once more, and noted.

    `remark` keeps the sentence with the data. Faults of safety (limits, a supply that changed
    without us) and a second void repeat end the run.
    """
    try:
        return (yield from run_repeat(bench, drive, window, reset))
    except TwinrigError as fault:
        if not is_transient(bench, fault):
            raise
        text = f"a repeat was void and is run once more: {fault}"
    remark(text)
    yield Note(text, "warning")
    return (yield from run_repeat(bench, drive, window, reset))


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
    raised itself.

    Attributes
    ----------
    status
        `done`, `stopped` or `failed`, once left.
    closing
        The run's generator was closed: nothing may be yielded any more.
    words
        What `make_safe` found and did.
    """

    def __init__(self, bench: Bench, finish: Callable[[str], object]) -> None:
        self._bench = bench
        self._finish = finish
        self.status = "running"
        self.closing = False
        self.words: list[str] = []

    def __enter__(self) -> WayOut:
        return self

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        self.status = status_of(fault)
        self.closing = isinstance(fault, GeneratorExit)
        later = [f for f in (self._make_safe(), self._write_status()) if f is not None]
        if not later:
            return
        if fault is None or self.status == "stopped":
            self.status = "failed"
            raise later[0]
        for each in later:
            log.error("%s", each)
            fault.add_note(f"On the way out: {each}")

    def _make_safe(self) -> Exception | None:
        try:
            self.words = self._bench.make_safe()
        except Exception as fault:  # whatever it is, the status must still be written
            return fault
        return None

    def _write_status(self) -> Exception | None:
        try:
            self._finish(self.status)
        except Exception as fault:  # whatever it is, it must not hide why the run ended
            return fault
        return None


def status_of(fault: BaseException | None) -> str:
    """The status of a run that ended with `fault` (None: it came to its end)."""
    if fault is None:
        return "done"
    if isinstance(fault, (GeneratorExit, StoppedError, KeyboardInterrupt)):
        return "stopped"
    return "failed"
