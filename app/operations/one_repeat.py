"""One repeat on a bench, and what makes it void: shared by `record` and `deploy`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.operations.beside import HELD_UP_S
from app.operations.events import StepHeld, StepRead
from instruments.alignment import AlignmentError
from instruments.clock import passed_s, suspended_s
from instruments.field_probe import FieldError, FieldWait
from instruments.link_errors import LinkError, WrongInstrumentError
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from instruments.bench import Bench
    from models.recording import StepTimes
    from models.sequence import DriveWindow, Reset

    Response = NDArray[np.float64]

SLEPT_S = 1.0  # the two clocks are read one after the other


class VoidRepeatError(TwinrigError):
    """What a repeat gave can't be trusted."""


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
        probe measured another field, a step waited for a disk or a reader (`HELD_UP_S`), the
        computer was suspended.
    TwinrigError
        A link or an instrument failed on the way.
    StoppedError
        Stop was requested.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    response = np.full((drive.size, len(bench.channels)), np.nan)
    bench.stop.check()
    fields_T, slept_s = window.field_T(drive).tolist(), suspended_s()
    try:
        step = 0
        counts = None if holds is None else holds.tolist()
        for read in bench.repeat(fields_T, window, reset, counts):
            event: StepRead | StepHeld
            if isinstance(read, FieldWait):
                event = StepHeld(step, read.words, read.seconds, read.at_most_s)
            else:
                response[step] = read.values
                if times is not None:
                    times.put(step, read.set_s, read.read_s, read.measured_field_T, read.looked_s)
                event = StepRead(
                    step, fields_T[step], read.current_A, response[step].copy(), bench.spec.name
                )
                step += 1
            given_s = passed_s()
            yield event
            if step < drive.size:  # behind the last one nothing waits
                _refuse_held_up(bench, step, passed_s() - given_s)
    except (AlignmentError, FieldError) as fault:
        raise VoidRepeatError(str(fault)) from fault
    slept_s = suspended_s() - slept_s
    if slept_s > SLEPT_S and bench.clock.by_itself:
        bench.stop.check()
        raise VoidRepeatError(f"the computer was suspended for {slept_s:.0f} s within it")
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


def _refuse_held_up(bench: Bench, step: int, waited_s: float) -> None:
    """Raise VoidRepeatError where a step waited too long for whoever was given the one before.

    On a virtual rig it waits for no time of the device.
    """
    if waited_s > HELD_UP_S and bench.clock.by_itself:
        bench.stop.check()  # that was asked for meanwhile, and says nothing against the repeat
        raise VoidRepeatError(
            f"step {step} waited {waited_s:.1f} s for a disk or for whoever reads the output, at "
            "the field of the step before"
        )


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
