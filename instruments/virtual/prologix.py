"""A Prologix GPIB-ETHERNET adapter with instruments of the rig behind it, one at each address.

Commands: Prologix GPIB-ETHERNET manual 1.6.6.0, chapters 7 and 8. One line after another is carried
out, as on a bus: what follows a `++read` waits until the instrument has said its message, or the
adapter has given it up (`++read_tmo_ms`). A message that comes before the last reply was read takes
that reply's place (IEEE 488.2, 6.3.2). Device mode, SRQ and secondary addresses there are none.
"""

from __future__ import annotations

import re
import time
from collections import deque
from typing import TYPE_CHECKING

from instruments.virtual.connection import Connection

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from instruments.virtual.instrument import Port

MODEL = "prologix"
TERMINATOR = "\r\n"  # of what the adapter says itself
FIRST_ADDRESS = 1  # of the instruments; 0 is the adapter's own, as on most
VERSION = "Prologix GPIB-ETHERNET Controller version 01.06.06.00"
UNKNOWN = "Unrecognized command"
PIECES = re.compile(rb"(?s)\x1b.|[\r\n]|[^\x1b\r\n]+")
EOS = (b"\r\n", b"\r", b"\n", b"")
MESSAGE_AVAILABLE = 16
LONGEST_LINE = 65536  # bytes without an end; more can't be a line
EACH_LINE = ("sr830",)  # models that end each line with EOI, not only a message…
BINARY = b"TRCB"  # … but for the answer to this
SETTINGS = {  # name → left as, lowest, highest
    "addr": (FIRST_ADDRESS, 0, 30), "auto": (0, 0, 1), "eoi": (1, 0, 1), "eos": (0, 0, 3),
    "eot_char": (0, 0, 255), "eot_enable": (0, 0, 1), "mode": (1, 0, 1),
    "read_tmo_ms": (200, 1, 3000), "savecfg": (1, 0, 1),
}  # fmt: skip
IGNORED = ("ifc", "llo", "loc", "rst", "trg")  # no instrument of the rig has use for them
HELP = ", ".join(f"++{name}" for name in sorted((*SETTINGS, *IGNORED, "clr", "read", "spoll")))


class PrologixHost:
    """The adapter: its settings, and the instruments of its bus.

    Parameters
    ----------
    keys
        Address → the instrument's key in the rig.
    connect
        Opens a port of an instrument; None where it takes none now.
    """

    def __init__(self, keys: Mapping[int, str], connect: Callable[[str], Port | None]) -> None:
        self._keys = keys
        self._connect = connect
        self._ports: dict[int, Port] = {}
        self.values = {name: left for name, (left, _, _) in SETTINGS.items()}

    def accept(self, link: socket.socket) -> PrologixConnection:
        """A client has connected."""
        return PrologixConnection(link, self)

    @property
    def port(self) -> Port | None:
        """The instrument that is addressed; None where nobody is."""
        return self.at(self.values["addr"])

    def at(self, address: int) -> Port | None:
        """The instrument at an address; one that had fallen off the bus comes back."""
        port = self._ports.get(address)
        if address in self._keys and (port is None or port.closed):
            port = self._connect(self._keys[address])
            if port is not None:
                self._ports[address] = port
        return port


