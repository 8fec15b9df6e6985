"""Stop and device time: every pause of the program is one of the waits here."""

from __future__ import annotations

import re
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from models.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instruments.visa import VisaSession

SLICE_S = 0.1  # the longest a wait sleeps before it looks whether Stop was requested
SECONDS = re.compile(r"\d+\.\d{9}")  # as the virtual clock writes them: what was cut is none


class Stop:
    """A request to stop, seen by every wait and every read; a thread inside `shield` is deaf to it.

    The shield belongs to the thread that took it: while one thread brings a magnet to zero, the
    others still see the request.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._flagged = False
        self._shields = threading.local()

    def request(self) -> None:
        """Ask every wait and read to end with `StoppedError`."""
        self._event.set()

    def flag(self) -> None:
        """Be requested from now on, without waking a wait: takes no lock, for a signal handler."""
        self._flagged = True

    def clear(self) -> None:
        """Forget the request, before the next run on the same bench."""
        self._flagged = False
        self._event.clear()

    @property
    def requested(self) -> bool:
        """Whether this thread has to stop."""
        asked = self._flagged or self._event.is_set()
        return asked and not getattr(self._shields, "depth", 0)

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Make this thread deaf to the request: for the way to the safe state."""
        self._shields.depth = getattr(self._shields, "depth", 0) + 1
        try:
            yield
        finally:
            self._shields.depth -= 1

    def check(self) -> None:
        """Raise `StoppedError` where this thread has to stop."""
        if self.requested:
            raise StoppedError("stopped by the user")

    def sleep(self, seconds: float) -> None:
        """Sleep on the host's clock; ends within `SLICE_S` of a request with `StoppedError`."""
        end = time.monotonic() + seconds
        self.check()
        while (left := end - time.monotonic()) > 0:
            if getattr(self._shields, "depth", 0):
                time.sleep(min(left, SLICE_S))
            elif self._event.wait(min(left, SLICE_S)):
                self.check()


class Pause:
    """A request to pause, seen where a run looks for it, and taken back to go on.

    It ends no wait: what is under way comes to its end first. `Stop` ends a pause, too.
    """

    def __init__(self) -> None:
        self._goes_on = threading.Event()
        self._goes_on.set()

    def request(self) -> None:
        """Ask the run to wait at its next safe point."""
        self._goes_on.clear()

    def clear(self) -> None:
        """Let it go on; before the next run, too."""
        self._goes_on.set()

    @property
    def requested(self) -> bool:
        """Whether the run has to wait."""
        return not self._goes_on.is_set()

    def toggle(self) -> bool:
        """Request it, or take the request back; whether it is requested now."""
        if self.requested:
            self.clear()
        else:
            self.request()
        return self.requested

    def stays(self, seconds: float) -> None:
        """Sleep on the host's clock; ends early where the run may go on."""
        self._goes_on.wait(max(0.0, seconds))


class Clock(Protocol):
    """Device time in seconds: what holds, ramps and limits are counted in.

    `by_itself`: whether it passes without being told to.
    """

    by_itself: bool

    def now_s(self) -> float:
        """Device time now."""

    def wait(self, seconds: float) -> None:
        """Let device time pass; raises `StoppedError` on Stop."""

    def last_s(self) -> float | None:
        """Device time as last heard, at no cost; None where it was never asked."""


def passed_s() -> float:
    """Seconds since the computer was started, whatever becomes of its time of day.

    While it was suspended time passed for the rig, too: it is counted where the system tells
    (Linux; `time.monotonic` of Windows has it, that of macOS has not).
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    else:
        return time.monotonic()


def suspended_s() -> float:
    """How long the computer has been suspended since its start; 0 where the system doesn't tell."""
    return passed_s() - time.monotonic()


class HostClock:
    """The clock of a real rig: device time is `passed_s`, the computer's."""

    by_itself = True

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def now_s(self) -> float:
        """The computer's time."""
        return passed_s()

    def wait(self, seconds: float) -> None:
        """Sleep in slices; raises `StoppedError` on Stop."""
        self._stop.sleep(seconds)

    def last_s(self) -> float:
        """The computer's time."""
        return passed_s()


class RemoteClock:
    """The clock of a virtual rig: its device time passes only when it is told to (`ADVANCE s`).

    Parameters
    ----------
    session
        The link to the rig's virtual clock.
    stop
        Looked at between pieces of a wait.
    accelerate
        Device seconds that pass in one second of the host; with `inf` a wait takes no time.
    """

    by_itself = False

    def __init__(self, session: VisaSession, stop: Stop, accelerate: float) -> None:
        self._session = session
        self._stop = stop
        self._piece_s = SLICE_S * accelerate
        self._last_s: float | None = None

    def now_s(self) -> float:
        """Device time, asked of the rig."""
        self._last_s = self._session.number("TIME?", SECONDS)
        return self._last_s

    def wait(self, seconds: float) -> None:
        """Advance device time, in pieces that take the host at most `SLICE_S` each."""
        left = seconds
        self._stop.check()
        while left > 0:
            piece = min(left, self._piece_s)
            self._last_s = self._session.number(f"ADVANCE {piece:.9f}", SECONDS)
            left -= piece
            self._stop.check()

    def last_s(self) -> float | None:
        """Device time as last heard from the rig."""
        return self._last_s


class SteadyClock:
    """The bench's clock as one magnet uses it: counts what it spends, and can be made unfailing.

    Decision: on the way to safety a ramp must not be abandoned because the *clock* of a served
    virtual rig can't be reached while its supply answers. The ramp is then walked by the computer's
    own time, tick for tick; in the rig's time, which stands still, it is as if no time had passed.

    Parameters
    ----------
    clock
        The bench's.

    Attributes
    ----------
    lost
        The bench's clock has failed on this way to safety: waits are the computer's since.
    """

    def __init__(self, clock: Clock) -> None:
        self.by_itself = clock.by_itself
        self._clock = clock
        self._spent_s = 0.0
        self._unfailing = False
        self.lost = False

    @contextmanager
    def unfailing(self) -> Iterator[None]:
        """Where the clock fails in here, the computer's time takes its place, and only in here."""
        self._unfailing = True
        try:
            yield
        finally:
            self._unfailing = self.lost = False

    def now_s(self) -> float:
        """Device time now, asked for; as last heard where the clock is lost."""
        if not self.lost:
            try:
                return self._clock.now_s()
            except Exception:
                if not self._unfailing:
                    raise
                self.lost = True
        return self.last_s() or 0.0

    def wait(self, seconds: float) -> None:
        """Let device time pass; raises `StoppedError` on Stop, and what the clock raises."""
        if not self.lost:
            try:
                self._clock.wait(seconds)
            except StoppedError:
                raise
            except Exception:
                if not self._unfailing:
                    raise
                self.lost = True
        if self.lost:
            time.sleep(seconds)
        self._spent_s += seconds

    def passed(self, seconds: float) -> None:
        """Say that device time has passed otherwise (a gated reading)."""
        self._spent_s += seconds

    def spent_s(self) -> float:
        """A time to measure intervals by, at no cost: what was commanded, or the clock's own."""
        return self._clock.now_s() if self.by_itself else self._spent_s

    def last_s(self) -> float | None:
        """Device time as last heard, at no cost."""
        return self._clock.last_s()
