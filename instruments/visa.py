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
from typing import TYPE_CHECKING

import pyvisa

from instruments import locks
from instruments.answers import NUMBER, numbers_of
from instruments.ieee_block import read_block
from instruments.link_errors import Faults, LinkError, WrongInstrumentError
from instruments.prologix import PrologixPort
from instruments.serial_line import SerialLine
from instruments.transport import open_port
from models.errors import StoppedError

if TYPE_CHECKING:
    import re
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from instruments.clock import Stop
    from instruments.port import Port
    from instruments.wirelog import WireTap

__all__ = ["LinkError", "VisaSession", "WrongInstrumentError", "resource_manager"]

SLICE_S = 0.5  # no read waits longer without noticing Stop
QUIET_S = 0.1  # a link that says nothing for so long is drained (pyvisa-py's own clear waits so)
LONGEST_DRAIN_S = 0.5  # one that never stops talking must not hide for long that it is broken
IDENTIFY_S = 0.4  # an instrument that is there identifies itself sooner: keep recovery short
XON_XOFF = b"\x11\x13"  # a serial line's flow control, left in replies by some interfaces
BROKEN = (pyvisa.Error, OSError, TypeError, ValueError, AttributeError)
"""What a lost connection raises: the last three come from a socket closed in another thread."""


