"""How a run waits between two repeats: pauses, guards that hold, and what it says of them.

Decision: a run waits at zero current with its output on. Switching a supply off and on again costs
a transient and a new preparation, and a run that waits goes on within a second; whoever wants to
touch the sample stops the run (`--resume` goes on). While it waits guards and supply are looked at
as during a long hold, so that what would end a repeat ends a wait, too.

Device time goes on while a run waits; on a virtual rig as the host's does.
"""

from __future__ import annotations

import math
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from app.operations.events import Held, Paused, Resumed, StepHeld
from app.operations.settings_look import SettingsLook
from app.words import counted, duration
from instruments.clock import SLICE_S, Pause
from instruments.link_errors import LinkError, WrongInstrumentError
from models.errors import TwinrigError
from models.recording import StepTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from app.operations.events import Event
    from app.operations.one_repeat import Response
    from instruments.bench import Bench
    from instruments.limits import LimitedMagnet
    from instruments.watch import Watch

T = TypeVar("T")
EACH_S = 1.0  # between two signs of life of a run that waits
DWELL_S = 5.0
"""Judgement: what flutters about its bound must not cost a repeat each time; device time."""


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
    retries
        How often a void repeat is run again.
    folder
        Of the run's recording.
    chained
        As of `SettingsLook`.

    Attributes
    ----------
    settings
        When the read-outs' are looked at.
    times
        Of the steps of the last repeat, in the bench's device time.
    waited_s
        The host's time spent waiting: no part of what a repeat takes.
    steps_held
        How many steps waited for their field, for how long in all and at most (device time).
    looked_s
        Of each step of a true repeat before which supply or guards were due: how long they took.
    """

    def __init__(
        self,
        bench: Bench,
        remark: Callable[[str], None],
        beat: Callable[[], None],
        pause: Pause | None = None,
        retries: int = 1,
        *,
        folder: Path,
        chained: bool = False,
    ) -> None:
        self.bench = bench
        self.settings = SettingsLook(bench, folder, chained=chained)
        self.remark = remark
        self.beat = beat
        self.pause = pause or Pause()
        self.retries = retries
        self.waited_s = 0.0
        self.steps_held = (0, 0.0, 0.0)
        self.looked_s: list[float] = []
        self.times = StepTimes.absent(0)

    @property
    def magnet(self) -> LimitedMagnet:
        """The drive's; of a rotation the first one."""
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
        self.settings.look()  # what a hand does in the pause says nothing against what came before
        begin_s = time.monotonic()
        with self._at_rest():
            yield Paused(0.0)  # whoever reads it may take it for zero current
            yield from self._until_taken_back(pause, begin_s)
        self.settings.check()  # hands that touch an instrument do so in a pause
        seconds = time.monotonic() - begin_s
        self.waited_s += seconds
        self.remark(f"paused for {duration(seconds)}")
        yield Resumed(seconds)

    def _until_taken_back(self, pause: Pause, begin_s: float) -> Iterator[Event]:
        told_s = begin_s
        while pause.requested:
            now_s = time.monotonic()
            if now_s - told_s >= EACH_S:
                told_s = now_s
                yield Paused(now_s - begin_s)
            self._hold(SLICE_S)
            # a virtual rig's second may take no time
            pause.stays(SLICE_S - (time.monotonic() - now_s))
            self.beat()

    def held(self) -> Iterator[Event]:
        """Wait at zero current until every guard that holds has been back for `DWELL_S`.

        Raises
        ------
        TwinrigError
            Not back in its time, or what would end a repeat.
        StoppedError
            Stop was requested.
        """
        clock, host_s = self.bench.clock, time.monotonic()
        begin_s = fit_since_s = clock.now_s()
        at_most_s, seconds, why = math.inf, 0.0, ""
        with self._at_rest() as watch:
            while clock.now_s() - fit_since_s < DWELL_S:
                out = watch.out
                at_most_s = min(at_most_s, watch.patience_s)
                why = "; ".join(out) or why
                if out and seconds >= at_most_s:
                    raise TwinrigError(
                        f"held for {seconds:.0f} s, bench key hold_at_most_s = {at_most_s:g}: {why}"
                    )
                yield Held(tuple(out), seconds, at_most_s)
                self._hold(EACH_S)
                self.beat()
                seconds = clock.now_s() - begin_s
                if watch.out:
                    fit_since_s = clock.now_s()
        self.waited_s += time.monotonic() - host_s
        self.remark(f"held for {seconds:.0f} s: {why}")
        yield Resumed(seconds)

    def rest(self, seconds: float) -> None:
        """Let device time pass at zero current, supply and guards looked at."""
        with self._at_rest():
            self._hold(seconds)
        self.beat()

    def _hold(self, seconds: float) -> None:
        """Hold what is driven; a rotation's second magnet knows that the time has passed."""
        again_if_lost(self.magnet.hold, seconds)
        for magnet in self.bench.drives:
            if magnet is not self.magnet:
                magnet.passed(seconds)

    @contextmanager
    def _at_rest(self) -> Iterator[Watch]:
        """What is driven at zero, output on; a reply that is lost on the way is asked for again.

        A rotation's two magnets have their guards in common: the first one's watch tells of them.
        """
        with ExitStack() as stack:

            def rested(magnet: LimitedMagnet) -> Watch:
                return stack.enter_context(magnet.at_rest())

            watch, *_ = [again_if_lost(rested, magnet) for magnet in self.bench.drives]
            yield watch

    def sealing(self, finish: Callable[[str], object]) -> Callable[[str], object]:
        """`finish` of a run, with what its steps waited for kept before."""

        def finished(status: str) -> object:
            for words in self._waits():
                # a disk that refuses may be what ended the run: that is said, and it is sealed
                with suppress(TwinrigError):
                    self.remark(words)
            return finish(status)

        return finished

    def _waits(self) -> Iterator[str]:
        """What steps waited for, in words."""
        count, total_s, longest_s = self.steps_held
        if count:
            yield (
                f"{counted(count, 'step')} waited for their field, {total_s:.1f} s in all, "
                f"{longest_s:.1f} s at most"
            )
        if self.looked_s:
            yield (
                f"{counted(len(self.looked_s), 'step')} came after a look at the supply and what "
                f"guards it, up to {1e3 * max(self.looked_s):.3g} ms later for it"
            )

    def alive(self, events: Generator[Event, None, Response]) -> Generator[Event, None, Response]:
        """Events, each a heartbeat of the run on disk; returns what they return."""
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                response: Response = end.value
                return response
            self.beat()
            if isinstance(event, StepHeld) and not event.out:
                count, total_s, longest_s = self.steps_held
                longest_s = max(longest_s, event.seconds)
                self.steps_held = (count + 1, total_s + event.seconds, longest_s)
            yield event


def again_if_lost(act: Callable[..., T], *given: object) -> T:
    """Act once more where a reply was lost: a wait has nothing to lose, a second fault ends it."""
    try:
        return act(*given)
    except WrongInstrumentError:
        raise
    except LinkError:
        return act(*given)
