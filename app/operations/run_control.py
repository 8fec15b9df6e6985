"""How a run goes from one repeat to the next: pauses, and repeats that are run again.

Decision: a run waits at zero current with its output on. Switching a supply off and on again costs
a transient and a new preparation, and a run that waits goes on within a second; whoever wants to
touch the sample stops the run (`--resume` goes on). While it waits guards and supply are looked at
as during a long hold, so that what would end a repeat ends a wait, too.

Device time goes on while a run waits; on a virtual rig as the host's does. The start of a repeat is
that of the attempt that was kept.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from app.operations.events import Note, Paused, Resumed
from app.operations.runs import is_transient, run_repeat
from app.words import duration
from instruments.clock import SLICE_S, Pause
from instruments.link_errors import LinkError, WrongInstrumentError
from models.errors import RefusedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from app.operations.events import Event
    from app.operations.runs import Response
    from instruments.bench import Bench
    from instruments.limits import LimitedMagnet
    from models.sequence import DriveWindow, Reset

EACH_S = 1.0  # between two signs of life of a run that waits


class Control:
    """What a run does between two repeats.

    Parameters
    ----------
    bench
        The run's.
    remark
        Keeps a sentence with the data.
    beat
        The run's heartbeat on disk; called often.
    pause
        Looked at before each repeat; None: nobody asks for one.

    Attributes
    ----------
    waited_s
        The host's time spent waiting: no part of what a repeat takes.
    """

    def __init__(
        self,
        bench: Bench,
        remark: Callable[[str], None],
        beat: Callable[[], None],
        pause: Pause | None = None,
    ) -> None:
        self.bench = bench
        self.remark = remark
        self.beat = beat
        self.pause = pause or Pause()
        self.waited_s = 0.0

    @property
    def magnet(self) -> LimitedMagnet:
        """The drive's: the only one that carries current in a run."""
        return self.bench.magnets[self.bench.spec.drive_magnet]

    def paused(self) -> Iterator[Event]:
        """Wait at zero current while a pause is asked for.

        Raises
        ------
        TwinrigError
            What would end a repeat, or settings that differ when it goes on.
        StoppedError
            Stop was requested.
        """
        pause, asked = self.pause, self.pause.requested
        if not asked:
            return
        begin_s = told_s = time.monotonic()
        yield Paused(0.0)
        _again_if_lost(lambda: self.magnet.ramp_to_A(0.0))
        while pause.requested:
            now_s = time.monotonic()
            if now_s - told_s >= EACH_S:
                told_s = now_s
                yield Paused(now_s - begin_s)
            _again_if_lost(lambda: self.magnet.hold(SLICE_S))
            # a virtual rig's second may take no time
            pause.stays(SLICE_S - (time.monotonic() - now_s))
            self.beat()
        self.bench.check_settings()  # hands that touch an instrument do so in a pause
        seconds = time.monotonic() - begin_s
        self.waited_s += seconds
        self.remark(f"paused for {duration(seconds)}")
        yield Resumed(seconds)

    def alive(self, events: Generator[Event, None, Response]) -> Generator[Event, None, Response]:
        """Events, each a heartbeat of the run on disk; returns what they return."""
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                response: Response = end.value
                return response
            self.beat()
            yield event


def repeat_under(
    control: Control, drive: NDArray[np.float64], window: DriveWindow, reset: Reset
) -> Generator[Event, None, tuple[float, Response]]:
    """`run_repeat`; a repeat that a transient fault made void is run once more, and noted.

    Faults of safety (limits, a supply that changed without us) and a second void repeat end the
    run.

    Returns
    -------
    float
        Device time at the start of the repeat that is true.
    NDArray
        Its response `(T, C)`.
    """
    bench = control.bench
    began_s = bench.clock.now_s()
    try:
        response = yield from control.alive(run_repeat(bench, drive, window, reset))
    except RefusedError:
        bench.stop.check()  # a second Stop has made the magnet safe: that is no refusal
        raise
    except TwinrigError as fault:
        if not is_transient(bench, fault):
            raise
        bench.check_settings()  # one that was switched off and on answers as before
        text = f"a repeat was void and is run once more: {fault}"
    else:
        return began_s, response
    control.remark(text)
    yield Note(text, "warning")
    began_s = bench.clock.now_s()
    return began_s, (yield from control.alive(run_repeat(bench, drive, window, reset)))


def _again_if_lost(act: Callable[[], object]) -> None:
    """Act once more where a reply was lost: a wait has nothing to lose, a second fault ends it."""
    try:
        act()
    except WrongInstrumentError:
        raise
    except LinkError:
        act()
