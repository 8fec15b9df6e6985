"""A connection on which faults happen, and the instrument that may take another's place."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from instruments.virtual import troubles
from instruments.virtual.instrument import Port, VirtualInstrument

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from instruments.virtual.faults import Fault, FaultScript


class Line:
    """What the script knows of one instrument between its messages."""

    def __init__(self) -> None:
        self.count = 0
        self.deaf_until_s = 0.0
        self.refused_until_s = 0.0
        self.impostor = ""
        self.held: list[str] = []
        self.ports: list[Port] = []

    def drop(self, seconds: float) -> None:
        """Close every connection; refuse new ones for so long."""
        self.refused_until_s = time.monotonic() + seconds
        for port in self.ports:
            port.clear()
            port.closed = True
        self.ports = []


class FaultyPort(Port):
    """A connection on which the script's faults happen."""

    def __init__(
        self,
        instrument: VirtualInstrument,
        script: FaultScript,
        lock: threading.RLock,
        tap: Callable[[float, float, str, str, bytes], None] | None,
    ) -> None:
        super().__init__(instrument, lock, tap)
        self._script = script

    def _carried_out(self, message: str) -> bytes:
        line, fault = self._script.next(self.instrument.key)
        if time.monotonic() < line.deaf_until_s:
            return b""
        for held in line.held:
            self._truth(held)
        line.held = []
        if fault is None:
            return self._truth(message)
        return getattr(self, _METHODS.get(fault.kind, "_trouble"))(line, fault, message)  # type: ignore[no-any-return]

    def _truth(self, message: str) -> bytes:
        reply = super()._carried_out(message)
        if self._script.watch is not None:
            self._script.watch(self.instrument.key, message, reply.decode("latin-1"))
        return reply

    def _silence(self, line: Line, fault: Fault, message: str) -> bytes:
        if not fault.lost:
            self._truth(message)
        line.deaf_until_s = time.monotonic() + fault.seconds
        return b""

    def _late(self, line: Line, fault: Fault, message: str) -> bytes:
        if not self.instrument.answers(message):
            line.held.append(message)
            return b""
        self._give(self._after(fault.seconds), self._truth(message))
        return b""

    def _garbage(self, line: Line, fault: Fault, message: str) -> bytes:
        self._truth(message)
        return fault.text.encode("latin-1") + self.instrument.terminator

    def _truncated(self, line: Line, fault: Fault, message: str) -> bytes:
        reply = self._truth(message)
        half = reply[: len(reply.removesuffix(self.instrument.terminator)) // 2]
        return half + (self.instrument.terminator if fault.terminated and reply else b"")

    def _two_pieces(self, line: Line, fault: Fault, message: str) -> bytes:
        reply = self._truth(message)
        at = max(1, len(reply.removesuffix(self.instrument.terminator)) // 2)
        if reply:
            self._give(self._after(0.0), reply[:at])
            self._give(self._after(fault.seconds), reply[at:])
        return b""

    def _dropped(self, line: Line, fault: Fault, message: str) -> bytes:
        if not fault.lost:
            self._truth(message)
        line.drop(fault.seconds)
        return b""

    def _wrong_instrument(self, line: Line, fault: Fault, message: str) -> bytes:
        line.impostor = fault.text
        line.drop(0.0)
        return b""

    def _trouble(self, line: Line, fault: Fault, message: str) -> bytes:
        troubles.of(self.instrument)[fault.kind](fault.size)
        if fault.kind == "power-cycle":
            line.drop(0.0)
            return b""
        return self._truth(message)

    def _give(self, due_host_s: float, reply: bytes) -> None:
        """An answer never overtakes the one before it."""
        before_s = self._replies[-1][0] if self._replies else 0.0
        super()._give(max(due_host_s, before_s), reply)

    def _after(self, seconds: float) -> float:
        return max(self._busy_until_s, time.monotonic()) + seconds


_METHODS = {
    "silence": "_silence", "late": "_late", "garbage": "_garbage", "truncated": "_truncated",
    "two-pieces": "_two_pieces", "dropped": "_dropped", "wrong-instrument": "_wrong_instrument",
}  # fmt: skip


class Impostor(VirtualInstrument):
    """Another instrument at an address: identifies itself otherwise, answers all else with 0."""

    model: ClassVar[str] = "impostor"

    def __init__(self, real: VirtualInstrument, identity: str) -> None:
        super().__init__(real.time)
        self._identity = identity

    def respond(self, message: str) -> str:
        """One reply a query; a set changes nothing."""
        if not self.answers(message):
            return ""
        return (self._identity if message.strip().upper() == "*IDN?" else "0") + "\n"
