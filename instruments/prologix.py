"""A Prologix GPIB adapter as a bench's board: one connection for all instruments behind it.

Commands: Prologix GPIB-ETHERNET manual 1.6.6.0 and GPIB-USB manual (2011), chapter 8.

Context: PyVISA-py has sessions for these adapters. Its `++read_tmo_ms 50` gives a reading up that
takes longer, and never asks again; its write drops what waited without a word; an installed VISA
has no such sessions at all.
Decision: the adapter is opened as the socket or serial port that it is, by whichever VISA there is,
and spoken to here. Nothing is read that wasn't asked for (`++auto 0`: an instrument that is made to
talk without a question reports an error); a reading is asked for anew until its time-out, in slices
(`++read_tmo_ms`), so that Stop is seen; the adapter marks the end of a message (`++eot_enable`),
and what is left of one instrument's reading is waited for before another is addressed.
Consequence: an instrument that is silent holds the bus up for `READ_S` + `MARGIN_S` at most.
"""

from __future__ import annotations

import contextlib
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from instruments.boards import bus_address, underlying
from instruments.serial_line import SerialLine
from instruments.transport import open_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyvisa

    from instruments.locks import Link

READ_S = 0.3  # how long the adapter listens to an instrument before it gives it up (`++read eoi`)
MARGIN_S = 0.2  # after that: network, and an adapter that is still busy with the message
EOT = 4  # marks a message's end: no ASCII reply has it; off while a block of bytes is read
VERSION_S = 1.0  # an adapter answers `++ver` in milliseconds
QUIET_S = 0.05
SPECIAL = b"\x1b\r\n+"  # what the adapter takes for itself unless an ESC stands before it
SETTINGS = (
    "++savecfg 0",  # nothing that is set goes to its EEPROM, which wears out
    "++auto 0",
    "++mode 1",  # controller
    "++eoi 1",
    "++eos 3",  # the driver's own line end goes with the message, none is added
    f"++read_tmo_ms {round(1000 * READ_S)}",
    f"++eot_char {EOT}",
    "++eot_enable 1",
)
USB = SerialLine(baud_rate=115200)  # of an AR488; a Prologix GPIB-USB takes any


class AdapterError(ConnectionError):
    """What answers is no GPIB adapter."""


