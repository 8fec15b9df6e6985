"""One VISA session: lock, terminators, slices, what a time-out leaves behind, clear errors.

Context: rig.md, "First, what decides the design", 1 to 5.
Decision: every message goes through `VisaSession`, which holds the link's lock around a write and
its read, keeps pieces of a reply in a buffer of its own, and takes no reply for granted after a
time-out: such a link is *dirty* and is drained and identified again before it is used.
Consequence: a query either returns the answer to itself or raises; a caller never repeats a set
blindly, it reads the value back first.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pyvisa

from instruments.answers import NUMBER, numbers_of
from instruments.ieee_block import read_block
from instruments.link_errors import LinkError
from instruments.visa_wire import BROKEN, VisaWire
from models.errors import StoppedError

if TYPE_CHECKING:
    import re

IDENTIFY_S = 0.4  # an instrument that is there identifies itself sooner: keep recovery short
FASTEST_TIMES = 4.0  # judgement: so many times its fastest reply one that is always slow may take


class VisaSession(VisaWire):
    """An open instrument: `write`, `query`, and what keeps the two honest.

    It is made as a `VisaWire`.
    """

    def write(self, command: str) -> None:
        """Send a message that has no answer.

        Raises
        ------
        LinkError
            The connection is lost, or bytes wait that nobody asked for: nothing was sent.
        StoppedError
            Stop was requested; nothing was sent.
        """
        with self._link.lock:
            self._ready_for(command)
            self._send(command)

    def query(self, command: str) -> str:
        """Send a message and return its answer, without terminator.

        Raises
        ------
        LinkError
            No answer in time, a broken connection, bytes nobody asked for, or no ASCII.
        StoppedError
            Stop was requested; the link recovers before its next use.
        """
        with self._link.lock:
            self._ready_for(command)
            self._dirty = True  # whatever ends this early (Ctrl-C) leaves an answer on its way
            self._send(command)
            line = self._line(command)
            self._dirty = False
            return line

    def query_block(self, command: str, *, terminated: bool = True) -> bytes:
        """Send a message and return the payload of the block that answers it; errors as `query`.

        The time-out counts from the last piece that came, and no number of bytes ends a reply but
        the block's own length. `terminated`: whether a terminator follows (an SR860 sends none).
        """
        end = self._end if terminated else b""
        with self._link.lock:
            self._ready_for(command)
            self._dirty = True
            self._send(command)
            try:
                with self._open_port().block(terminated):
                    return self._block(command, end)
            except BROKEN as error:  # at the port's settings, too
                raise self._broken(command, error) from error

    def _block(self, command: str, end: bytes) -> bytes:
        """One block, joined from its pieces."""
        while True:
            try:
                block = read_block(self._buffer, end)
            except ValueError as error:
                reply = self.drain(command)[:40].decode("latin-1")
                raise self.reject(command, reply, f"a block: {error}") from error
            if block is not None:
                del self._buffer[: block[1]]
                self._dirty = False
                return block[0]
            self._more(command, time.monotonic())

    def number(self, command: str, form: re.Pattern[str] = NUMBER) -> float:
        """The answer as a finite number of that form; `LinkError` where it is none."""
        return self.numbers(command, 1, form)[0]

    def numbers(
        self, command: str, count: int, form: re.Pattern[str] = NUMBER, copies: int = 0
    ) -> list[float]:
        """The answer as `count` numbers, as `numbers_of` reads them; `LinkError` otherwise."""
        with self._link.lock:
            reply = self.query(command)
            values = numbers_of(reply, count, form, copies)
            if values is None:
                twice = f", the last {copies} of them twice" if copies else ""
                raise self.reject(command, reply, f"{count} number(s){twice}")
            return values

    def clear(self) -> None:
        """Drop what was received and whatever still comes until the link is quiet."""
        with self._link.lock:
            self.drain()
            self._dirty = False

    def reconnect(self) -> None:
        """Close, open again, and identify the instrument again.

        Raises
        ------
        LinkError
            Nothing answers, or another instrument does.
        """
        with self._link.lock:
            self._close_port()
            self._buffer.clear()
            self._dirty = True
            self._open()
            self._dirty = self._lost = False
            self._identify()

    def _ready(self) -> None:
        """Make sure that the next message meets an empty, identified link."""
        if self._stop.requested:
            raise StoppedError("stopped by the user")
        if self._closed:
            raise self._faults.closed()
        if self._dirty:
            self._recover()

    def _ready_for(self, command: str) -> None:
        """`_ready`, and raise where bytes wait, or where the other side has closed."""
        self._ready()
        if self._buffer or self._heard(command):
            stray = self.drain(command).decode("latin-1")
            raise self._spoilt(self._faults.stray(command, stray))

    def _recover(self) -> None:
        """Drain and identify again; where that fails, close, reopen and identify."""
        if self._lost:
            self.reconnect()
            return
        try:
            self.clear()
            self._identify()
        except LinkError:
            self.reconnect()

    def _identify(self) -> None:
        """Ask the driver whether the same instrument is there, within a short time-out.

        It is no shorter than what this one needs: a supply behind a slow line could never be
        brought to zero again after one reply that was not waited for.
        """
        if self.identify is None:
            return
        usual_s, fastest_s = self.timeout_s, self._fastest_s
        slow_s = FASTEST_TIMES * fastest_s if math.isfinite(fastest_s) else 0.0
        self.timeout_s = min(usual_s, max(IDENTIFY_S, slow_s))
        try:
            self.identify()
        finally:  # what answers now may be a late reply, which seems fast
            self.timeout_s, self._fastest_s = usual_s, fastest_s


_libraries: dict[str, str | None] = {}  # installed ones: path by name, None: there is none


def resource_manager() -> pyvisa.ResourceManager:
    """The installed VISA where there is one, pyvisa-py otherwise.

    `PYVISA_LIBRARY` names another. Never close it: that closes every resource of the process.
    PyVISA asks the linker and the compiler for five names, three processes each: a process of ours
    asks once, so that every further connect has 0.2 s less to do, and a watchdog that may have lost
    its disk has its library. One that is installed meanwhile is found by the next process. A full
    disk (it needs a temporary file) tells nothing: it is asked again.
    """
    from pyvisa.ctwrapper import highlevel

    ivi: Any = highlevel
    found = ivi.find_library

    def find(name: str) -> str | None:
        with suppress(OSError):
            if name not in _libraries:
                _libraries[name] = found(name)
        return _libraries.get(name)

    ivi.find_library = find
    try:
        return pyvisa.ResourceManager()
    finally:
        ivi.find_library = found
