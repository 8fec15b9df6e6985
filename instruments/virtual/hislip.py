"""HiSLIP 1.0 in front of an instrument of the rig: an `INSTR` resource instead of a bare socket.

IVI-6.1. A session is two connections to one port: on the synchronous one go messages and replies,
each with its end and the number of the message that it answers; on the asynchronous one device
clear, status byte and lock. Synchronized mode only. A reply that the client did not wait for is
dropped when its next message comes, and both connections say so, with that message's number
(3.1.1, rule 1, and the interrupted transaction: the asynchronous one first). That the client's flag
of a delivered reply is wrong (rule 2) is the instrument's affair only: nothing is announced.
"""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING

from instruments.virtual.connection import Connection

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from instruments.virtual.instrument import Port

HEADER = struct.Struct("!2sBBIQ")  # prologue, type, control code, parameter, bytes of payload
VERSION = 0x0100
VENDOR = int.from_bytes(b"TR\0\0", "big")
LONGEST_PAYLOAD = 1 << 20
MESSAGE_AVAILABLE = 16  # of the status byte
(INITIALIZE, INITIALIZE_RESPONSE, FATAL_ERROR, ERROR, LOCK, LOCK_RESPONSE, DATA, DATA_END,
 CLEAR_COMPLETE, CLEAR_ACKNOWLEDGE, REMOTE_LOCAL, REMOTE_LOCAL_RESPONSE, TRIGGER,
 INTERRUPTED, ASYNC_INTERRUPTED) = range(15)  # fmt: skip
(MAX_SIZE, MAX_SIZE_RESPONSE, ASYNC_INITIALIZE, ASYNC_INITIALIZE_RESPONSE, ASYNC_CLEAR,
 SERVICE_REQUEST, STATUS, STATUS_RESPONSE, ASYNC_CLEAR_ACKNOWLEDGE, LOCK_INFO,
 LOCK_INFO_RESPONSE) = range(15, 26)  # fmt: skip


class HislipSession:
    """What the two connections of a client share."""

    def __init__(self, number: int, port: Port) -> None:
        self.number = number
        self.port = port
        self.message_id = 0
        self.largest = LONGEST_PAYLOAD
        self.closed = False
        self.asynchronous: HislipConnection | None = None


class HislipHost:
    """The HiSLIP side of one instrument: its sessions, and who holds its lock.

    Parameters
    ----------
    connect
        Opens a port of the instrument.
    """

    def __init__(self, connect: Callable[[], Port]) -> None:
        self._connect = connect
        self._numbers = itertools.count(1)
        self.sessions: dict[int, HislipSession] = {}
        self.holder: HislipSession | None = None

    def accept(self, link: socket.socket) -> HislipConnection:
        """A client has connected; which of the two connections it is, it will say."""
        return HislipConnection(link, self)

    def begin(self) -> HislipSession:
        """A new session."""
        session = HislipSession(next(self._numbers) & 0xFFFF, self._connect())
        self.sessions[session.number] = session
        return session

    def end(self, session: HislipSession) -> None:
        """Forget a session."""
        session.closed = True
        self.sessions.pop(session.number, None)
        if self.holder is session:
            self.holder = None

    def lock(self, session: HislipSession, wanted: bool) -> int:
        """Take or release the instrument's lock: 1 done, 0 somebody else has it."""
        if self.holder not in (None, session):
            return 0
        self.holder = session if wanted else None
        return 1