class Adapter:
    """An open adapter. Whoever calls holds its link's lock from a message to the end of its reply.

    Parameters
    ----------
    name
        `PRLGX-TCPIP0::host::1234::INTFC` or its like.
    rm
        Opens it.
    open_s
        How long that may take.

    Raises
    ------
    AdapterError
        It doesn't answer `++ver` as an adapter does.
    OSError, pyvisa.Error
        It can't be reached.
    """

    def __init__(self, name: str, rm: pyvisa.ResourceManager, open_s: float) -> None:
        self.name = name
        self.broken = False
        self._users, self._users_lock = 0, threading.Lock()
        self._selected = ""
        self._reading = ""  # the address that was told to talk, until its message ends
        self._heard_s = 0.0
        self._marked = True
        self._port = open_port(rm, underlying(name), end=EOT, open_s=open_s, line=USB)
        try:
            self.version = self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> str:
        """Set the adapter up; its answer to `++ver`."""
        while self._port.receive(QUIET_S):  # of a program before this one
            pass
        self._put("\n".join((*SETTINGS, "++ver")).encode("ascii"))
        lines = self._answer()
        version = lines[-1] if lines else ""
        if "GPIB" not in version.upper():
            said = f"answers {version!r} to" if version else "doesn't answer"
            raise AdapterError(f"what is at {self.name} {said} '++ver': no GPIB adapter")
        if lines[1:]:
            raise AdapterError(
                f"the adapter at {self.name} ({version}) answers {lines[0]!r} to one of "
                f"{', '.join(SETTINGS)}: it doesn't take a Prologix' commands"
            )
        return version

    def _answer(self) -> list[str]:
        """What the adapter says of itself, until it is quiet."""
        heard = b""
        end_s = time.monotonic() + VERSION_S
        while time.monotonic() < end_s:
            piece = self._port.receive(QUIET_S)
            heard += piece
            if not piece and heard.endswith(b"\n"):
                break
        return heard.decode("latin-1").splitlines()

    def write(self, address: str, message: bytes) -> None:
        """Send a message to an instrument, its line end included; EOI goes with the last byte."""
        self.settle()
        escaped = b"".join(
            bytes((27, byte)) if byte in SPECIAL else bytes((byte,)) for byte in message
        )
        self._put(self._selecting(address) + escaped)

    def read(self, address: str, slice_s: float) -> bytes:
        """What an instrument says within the slice; asks it to talk where that isn't done yet."""
        if self._reading != address:
            self.settle()
            self._put(self._selecting(address) + b"++read eoi")
            self._reading, self._heard_s = address, time.monotonic()
        piece = self._receive(slice_s)
        if not piece and time.monotonic() - self._heard_s > READ_S + MARGIN_S:
            self._reading = ""  # the adapter has given it up: the next slice asks anew
        return piece

    def settle(self) -> bytes:
        """Wait until nobody talks; what the one that did still said."""
        heard = b""
        while self._reading:
            left_s = self._heard_s + READ_S + MARGIN_S - time.monotonic()
            if left_s <= 0:
                self._reading = ""
            else:
                heard += self._receive(left_s)
        return heard

    @property
    def talks(self) -> str:
        """The address of the instrument that was told to talk; empty where none is."""
        return self._reading

    def chatter(self) -> bytes:
        """What the adapter says itself (`Unrecognized command`), at no cost where that is none."""
        return self._guarded_receive(0.0) if self._port.waiting() else b""

    @contextmanager
    def unmarked(self) -> Iterator[None]:
        """No mark at the end of a message, for a reply that may have any byte in it."""
        self.settle()
        self._mark(False)
        try:
            yield
            self._reading = ""  # the block is whole, so the instrument has said all
        finally:
            self.settle()
            self._mark(True)

    def _mark(self, wanted: bool) -> None:
        self._put(f"++eot_enable {int(wanted)}".encode("ascii"))
        self._marked = wanted

    def _selecting(self, address: str) -> bytes:
        if address == self._selected:
            return b""
        self._selected = address
        return f"++addr {address}\n".encode("ascii")

    def _put(self, lines: bytes) -> None:
        try:
            self._port.send(lines + b"\n")
        except Exception:
            self.close()
            raise

    def _receive(self, slice_s: float) -> bytes:
        piece = self._guarded_receive(slice_s)
        if piece:
            self._heard_s = time.monotonic()
        if self._marked and piece.endswith(bytes((EOT,))):
            self._reading = ""
            return piece[:-1]
        return piece

    def _guarded_receive(self, slice_s: float) -> bytes:
        try:
            return self._port.receive(slice_s)
        except Exception:  # one instrument's broken link is that of all behind the adapter
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; never raises."""
        self.broken = True
        self._port.close()

    def share(self, more: int) -> int:
        """Count one instrument more or less; how many there are now."""
        with self._users_lock:
            self._users += more
            return self._users


class PrologixPort:
    """An instrument behind an adapter; the adapter is opened with its first instrument.

    Parameters
    ----------
    resource
        `GPIB0::12::INSTR` or its like.
    board
        The adapter's name.
    rm
        Opens it.
    link
        The physical link, which carries the open adapter.
    open_s
        How long opening may take.
    """

    keeps_pieces = True

    def __init__(
        self, resource: str, board: str, rm: pyvisa.ResourceManager, link: Link, open_s: float
    ) -> None:
        self._address = bus_address(resource)
        self._kept = b""
        self._link = link
        with link.lock:
            adapter = link.adapter
            if adapter is None or adapter.broken:
                adapter = link.adapter = Adapter(board, rm, open_s)
            adapter.share(+1)
        self._adapter = adapter

    def send(self, data: bytes) -> None:
        """Send a message."""
        self._adapter.write(self._address, data)

    def receive(self, slice_s: float) -> bytes:
        """Whatever arrives within the slice."""
        if self._kept:
            kept, self._kept = self._kept, b""
            return kept
        return self._adapter.read(self._address, slice_s)

    def waiting(self) -> bool:
        """Whether bytes wait: more than the reply that was read, or words of the adapter's."""
        adapter = self._adapter
        if adapter.talks:
            mine = adapter.talks == self._address
            late = adapter.settle()
            if mine:  # another's are dropped: its own session knows that its reading was broken off
                self._kept += late
        else:
            self._kept += adapter.chatter()
        return bool(self._kept)

    def block(self, terminated: bool) -> contextlib.AbstractContextManager[None]:
        """Read any byte as it comes."""
        return self._adapter.unmarked()

    def close(self) -> None:
        """Close the adapter with its last instrument; never raises."""
        if not self._adapter.share(-1):
            self._adapter.close()
