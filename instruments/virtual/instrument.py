"""A virtual instrument: bytes in, bytes out, on a device time that only commands advance.

Context: the same seed has to give the same recording on any machine, in process and over TCP.
Decision: device time is a whole number of nanoseconds (sums don't depend on their order); a query
takes a fixed processing time, a message that is only a setting takes none, so that settings sent
to several instruments one after another commute. Consequence: a slow host changes nothing, and
`accelerate` is only about when a reply may leave. Each connection is busy for what its own messages
take, so that a supply answers while a long wait is still owed to the clock.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, ClassVar

from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

PROCESSING_S = 2.0e-4  # of one query: what a fast instrument needs to answer
LONGEST_MESSAGE = 65536  # bytes without a terminator; more can't be a message

# Called with host time (s since 1970), device time (s), model, direction and the bytes;
# direction as the computer sees it: "out" to the instrument, "in" from it.
WireTap = "Callable[[float, float, str, str, bytes], None]"


class DeviceTime:
    """Time as the rig lives it; what it costs the host is booked with the replies (`Port`).

    Parameters
    ----------
    accelerate
        Device seconds in one second of the host; `inf`: a wait takes the host no time.

    Raises
    ------
    InputError
        `accelerate` is not above zero.
    """

    def __init__(self, accelerate: float = math.inf) -> None:
        if not accelerate > 0:
            raise InputError(
                f"virtual rig: accelerate = {accelerate} must be above 0; "
                "1 is real time, inf waits for nothing"
            )
        self.accelerate = accelerate
        self.now_ns = 0

    @property
    def now_s(self) -> float:
        """Device time in s."""
        return self.now_ns * 1e-9

    def advance(self, seconds: float) -> None:
        """Let device time pass."""
        self.now_ns += round(seconds * 1e9)


class VirtualInstrument:
    """What a model says to each message; its connections (`Port`) handle the bytes.

    Attributes
    ----------
    model
        The driver name of the bench file.
    terminator
        Ends each reply; a message may end with LF, CR or both.
    greeting
        What it says, unasked, to whoever connects.
    key
        Its name in the rig: the model, with a number from the second of its kind.
    """

    model: ClassVar[str]
    terminator: ClassVar[bytes] = b"\n"
    greeting: ClassVar[bytes] = b""
    processing_s: ClassVar[float] = PROCESSING_S

    def __init__(self, device_time: DeviceTime) -> None:
        self.time = device_time
        self.key = self.model
        self._own: Port | None = None

    def answers(self, message: str) -> bool:
        """Whether the message asks for a reply (and so takes processing time)."""
        return "?" in message

    def takes_s(self, message: str) -> float:
        """Device time that a message takes before it is carried out."""
        return self.processing_s if self.answers(message) else 0.0

    def respond(self, message: str) -> str:
        """Carry a message out; its replies, each with the terminator, or nothing."""
        raise NotImplementedError

    def receive(self, data: bytes) -> None:
        """Take bytes, cut anywhere, over a connection of the instrument's own."""
        if self._own is None:
            self._own = Port(self)
        self._own.receive(data)

    def transmit(self) -> bytes:
        """Whatever the instrument has to say on that connection now."""
        return b"" if self._own is None else self._own.transmit()


class Port:
    """One connection to an instrument.

    Parameters
    ----------
    instrument
        Who answers.
    lock
        Shared by all ports of a rig: one message at a time.
    tap
        The wire log, or None.

    Attributes
    ----------
    closed
        The instrument has ended the connection: nothing comes or goes any more.
    """

    def __init__(
        self,
        instrument: VirtualInstrument,
        lock: threading.RLock | None = None,
        tap: Callable[[float, float, str, str, bytes], None] | None = None,
    ) -> None:
        self.instrument = instrument
        self._lock = lock or threading.RLock()
        self._tap = tap
        self._partial = b""
        self._messages: deque[bytes] = deque()
        self._replies: deque[tuple[float, bytes]] = deque()
        self._busy_until_s = 0.0
        self.closed = False
        if instrument.greeting:
            self._give(0.0, instrument.greeting)

    def receive(self, data: bytes) -> None:
        """Take bytes, cut anywhere, and carry out every message that is complete."""
        self.feed(data)
        while self._messages and not self.closed:
            self.step()

    def feed(self, data: bytes) -> None:
        """Take bytes without carrying anything out."""
        data = self._partial + data
        if b"\r" in data:
            data = data.replace(b"\r", b"\n")
        *complete, self._partial = data.split(b"\n")
        self._messages.extend([message for message in complete if message])
        if len(self._partial) > LONGEST_MESSAGE:
            self._messages.append(self._partial)
            self._partial = b""

    @property
    def pending(self) -> bool:
        """Whether a complete message waits."""
        return bool(self._messages) and not self.closed

    @property
    def asks(self) -> bool:
        """Whether the oldest waiting message wants a reply."""
        return self.instrument.answers(self._messages[0].decode("latin-1"))

    def step(self) -> None:
        """Carry out the oldest waiting message."""
        raw = self._messages.popleft()
        message = raw.decode("latin-1")
        instrument = self.instrument
        device_time = instrument.time
        with self._lock:
            if self._tap is not None:
                self._tap(time.time(), device_time.now_s, instrument.model, "out", raw + b"\n")
            start_ns = device_time.now_ns
            reply = self._carried_out(message)
            if device_time.accelerate != math.inf:
                cost_s = (device_time.now_ns - start_ns) * 1e-9 / device_time.accelerate
                self._busy_until_s = max(self._busy_until_s, time.monotonic()) + cost_s
            if reply:
                self._give(self._busy_until_s, reply)

    def _carried_out(self, message: str) -> bytes:
        """Let the instrument carry a message out; what it says."""
        instrument = self.instrument
        takes_s = instrument.takes_s(message)
        if takes_s:
            instrument.time.advance(takes_s)
        return instrument.respond(message).encode("latin-1")

    def _give(self, due_host_s: float, reply: bytes) -> None:
        """Let bytes leave at a host time (0: at once)."""
        self._replies.append((due_host_s, reply))
        if self._tap is not None:
            instrument = self.instrument
            self._tap(time.time(), instrument.time.now_s, instrument.model, "in", reply)

    @property
    def due_host_s(self) -> float | None:
        """When the oldest reply may leave, on `time.monotonic()`; None where there is none."""
        return self._replies[0][0] if self._replies else None

    def transmit(self) -> bytes:
        """Every reply that may leave by now."""
        replies = self._replies
        if not replies:
            return b""
        if replies[-1][0] == 0.0:  # accelerate = inf: nothing is ever held back
            data = replies[0][1] if len(replies) == 1 else b"".join(r for _, r in replies)
            replies.clear()
            return data
        data, now_s = b"", time.monotonic()
        while replies and replies[0][0] <= now_s:
            data += replies.popleft()[1]
        return data

    def clear(self) -> None:
        """Device clear: forget half a message and every reply that hasn't left."""
        self._partial = b""
        self._messages.clear()
        self._replies.clear()
        self._busy_until_s = 0.0
