"""Stop and device time: every pause of the program is one of the waits here."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from models.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instruments.visa import VisaSession

SLICE_S = 0.1  # the longest a wait sleeps before it looks whether Stop was requested


class Stop:
    """A request to stop, seen by every wait and every read; a thread inside `shield` is deaf to it.

    The shield belongs to the thread that took it: while one thread brings a magnet to zero, the
    others still see the request.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._shields = threading.local()

    def request(self) -> None:
        """Ask every wait and read to end with `StoppedError`."""
        self._event.set()

    def clear(self) -> None:
        """Forget the request, before the next run on the same bench."""
        self._event.clear()

    @property
    def requested(self) -> bool:
        """Whether this thread has to stop."""
        return self._event.is_set() and not getattr(self._shields, "depth", 0)

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


class Clock(Protocol):
    """Device time in seconds: what holds, ramps and limits are counted in."""

    def now_s(self) -> float:
        """Device time now."""

    def wait(self, seconds: float) -> None:
        """Let device time pass; raises `StoppedError` on Stop."""

    def last_s(self) -> float | None:
        """Device time as last heard, at no cost; None where it was never asked."""


class HostClock:
    """The clock of a real rig: device time is the computer's monotonic time."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def now_s(self) -> float:
        """Monotonic time of the computer."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Sleep in slices; raises `StoppedError` on Stop."""
        self._stop.sleep(seconds)

    def last_s(self) -> float:
        """Monotonic time of the computer."""
        return time.monotonic()


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

    def __init__(self, session: VisaSession, stop: Stop, accelerate: float) -> None:
        self._session = session
        self._stop = stop
        self._piece_s = SLICE_S * accelerate
        self._last_s: float | None = None

    def now_s(self) -> float:
        """Device time, asked of the rig."""
        self._last_s = self._session.number("TIME?")
        return self._last_s

    def wait(self, seconds: float) -> None:
        """Advance device time, in pieces that take the host at most `SLICE_S` each."""
        left = seconds
        self._stop.check()
        while left > 0:
            piece = min(left, self._piece_s)
            self._last_s = self._session.number(f"ADVANCE {piece:.9f}")
            left -= piece
            self._stop.check()

    def last_s(self) -> float | None:
        """Device time as last heard from the rig."""
        return self._last_s
