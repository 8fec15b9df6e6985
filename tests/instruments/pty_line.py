"""Serial lines of the test computer, with a served instrument or adapter at their ends.

A pseudo-terminal is a serial port that this computer has; it carries bytes and refuses every frame
but 8-N-1. One on the network (pyserial's `socket://`) takes every frame and carries bytes as well.
"""

from __future__ import annotations

import os
import re
import select
import socket
import threading
from contextlib import contextmanager


def number_of(resource):
    """The TCP port of a served resource."""
    return int(re.search(r"::(\d+)::", resource).group(1))


class PtyLine:
    """A pseudo-terminal."""

    def __init__(self, resource):
        self._master, self._slave = os.openpty()
        self.device = os.ttyname(self._slave)
        self.resource = f"ASRL{self.device}::INSTR"
        self._end, self._wake = os.pipe()
        self._link = socket.create_connection(("127.0.0.1", number_of(resource)))
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self):
        while True:
            ready = select.select([self._master, self._link, self._end], [], [])[0]
            if self._end in ready:
                return
            if self._master in ready:
                self._link.sendall(os.read(self._master, 4096))
            if self._link in ready:
                data = self._link.recv(4096)
                if not data:
                    return
                os.write(self._master, data)

    def close(self):
        os.write(self._wake, b".")
        self._thread.join(5)
        self._link.close()
        for number in (self._master, self._slave, self._end, self._wake):
            os.close(number)


class NetworkPort:
    """A serial port on the network: bytes go to a TCP port, rate and frame are set on this side."""

    def __init__(self, resource):
        self.device = f"socket://127.0.0.1:{number_of(resource)}"
        self.resource = f"ASRL{self.device}::INSTR"

    def close(self):
        """Nothing of its own is open."""


@contextmanager
def lines(*resources, kind=PtyLine):
    """One line for each resource of a served rig."""
    made = [kind(resource) for resource in resources]
    try:
        yield made
    finally:
        for line in made:
            line.close()