class PrologixConnection(Connection):
    """A client of the adapter: lines in, what the bus and the adapter say out.

    To the server it is the port whose messages are carried out: `pending`, `asks`, `step`.
    """

    def __init__(self, link: socket.socket, host: PrologixHost) -> None:
        super().__init__(link, None)
        self._host = host
        self._line = bytearray()
        self._partial = b""
        self._lines: deque[tuple[bool, bytes]] = deque()
        self._talker: Port | None = None
        self._read_until_s: float | None = None
        self._unread: dict[Port, bytes] = {}
        self._whole: set[Port] = set()

    @property
    def steps(self) -> PrologixConnection:
        """What the server carries out."""
        return self

    def heard(self, data: bytes) -> bool:
        """Cut the bytes into lines: of the adapter's own, or messages."""
        data = self._partial + data
        escapes = len(data) - len(data.rstrip(b"\x1b"))
        self._partial = b"\x1b" * (escapes % 2)  # what it stands before is still to come
        for piece in PIECES.findall(data):
            if piece in (b"\r", b"\n"):
                self._end_line()
            else:
                self._line += piece
        return len(self._line) <= LONGEST_LINE

    def _end_line(self) -> None:
        line, self._line = bytes(self._line), bytearray()
        if line.startswith(b"++"):
            self._lines.append((True, line[2:]))
        elif line:
            self._lines.append((False, re.sub(rb"(?s)\x1b(.)", rb"\1", line)))

    @property
    def pending(self) -> bool:
        """Whether a line waits that can be carried out now."""
        return bool(self._lines) and self._read_until_s is None

    @property
    def asks(self) -> bool:
        """Whether the oldest line wants something said."""
        own, line = self._lines[0]
        port = self._host.port
        if own or port is None:
            return line.startswith((b"read", b"spoll"))
        return port.instrument.answers(line.decode("latin-1"))

    def step(self) -> None:
        """Carry out the oldest line."""
        own, line = self._lines.popleft()
        if own:
            name, _, argument = line.decode("latin-1").strip().partition(" ")
            self._command(name, argument.strip())
            return
        port = self._host.port
        if port is not None:
            self._message(port, line)
        if self._host.values["auto"]:
            self._listen()

    def _message(self, port: Port, message: bytes) -> None:
        """Hand a message over the bus, with the line end and the EOI that are set."""
        values = self._host.values
        if self._unread.pop(port, b"") or port.due_host_s is not None:
            port.clear()
        self._whole.discard(port)
        if BINARY in message.upper():
            self._whole.add(port)
        message += EOS[values["eos"]]
        if values["eoi"] and not message.endswith((b"\n", b"\r")):
            message += b"\n"  # what ends with EOI has ended
        port.feed(message)
        while port.pending:
            port.step()

    def _command(self, name: str, argument: str) -> None:
        values = self._host.values
        if name in SETTINGS and not argument:
            self._say(str(values[name]))
        elif name in SETTINGS:
            _, low, high = SETTINGS[name]
            number = argument.split()[0]
            if number.isdecimal() and low <= int(number) <= high:
                values[name] = int(number)
            else:
                self._say(UNKNOWN)
        elif name == "read":
            self._listen()
        elif name == "ver":
            self._say(VERSION)
        elif name == "help":
            self._say(HELP)
        elif name == "clr":
            self._clear()
        elif name == "spoll":
            self._poll(argument)
        elif name == "srq":
            self._say("0")
        elif name not in IGNORED:
            self._say(UNKNOWN)

    def _say(self, words: str) -> None:
        self._outgoing += (words + TERMINATOR).encode("ascii")

    def _clear(self) -> None:
        port = self._host.port
        if port is not None:
            self._unread.pop(port, None)
            port.clear()

    def _poll(self, argument: str) -> None:
        """`++spoll [address]`: the status byte, of which bit 4 says that a reply waits."""
        address = argument.split()[0] if argument else str(self._host.values["addr"])
        port = self._host.at(int(address)) if address.isdecimal() else None
        if port is not None:
            waits = port in self._unread or port.due_host_s is not None
            self._say(str(MESSAGE_AVAILABLE if waits else 0))

    def _listen(self) -> None:
        """Let the addressed instrument talk."""
        self._talker = self._host.port
        self._read_until_s = time.monotonic() + self._host.values["read_tmo_ms"] / 1000.0

    def said(self) -> bytes:
        """Nothing more: what the bus says, and what follows it, is with the adapter's words."""
        values = self._host.values
        while self._read_until_s is not None:
            piece, ended = self._talk(self._talker)
            self._outgoing += piece
            if ended and values["eot_enable"]:
                self._outgoing.append(values["eot_char"])
            elif piece and not ended:
                self._listen()  # the time runs from one byte to the next
                continue
            elif not ended and time.monotonic() < self._read_until_s:
                break
            self._read_until_s = None
            while self.pending:
                self.step()
        return b""

    def _talk(self, port: Port | None) -> tuple[bytes, bool]:
        """What an instrument says up to the end of its message, and whether that was it."""
        if port is None:
            return b"", False
        heard = self._unread.pop(port, b"") + port.transmit()
        end = port.instrument.terminator
        by_line = port.instrument.model in EACH_LINE and port not in self._whole
        if by_line and end in heard:
            heard, _, later = heard.partition(end)
            if later:
                self._unread[port] = later
            return heard + end, True
        return heard, bool(heard) and port.due_host_s is None

    def due_host_s(self) -> float | None:
        """When there is something to send, or to give up, next."""
        if self._outgoing:
            return 0.0
        dues = [self._read_until_s]
        if self._read_until_s is not None and self._talker is not None:
            dues.append(self._talker.due_host_s)
        return min((due for due in dues if due is not None), default=None)

    @property
    def over(self) -> bool:
        """The adapter stays, whatever its instruments do."""
        return False