class VisaSession:
    """An open instrument: `write`, `query`, and what keeps the two honest.

    Parameters
    ----------
    resource_name
        VISA resource name.
    rm
        The resource manager that opens it.
    name
        The instrument's name in messages and in the wire log.
    read_termination, write_termination
        What ends a reply and a message.
    timeout_s
        How long a reply may take; never endless.
    stop
        Looked at between the slices of a read.
    wire_log
        Called with every message.
    shared
        Whether others can reach the instrument: then its link is locked, within the process and
        among the computer's programs. False for a virtual instrument in this process.
    device_s
        Device time for the wire log, at no cost.
    line
        Rate and frame, where it is a serial line; None: as VISA has them.
    board
        The GPIB adapter that it is reached through; None where the computer has the board itself.

    Raises
    ------
    LinkError
        The resource can't be opened.
    LinkInUseError
        Another program has the link.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        rm: pyvisa.ResourceManager,
        name: str,
        stop: Stop,
        read_termination: str = "\n",
        write_termination: str = "\n",
        timeout_s: float = 2.0,
        wire_log: WireTap | None = None,
        shared: bool = True,
        device_s: Callable[[], float | None] | None = None,
        line: SerialLine | None = None,
        board: str | None = None,
    ) -> None:
        if not (math.isfinite(timeout_s) and timeout_s > 0):
            raise ValueError(f"timeout_s = {timeout_s} s must be a finite number above 0")
        self.resource_name = resource_name
        self.name = name
        self.timeout_s = timeout_s
        self.query_delay_s = 0.0  # between a message and reading its answer (Kepco BIT 4882)
        self.identify: Callable[[], object] | None = None  # set by the driver, used to recover
        self._is_serial = resource_name.startswith("ASRL")
        self._faults = Faults(name, resource_name)
        self._rm = rm
        self._stop = stop
        self._end = read_termination.encode("ascii")
        self._write_end = write_termination.encode("ascii")
        self._tap = wire_log
        self._device_s = device_s
        self._serial_line = line or SerialLine()
        self._board = board
        self._buffer = bytearray()
        self._dirty = False
        self._lost = False
        self._spoke = False  # whether a reply has ever come
        self._closed = False
        self._shared = shared
        self._link = (
            locks.take(resource_name, stop=stop, board=board)
            if shared
            else locks.private_link(resource_name)
        )
        try:
            self._open()
        except BaseException:
            self.close()
            raise

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

    def query_lines(self, command: str, count: int) -> list[str]:
        """Send a message that is answered by `count` lines; errors as `query`."""
        with self._link.lock:
            lines = [self.query(command)]
            self._dirty = True
            lines += [self._line(command) for _ in range(count - 1)]
            self._dirty = False
            return lines

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
            with self._open_port().block(terminated):
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

    def drain(self, command: str = "") -> bytes:
        """Read until the link is quiet and return what came (a greeting, a late reply).

        `command` is what was about to be sent, for the error of a link that breaks meanwhile.
        """
        with self._link.lock:
            heard = bytes(self._buffer)
            self._buffer.clear()
            end = time.monotonic() + LONGEST_DRAIN_S
            while time.monotonic() < end:
                try:
                    piece = self._open_port().receive(QUIET_S)
                except BROKEN as error:
                    raise self._broken(command, error) from error
                if not piece:
                    break
                self._log("in", piece)
                heard += piece
            return heard

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

    def close(self) -> None:
        """Close the session and give the link back; never raises."""
        if self._closed:
            return
        self._closed = True
        self._close_port()
        if self._shared:
            locks.release(self._link, self.resource_name)

    def shield(self) -> AbstractContextManager[None]:
        """Make this thread deaf to a request to stop, on the way to an instrument's safe state."""
        return self._stop.shield()

    def reject(self, command: str, reply: str, expected: str) -> LinkError:
        """The error for an answer that is none of those possible; the link is dirty from now on."""
        return self._spoilt(self._faults.unexpected(command, reply, expected))

    def wrong_instrument(self, reply: str, expected: str) -> LinkError:
        """The error for an answer to `*IDN?` from another model; the link is dirty from now on."""
        return self._spoilt(self._faults.wrong(reply, expected))

    def _open(self) -> None:
        """Open the resource and find its port."""
        try:
            self._port: Port | None = self._opened()
        except Exception as error:  # pyvisa-py raises bare Exception where it can't connect
            self._lost = True
            raise self._spoilt(self._faults.unreachable(error)) from error

    def _opened(self) -> Port:
        name = self.resource_name
        if self._board is not None:
            return PrologixPort(name, self._board, self._rm, self._link, self.timeout_s)
        end, line = self._end[-1], self._serial_line
        return open_port(self._rm, name, end=end, open_s=self.timeout_s, line=line)

    def _close_port(self) -> None:
        port, self._port = getattr(self, "_port", None), None
        if port is not None:
            port.close()

    def _open_port(self) -> Port:
        if self._port is None:
            raise ConnectionError("the session is closed")
        return self._port

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
        """Ask the driver whether the same instrument is there, within a short time-out."""
        if self.identify is None:
            return
        usual_s = self.timeout_s
        self.timeout_s = min(usual_s, IDENTIFY_S)
        try:
            self.identify()
        finally:
            self.timeout_s = usual_s

    def _heard(self, command: str = "") -> bool:
        try:
            return self._open_port().waiting()
        except BROKEN as error:
            raise self._broken(command, error) from error

    def _send(self, command: str) -> None:
        data = command.encode("ascii") + self._write_end
        self._log("out", data)
        try:
            self._open_port().send(data)
        except BROKEN as error:
            raise self._broken(command, error) from error

    def _line(self, command: str) -> str:
        """One terminated reply, joined from its pieces."""
        if self.query_delay_s:
            time.sleep(self.query_delay_s)
        begin = time.monotonic()
        while True:
            at = self._buffer.find(self._end)
            if at >= 0:
                line = bytes(self._buffer[:at])
                del self._buffer[: at + len(self._end)]
                self._spoke = True
                return self._text(command, line)
            self._more(command, begin)

    def _more(self, command: str, begin: float) -> None:
        """Receive one more piece of a reply that is awaited since `begin`."""
        port = self._open_port()
        while True:
            waited_s = time.monotonic() - begin
            if waited_s >= self.timeout_s:
                raise self._silent(command, waited_s)
            try:
                piece = port.receive(min(self.timeout_s - waited_s, SLICE_S))
            except BROKEN as error:
                raise self._broken(command, error) from error
            if piece:
                self._log("in", piece)
                self._buffer += piece
                return
            if self._stop.requested:
                self._dirty = True
                raise StoppedError("stopped by the user")
            if not port.keeps_pieces:
                raise self._silent(command, time.monotonic() - begin)

    def _text(self, command: str, line: bytes) -> str:
        if self._is_serial:
            line = line.translate(None, XON_XOFF)
        try:
            return line.decode("ascii")
        except UnicodeDecodeError as error:
            text = line.decode("latin-1")
            raise self.reject(command, text, "ASCII text") from error

    def _silent(self, command: str, waited_s: float) -> LinkError:
        part = self._buffer.decode("latin-1")
        spoke = self._spoke
        return self._spoilt(self._faults.silent(command, part, self._end, waited_s, spoke=spoke))

    def _broken(self, command: str, error: Exception) -> LinkError:
        self._lost = True
        part = self._buffer.decode("latin-1")
        return self._spoilt(self._faults.broken(command, part, error))

    def _spoilt(self, error: LinkError) -> LinkError:
        """Mark the link as dirty: what comes next on it may answer something else."""
        self._dirty = True
        return error

    def _log(self, direction: str, data: bytes) -> None:
        if self._tap is not None:
            device_s = self._device_s() if self._device_s is not None else None
            self._tap(time.time(), device_s, self.name, direction, data)


def resource_manager() -> pyvisa.ResourceManager:
    """The installed VISA where there is one, pyvisa-py otherwise.

    `PYVISA_LIBRARY` names another. Never close it: that closes every resource of the process.
    """
    return pyvisa.ResourceManager()
