"""A HiSLIP session of pyvisa-py, slice by slice.

Context: pyvisa-py loses step where a read times out within a message, answers every read after a
message's end with nothing at once, and takes the notice of an interruption for the next status
byte. Decision: a message is begun only where its bytes have come, and notices are taken here.
"""

from __future__ import annotations

import select
import socket
import struct
from typing import TYPE_CHECKING, Any

from instruments.port import CHUNK, VisaPort

if TYPE_CHECKING:
    from pyvisa.resources import MessageBasedResource

HEADER = struct.Struct("!2sBBIQ")  # of a HiSLIP message; its third byte is the message's type
INTERRUPTED, ASYNC_INTERRUPTED = b"\x0d", b"\x0e"
MESSAGE_MS = 2000  # of the rest of a HiSLIP message whose beginning is there; later it is lost


class HislipPort(VisaPort):
    """A HiSLIP session of pyvisa-py: a message is begun only where its bytes have come."""

    keeps_pieces = True

    def __init__(self, resource: MessageBasedResource, interface: Any) -> None:
        super().__init__(resource)
        self._interface = interface
        self._socket: socket.socket = interface._sync  # noqa: SLF001 (nothing else can be waited on)
        self._within = False
        resource.timeout = MESSAGE_MS

    def receive(self, slice_s: float) -> bytes:
        """The message that arrives within the slice, or its next piece."""
        interface = self._interface
        if not self._within:
            if not select.select([self._socket], [], [], slice_s)[0] or self._interrupted():
                return b""
            interface.last_message_id = interface.last_message_id  # forgets the last message's end
        try:
            data = bytes(interface.receive(CHUNK))
        except (RuntimeError, AssertionError) as error:  # dropped, or out of step with it
            raise ConnectionResetError(str(error) or "HiSLIP out of step") from error
        self._within = len(data) == CHUNK
        return data

    def waiting(self) -> bool:
        """Whether the socket has bytes (or its end)."""
        while select.select([self._socket], [], [], 0)[0]:
            if not self._interrupted():
                return True
        return False

    def _interrupted(self) -> bool:
        """Take the notice that a reply was dropped, on both connections (IVI-6.1, 3.1.2, rule 4).

        pyvisa-py 0.8.1 steps over the one and takes the other for the next status byte.
        """
        header = self._socket.recv(HEADER.size, socket.MSG_PEEK)
        if header[2:3] != INTERRUPTED:
            return False
        self._socket.recv(HEADER.size, socket.MSG_WAITALL)
        second = self._interface._async.recv(HEADER.size, socket.MSG_WAITALL)  # noqa: SLF001
        if second[2:3] != ASYNC_INTERRUPTED:
            raise ConnectionResetError("HiSLIP out of step")
        return True