class HislipConnection(Connection):
    """One of the two connections of a session."""

    def __init__(self, link: socket.socket, host: HislipHost) -> None:
        super().__init__(link, None)
        self._host = host
        self._session: HislipSession | None = None
        self._incoming = bytearray()

    def heard(self, data: bytes) -> bool:
        """Carry out every message that is complete; False ends the session."""
        self._incoming += data
        while len(self._incoming) >= HEADER.size:
            prologue, kind, control, parameter, length = HEADER.unpack_from(self._incoming)
            if prologue != b"HS" or length > LONGEST_PAYLOAD:
                self.answer(FATAL_ERROR, 1)
                super().give()
                return False
            if len(self._incoming) < HEADER.size + length:
                break
            payload = bytes(self._incoming[HEADER.size : HEADER.size + length])
            del self._incoming[: HEADER.size + length]
            self._carry_out(kind, control, parameter, payload)
        return True

    def answer(self, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
        """Put a message on this connection."""
        self._outgoing += HEADER.pack(b"HS", kind, control, parameter, len(payload)) + payload

    def _carry_out(self, kind: int, control: int, parameter: int, payload: bytes) -> None:
        session = self._session
        if kind == INITIALIZE:
            self._session = session = self._host.begin()
            self.port = session.port
            self.answer(INITIALIZE_RESPONSE, 0, VERSION << 16 | session.number)
        elif kind == ASYNC_INITIALIZE and parameter in self._host.sessions:
            self._session = self._host.sessions[parameter]
            self._session.asynchronous = self
            self.answer(ASYNC_INITIALIZE_RESPONSE, 0, VENDOR)
        elif session is None:
            self.answer(FATAL_ERROR, 3)
        elif kind in (DATA, DATA_END):
            self._message(session, parameter, payload, kind == DATA_END)
        elif kind == CLEAR_COMPLETE:
            self.answer(CLEAR_ACKNOWLEDGE)
        elif kind == TRIGGER:  # no instrument of the rig waits for one
            self._interrupting(session, parameter)
        else:
            self._asynchronous(session, kind, control, payload)

    def _message(self, session: HislipSession, number: int, payload: bytes, complete: bool) -> None:
        self._interrupting(session, number)
        session.message_id = number
        if complete and not payload.endswith((b"\n", b"\r")):
            payload += b"\n"  # the end of a message is its end, with a line feed or without
        session.port.feed(payload)

    def _interrupting(self, session: HislipSession, number: int) -> None:
        """Drop the reply that a message hasn't waited for, and say so."""
        port = session.port
        while port.pending:  # messages that came together: one after the other
            port.step()
        if port.due_host_s is None:
            return
        port.clear()
        if session.asynchronous is not None:
            session.asynchronous.answer(ASYNC_INTERRUPTED, 0, number)
        self.answer(INTERRUPTED, 0, number)

    def _asynchronous(
        self, session: HislipSession, kind: int, control: int, payload: bytes
    ) -> None:
        if kind == MAX_SIZE and len(payload) == 8:
            session.largest = max(1024, min(LONGEST_PAYLOAD, int.from_bytes(payload, "big")))
            self.answer(MAX_SIZE_RESPONSE, 0, 0, LONGEST_PAYLOAD.to_bytes(8, "big"))
        elif kind == ASYNC_CLEAR:
            session.port.clear()
            self.answer(ASYNC_CLEAR_ACKNOWLEDGE)
        elif kind == STATUS:
            waits = session.port.due_host_s is not None
            self.answer(STATUS_RESPONSE, MESSAGE_AVAILABLE if waits else 0)
        elif kind == LOCK:
            self.answer(LOCK_RESPONSE, self._host.lock(session, control == 1))
        elif kind == LOCK_INFO:
            held = self._host.holder is not None
            self.answer(LOCK_INFO_RESPONSE, int(held), int(held))
        elif kind == REMOTE_LOCAL:
            self.answer(REMOTE_LOCAL_RESPONSE)
        else:
            self.answer(ERROR, 1)

    def said(self) -> bytes:
        """Replies as messages that end; only the synchronous connection has any."""
        data, session = super().said(), self._session
        if not data or session is None:
            return b""
        size = session.largest - HEADER.size
        parts = [data[at : at + size] for at in range(0, len(data), size)]
        kinds = [DATA] * (len(parts) - 1) + [DATA_END]
        return b"".join(
            HEADER.pack(b"HS", kind, 0, session.message_id, len(part)) + part
            for kind, part in zip(kinds, parts, strict=True)
        )

    @property
    def over(self) -> bool:
        """Whether the instrument, or the other connection of the session, has ended."""
        return super().over or (self._session is not None and self._session.closed)

    def closed(self) -> None:
        """With one of its connections a session ends."""
        if self._session is not None:
            self._host.end(self._session)
