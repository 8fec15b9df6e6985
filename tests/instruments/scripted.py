"""A small instrument on a TCP socket whose answers are a script; for tests of the link alone."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from instruments.clock import Stop
from instruments.visa import VisaSession, resource_manager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# An answer: bytes, seconds to wait, or None to close the connection; several in a list.
Answer = bytes | float | None | list[bytes | float | None]


class ScriptedInstrument:
    """Answers each message by `answer(message)`; remembers what it heard.

    `greeting` is said to whoever connects, unasked.
    """

    def __init__(
        self,
        answer: Callable[[bytes], Answer],
        end: bytes = b"\n",
        port: int = 0,
        greeting: Answer = b"",
    ) -> None:
        self.answer = answer
        self._greeting = greeting
        self.heard: list[bytes] = []
        self.connections = 0
        self._end = end
        self._server = socket.create_server(("127.0.0.1", port))
        self.port = self._server.getsockname()[1]
        self.resource = f"TCPIP0::127.0.0.1::{self.port}::SOCKET"
        self._open: list[socket.socket] = []
        self._talks: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            talk = threading.Thread(target=self._talk, args=(connection,), daemon=True)
            self._talks.append(talk)
            talk.start()

    def _talk(self, connection: socket.socket) -> None:
        buffer = b""
        with connection, suppress(OSError):
            if not self._send(connection, self._greeting):
                return
            while data := connection.recv(4096):
                buffer += data
                while self._end in buffer:
                    message, _, buffer = buffer.partition(self._end)
                    self.heard.append(message)
                    if not self._send(connection, self.answer(message)):
                        return

    @staticmethod
    def _send(connection: socket.socket, answer: Answer) -> bool:
        for part in answer if isinstance(answer, list) else [answer]:
            if part is None:
                connection.shutdown(socket.SHUT_RDWR)
                return False
            if isinstance(part, float):
                time.sleep(part)
            elif part:
                connection.sendall(part)
        return True

    @property
    def talking(self) -> bool:
        """Whether a connection is open."""
        return any(talk.is_alive() for talk in self._talks)

    def hear_out(self, longest_s: float = 5.0) -> None:
        """Wait for the end of every connection that was closed at the other side."""
        for talk in self._talks:
            talk.join(longest_s)
            assert not talk.is_alive()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)  # a connection that is just being accepted is in the list now
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def scripted(
    answer: Callable[[bytes], Answer], end: bytes = b"\n", port: int = 0, greeting: Answer = b""
) -> Iterator[ScriptedInstrument]:
    instrument = ScriptedInstrument(answer, end, port, greeting)
    try:
        yield instrument
    finally:
        instrument.close()


def closed_port() -> int:
    """A port of this computer where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def transcript(*exchanges: tuple[bytes, bytes]) -> Iterator[VisaSession]:
    """A session whose every message and answer are given; anything unsent or unread fails.

    `(b"CURR 1.0", b"")` is a message without answer. Terminators are LF, both ways.
    """
    due = list(exchanges)
    wrong: list[str] = []

    def answer(message: bytes) -> bytes:
        if not due or due[0][0] != message:
            wrong.append(f"sent {message!r}, due was {due[0][0] if due else b'nothing'!r}")
            return b"\n"
        reply = due.pop(0)[1]
        return reply + b"\n" if reply else b""

    with scripted(answer) as instrument:
        session = VisaSession(
            instrument.resource, rm=resource_manager(), name="unit", stop=Stop(), timeout_s=2.0
        )
        try:
            _await(lambda: instrument.talking, 10.0)
            yield session
            _await(lambda: not due or bool(wrong), 0.2)  # the last write may still be on its way
            unread = bytes(session._buffer) or session._heard()
        finally:
            session.close()
        instrument.hear_out()  # what was sent last of all, too
    assert not wrong, "; ".join(wrong)
    assert not due, f"never sent: {due}"
    assert not unread, f"never read: {unread!r}"


def _await(reached: Callable[[], bool], longest_s: float) -> None:
    end = time.monotonic() + longest_s
    while not reached() and time.monotonic() < end:
        time.sleep(0.001)
