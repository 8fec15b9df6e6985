"""How bytes come off each VISA backend without losing a piece, and without waiting past a slice.

Context: pyvisa-py's SOCKET drops what it has received when a read times out, so that "1.2345", a
pause, "6E-3" is read as `6E-3`; a closed peer makes its read spin the CPU (rig.md, 3 and (d)).
Decision: one port a backend, each of which gives back whatever has arrived within a slice; the
session keeps the pieces. A SOCKET of pyvisa-py is read from its own socket object, its HiSLIP
session as `instruments.hislip_port` has it, another session of pyvisa-py by `Session.read`, which
gives the piece together with the time-out, an installed VISA by `viRead` into a buffer of ours.
Only a library that does neither can lose a piece: there a time-out ends the read, so that no reply
is ever joined from what is left.
"""

from __future__ import annotations

import ctypes
import select
import socket
import struct
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

import pyvisa
from pyvisa import constants

from instruments.hislip_port import HislipPort
from instruments.port import CHUNK, Port, VisaPort

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyvisa.resources import MessageBasedResource

    from instruments.serial_line import SerialLine

KERNEL_WAITS = sys.platform == "linux"  # whose struct timeval is known here
KERNEL_TICKS_S = 0.4  # the kernel's waits are coarse by its ticks: a shorter one is `select`'s
SEND_S = 2.0  # a message is shorter than any buffer: only a peer that hangs takes so long
HISLIP = "pyvisa_py.protocols.hislip"
TIMEOUT = constants.StatusCode.error_timeout
MORE = constants.StatusCode.success_max_count_read  # a piece of a longer reply: no warning


def _timeval(seconds: float) -> bytes:
    """C's `struct timeval`, never zero: that would wait for ever."""
    microseconds = max(1, round(1e6 * seconds))
    return struct.pack("@ll", *divmod(microseconds, 1_000_000))


class SocketPort(VisaPort):
    """A `::SOCKET` of pyvisa-py by its own socket; Nagle's algorithm is switched off.

    Where the system can, the kernel waits (`SO_RCVTIMEO`): one call a reply instead of two, and one
    a message. That is half of what a step costs above its bare round trips.
    """

    keeps_pieces = True

    def __init__(self, resource: MessageBasedResource, interface: socket.socket) -> None:
        super().__init__(resource)
        self._socket = interface
        # rig.md 1: a write followed by a query takes 44 ms without this, 0.04 ms with it
        interface.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        error = interface.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:  # opening a closed port succeeds in pyvisa-py
            raise OSError(error, "connection failed")
        self._slice_s = -1.0
        if KERNEL_WAITS:
            interface.settimeout(None)
            interface.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(SEND_S))

    def send(self, data: bytes) -> None:
        """Send a message; `OSError` where the other side takes none for `SEND_S`."""
        self._socket.sendall(data)

    @contextmanager
    def block(self, terminated: bool) -> Iterator[None]:
        """Bytes are taken as they come anyway."""
        yield

    def receive(self, slice_s: float) -> bytes:
        """Whatever arrives within the slice."""
        exact = not KERNEL_WAITS or slice_s < KERNEL_TICKS_S
        if exact and not select.select([self._socket], [], [], slice_s)[0]:
            return b""
        if not exact and slice_s != self._slice_s:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(slice_s))
            self._slice_s = slice_s
        try:
            data = self._socket.recv(CHUNK)
        except BlockingIOError:
            return b""
        if not data:
            raise ConnectionResetError("closed by the other side")
        return data

    def waiting(self) -> bool:
        """Whether the socket has bytes (or its end)."""
        return bool(select.select([self._socket], [], [], 0)[0])


class PyvisaPyPort(VisaPort):
    """Another session of pyvisa-py (serial, GPIB, USB): its `read` gives the piece it has."""

    keeps_pieces = True

    def __init__(self, resource: MessageBasedResource, session: Any) -> None:
        super().__init__(resource)
        self._session = session

    def receive(self, slice_s: float) -> bytes:
        """Whatever arrives within the slice."""
        self._resource.timeout = max(1, round(slice_s * 1000))
        data, status = self._session.read(CHUNK)
        if status < 0 and status != TIMEOUT:
            raise pyvisa.VisaIOError(status)
        return bytes(data)


class InstalledVisaPort(VisaPort):
    """A resource of an installed VISA (NI, Keysight): `viRead` into a buffer of ours.

    PyVISA raises on a time-out and drops the piece; the buffer still has it.
    """

    keeps_pieces = True

    def __init__(self, resource: MessageBasedResource) -> None:
        super().__init__(resource)
        self._lib = cast("Any", resource.visalib).lib
        self._buffer = ctypes.create_string_buffer(CHUNK)

    def receive(self, slice_s: float) -> bytes:
        """Whatever arrives within the slice."""
        self._resource.timeout = max(1, round(slice_s * 1000))
        count = ctypes.c_uint32(0)
        try:
            self._lib.viRead(self._resource.session, self._buffer, CHUNK, ctypes.byref(count))
        except pyvisa.VisaIOError as error:
            if error.error_code != TIMEOUT:
                raise
        return self._buffer.raw[: count.value]


class LibraryPort(VisaPort):
    """Any other library (the virtual one in this process, pyvisa-sim)."""

    keeps_pieces = False

    def __init__(self, resource: MessageBasedResource) -> None:
        super().__init__(resource)
        self._library = resource.visalib
        self._session = resource.session
        self._slice_s = -1.0

    def receive(self, slice_s: float) -> bytes:
        """Whatever arrives within the slice."""
        if slice_s != self._slice_s:
            self._resource.timeout = max(1, round(slice_s * 1000))
            self._slice_s = slice_s
        try:
            with self._library.ignore_warning(self._session, MORE):
                return self._library.read(self._session, CHUNK)[0]
        except pyvisa.VisaIOError as error:
            if error.error_code != TIMEOUT:
                raise
            return b""


def open_port(
    rm: pyvisa.ResourceManager, name: str, *, end: int, open_s: float, line: SerialLine
) -> Port:
    """Open a resource, set its line where it is a serial one, and find its port.

    Raises whatever a VISA library does where it can't; nothing stays open then.
    """
    resource = cast(
        "MessageBasedResource", rm.open_resource(name, open_timeout=round(open_s * 1000))
    )
    try:
        if name.upper().startswith("ASRL"):
            line.set_on(resource)
        return port_of(resource, end)
    except BaseException:
        with suppress(Exception):  # why it can't be used is the error, not how it closes
            resource.close()
        raise


def port_of(resource: MessageBasedResource, end: int) -> Port:
    """The port that suits an open resource's backend; `end` is the last byte of a terminator.

    Raises
    ------
    OSError
        The socket was not connected (nothing listens).
    """
    library = cast("Any", resource.visalib)
    session = getattr(library, "sessions", {}).get(resource.session)
    backend = type(library).__module__.split(".")[0]
    interface = getattr(session, "interface", None)
    if isinstance(interface, socket.socket):
        return SocketPort(resource, interface)
    resource.set_visa_attribute(constants.ResourceAttribute.termchar, end)
    resource.set_visa_attribute(constants.ResourceAttribute.termchar_enabled, constants.VI_TRUE)
    if backend == "pyvisa_py" and type(interface).__module__ == HISLIP:
        return HislipPort(resource, interface)
    if backend == "pyvisa_py":
        return PyvisaPyPort(resource, session)
    if backend == "pyvisa" and hasattr(library, "lib"):
        return InstalledVisaPort(resource)
    return LibraryPort(resource)
