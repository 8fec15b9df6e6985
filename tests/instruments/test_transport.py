"""Each VISA backend gives back whatever has arrived within a slice, and loses nothing."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import threading
import time

import pytest
import pyvisa
from pyvisa import constants
from scripted import scripted

from instruments.clock import Stop
from instruments.link_errors import LinkError
from instruments.serial_line import SerialLine
from instruments.transport import InstalledVisaPort, LibraryPort, SocketPort
from instruments.virtual.library import VirtualVisaLibrary, resource_name
from instruments.virtual.rig import VirtualRig
from instruments.visa import VisaSession, resource_manager


def test_a_socket_is_opened_without_nagles_algorithm():
    with scripted(lambda m: m) as instrument:
        resource = resource_manager().open_resource(instrument.resource)
        interface = resource.visalib.sessions[resource.session].interface
        assert not interface.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        SocketPort(resource, interface)
        assert interface.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        resource.close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_serial_line_keeps_the_piece_over_a_pause_and_drops_flow_control(monkeypatch):
    monkeypatch.setattr("instruments.visa_wire.SLICE_S", 0.05)
    master, slave = os.openpty()
    session = VisaSession(
        f"ASRL{os.ttyname(slave)}::INSTR",
        rm=resource_manager(),
        name="serial",
        stop=Stop(),
        read_termination="\r",
        write_termination="\r",
        timeout_s=3.0,
        line=SerialLine(9600),
    )

    def answer():
        assert os.read(master, 100) == b"X?\r"
        os.write(master, b"\x131.2345")
        time.sleep(0.2)
        os.write(master, b"6E-3\r")

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        assert session.number("X?") == pytest.approx(1.23456e-3)
    finally:
        thread.join()
        session.close()
        os.close(master)
        os.close(slave)


class LibraryThatTimesOut:
    """Stands for `viRead` of an installed VISA, which no CI machine has: a piece, then TMO."""

    def __init__(self, *pieces):
        self.lib = self
        self._pieces = list(pieces)

    def viRead(self, session, buffer, count, returned):
        piece, status = self._pieces.pop(0)
        ctypes.memmove(buffer, piece, len(piece))
        returned._obj.value = len(piece)
        if status < 0:
            raise pyvisa.VisaIOError(status)
        return status


class OpenResource:
    def __init__(self, library):
        self.visalib = library
        self.session = 1
        self.timeout = 0


def test_an_installed_visa_keeps_the_piece_that_came_with_a_time_out():
    timeout = constants.StatusCode.error_timeout
    library = LibraryThatTimesOut((b"1.2345", timeout), (b"6E-3\n", constants.StatusCode.success))
    port = InstalledVisaPort(OpenResource(library))
    assert port.receive(0.5) + port.receive(0.5) == b"1.23456E-3\n"


def test_an_installed_visa_that_lost_the_connection_raises():
    library = LibraryThatTimesOut((b"", constants.StatusCode.error_connection_lost))
    with pytest.raises(pyvisa.VisaIOError):
        InstalledVisaPort(OpenResource(library)).receive(0.5)


def test_a_library_that_may_lose_pieces_ends_the_read_at_its_time_out():
    manager = pyvisa.ResourceManager(VirtualVisaLibrary(VirtualRig()))
    session = VisaSession(
        resource_name("sr830"), rm=manager, name="lockin", stop=Stop(), shared=False, timeout_s=20.0
    )
    assert isinstance(session._port, LibraryPort)
    begin = time.monotonic()
    session.write("HARM 2")
    with pytest.raises(LinkError, match="no answer to 'HARM 2'"):
        session.query("HARM 2")  # a set has no answer
    assert time.monotonic() - begin < 10.0
    assert session.query("HARM?") == "2"
    session.close()
    manager.close()
