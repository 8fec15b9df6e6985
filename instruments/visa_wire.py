"""The bytes of one VISA link: lock, port, pieces of replies, slices, clear errors."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

import pyvisa

from instruments import locks
from instruments.link_errors import Faults, LinkError
from instruments.prologix import PrologixPort
from instruments.serial_line import SerialLine
from instruments.transport import open_port
from models.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from instruments.clock import Stop
    from instruments.port import Port
    from instruments.wirelog import WireTap

SLICE_S = 0.5  # no read waits longer without noticing Stop
QUIET_S = 0.1  # a link that says nothing for so long is drained (pyvisa-py's own clear waits so)
LONGEST_DRAIN_S = 0.5  # one that never stops talking must not hide for long that it is broken
log = logging.getLogger(__name__)
XON_XOFF = b"\x11\x13"  # a serial line's flow control, left in replies by some interfaces
BROKEN = (pyvisa.Error, OSError, TypeError, ValueError, AttributeError)
"""What a lost connection raises: the last three come from a socket closed in another thread."""


class VisaWire:
    """An open link to one instrument: sends, joins pieces to lines, says what went wrong.

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
        self._fastest_s = math.inf  # of all replies; inf: none has ever come
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
                self._fastest_s = min(self._fastest_s, time.monotonic() - begin)
                return self._text(command, line)
            self._more(command, begin)

    def _more(self, command: str, begin: float) -> None:
        """Receive one more piece of a reply that is awaited since `begin`."""
        while True:
            waited_s = time.monotonic() - begin
            if waited_s >= self.timeout_s:
                raise self._silent(command, waited_s)
            try:
                port = self._open_port()
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
        spoke = math.isfinite(self._fastest_s)
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
        if self._tap is None:
            return
        device_s = self._device_s() if self._device_s is not None else None
        try:
            self._tap(time.time(), device_s, self.name, direction, data)
        except Exception as error:  # who listens must not keep a magnet from its safe state
            self._tap = None
            log.warning("%s: its messages are logged no further: %s", self.name, error)
