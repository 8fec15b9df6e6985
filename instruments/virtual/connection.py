"""A client of a served instrument: its bytes go to the port, replies leave when they may."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from instruments.virtual.instrument import Port


class Steps(Protocol):
    """Messages that were heard: carried out one by one, settings before questions."""

    @property
    def pending(self) -> bool:
        """Whether one waits."""

    @property
    def asks(self) -> bool:
        """Whether the oldest wants a reply."""

    def step(self) -> None:
        """Carry the oldest out."""


_QUICKACK = getattr(socket, "TCP_QUICKACK", None)  # Linux only


class Connection:
    """A client's socket and the instrument's port behind it.

    Parameters
    ----------
    link
        The client's socket.
    port
        Of the instrument; None until it is known (HiSLIP).
    """

    def __init__(self, link: socket.socket, port: Port | None) -> None:
        link.setblocking(False)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.link = link
        self.port = port
        self._outgoing = bytearray()

    def take(self) -> bool:
        """Receive what is there; False where the client has gone."""
        try:
            data = self.link.recv(65536)
            if _QUICKACK is not None:  # a client with Nagle's algorithm must not wait for our ACK
                self.link.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return bool(data) and self.heard(data)

    def heard(self, data: bytes) -> bool:
        """Hand bytes on to the port; False where the client must go."""
        assert self.port is not None
        self.port.feed(data)
        return True

    def said(self) -> bytes:
        """What the instrument has to say now, as it goes over the wire."""
        return b"" if self.port is None else self.port.transmit()

    @property
    def steps(self) -> Steps | None:
        """What waits to be carried out; None until it is known whose."""
        return self.port

    @property
    def over(self) -> bool:
        """Whether the instrument has ended the connection."""
        return self.port is not None and self.port.closed

    def give(self) -> bool:
        """Send what may leave by now; False where the client has gone."""
        data = self.said()
        if not data and not self._outgoing:
            return not self.over
        self._outgoing += data
        try:
            del self._outgoing[: self.link.send(self._outgoing)]
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def due_host_s(self) -> float | None:
        """When there is something to send next."""
        if self._outgoing:
            return 0.0
        return None if self.port is None else self.port.due_host_s

    def closed(self) -> None:
        """The server has closed the socket."""
