"""Repeats that a fault made void are run again, as often as was asked for.

The start of a repeat is that of the attempt that was kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.operations.events import Note
from app.operations.one_repeat import is_transient, run_repeat
from app.operations.run_control import EACH_S
from instruments.link_errors import LinkError, WrongInstrumentError
from models.errors import RefusedError, StoppedError, TwinrigError
from models.recording import StepTimes

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy as np
    from numpy.typing import NDArray

    from app.operations.events import Event
    from app.operations.one_repeat import Response
    from app.operations.run_control import Control
    from models.sequence import DriveWindow, Reset

MOST_HOLDS = 5
"""Judgement: how often one repeat may be held. What is well at zero current and out again under it
(a voltage limit, a coil that is too hot for the sequence) is not mended by waiting."""


def repeat_under(
    control: Control,
    drive: NDArray[np.float64],
    window: DriveWindow,
    reset: Reset,
    holds: NDArray[np.int64] | None = None,
) -> Generator[Event, None, tuple[float, Response]]:
    """`run_repeat`, run again where a transient fault made it void, each time noted.

    A guard that holds voids the repeat, too, which is run again once it is back, `MOST_HOLDS` times
    at most. Faults of safety (limits, a supply that changed without us) and one void repeat more
    than `retries` end the run.

    Returns
    -------
    float
        Device time at the start of the repeat that is true.
    NDArray
        Its response `(T, C)`.
    """
    bench, voids, waits = control.bench, 0, 0
    while True:
        began_s, control.times = bench.clock.now_s(), StepTimes.absent(drive.size)
        try:
            response = yield from control.alive(
                run_repeat(bench, drive, window, reset, control.times, holds)
            )
        except (RefusedError, StoppedError, WrongInstrumentError):
            bench.stop.check()  # a second Stop has made the magnet safe: that is no refusal
            raise
        except TwinrigError as fault:
            held = any(magnet.held_by for magnet in bench.drives)
            voids, waits = voids + (not held), waits + held
            if not held and (voids > control.retries or not is_transient(bench, fault)):
                raise
            if waits > MOST_HOLDS:
                raise TwinrigError(
                    f"held {MOST_HOLDS} times in one repeat: at zero current it is back, and under "
                    f"current out again, which waiting doesn't mend: {fault}"
                ) from fault
            again = "again once that is back" if held else _again(control, voids)
            text = f"a repeat was void and is run {again}: {fault}"
        else:
            control.looked_s += control.times.looked_s.values()
            return began_s, response
        control.remark(text)
        yield Note(text, "warning")
        if held:
            yield from control.held()
        voids = yield from _answering(control, voids)
        yield from control.paused()


def _answering(control: Control, voids: int) -> Generator[Event, None, int]:
    """Check the settings: what was switched off and on answers as before; returns the voids.

    A read-out that is away for seconds takes one each second, at zero current, not all that were
    asked for at once; a supply that is away ends the run, and with it what flows.
    """
    before = voids
    while True:
        try:
            control.settings.check()
        except WrongInstrumentError:
            raise
        except LinkError as fault:
            voids += 1
            if voids > control.retries:
                raise
            text = f"still no answer, which is tried {_again(control, voids)}: {fault}"
        else:
            return voids
        if voids == before + 1:  # kept once; people hear it each time
            control.remark(text)
        yield Note(text, "warning")
        control.rest(EACH_S)


def _again(control: Control, voids: int) -> str:
    return "once more" if control.retries == 1 else f"again ({voids} of {control.retries})"
