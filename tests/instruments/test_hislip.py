"""HiSLIP: a run over INSTR resources, long blocks, late replies, clear, locks, a lost server."""

from __future__ import annotations

import socket
import time

import numpy as np
import pytest
import pyvisa
from pymeasure.instruments.srs import SR830
from served import served

from instruments.bench import Bench
from instruments.clock import Stop
from instruments.drivers.keysight_pna import KeysightPNA
from instruments.hislip_port import HislipPort
from instruments.link_errors import LinkError
from instruments.locks import link_of
from instruments.transport import port_of
from instruments.virtual.hislip import HEADER
from instruments.virtual.rig import VirtualRig
from instruments.virtual.server import RigServer
from instruments.visa import VisaSession
from models.errors import InputError

BOTH = ("kepco-bop", "sr830")


def session(resource: str, **options) -> VisaSession:
    rm = pyvisa.ResourceManager("@py")
    return VisaSession(resource, rm=rm, name="unit", stop=Stop(), **options)


def readings(hislip) -> np.ndarray:
    """Five steps on a rig of one seed."""
    with served(BOTH, hislip=hislip) as rig:
        spec = rig.spec()
        kinds = {one.resource.split("::")[-1] for one in spec.instruments}
        assert kinds == ({"INSTR"} if hislip else {"SOCKET"})
        with Bench.connect(spec) as bench:
            bench.energise()
            bench.reset_device(spec.reset, spec.window)
            values = [bench.step(t, spec.window).values for t in np.linspace(2.2e-3, 3.4e-3, 5)]
            bench.verify()
        assert not rig.rig.instruments["kepco-bop"].supply.output_on
    return np.array(values)


def test_a_run_over_hislip_reads_what_one_over_sockets_reads():
    np.testing.assert_array_equal(readings(BOTH), readings(()))


def test_a_block_longer_than_a_read_comes_whole():
    with served(("keysight-pna",), hislip=("keysight-pna",)) as rig:
        link = session(rig.resources["keysight-pna"])
        options = {"points": 2000, "start_Hz": 4e9, "stop_Hz": 1e10, "quantity": "magnitude"}
        analyser = KeysightPNA("analyser", link, options)
        try:
            analyser.prepare()
            for _ in range(3):
                assert analyser.read().shape == (2000,)
            assert analyser.faults() == ()
        finally:
            analyser.close()


def test_it_has_a_port_of_its_own_that_knows_what_waits():
    with served(BOTH, hislip=BOTH) as rig:
        manager = pyvisa.ResourceManager("@py")
        resource = manager.open_resource(rig.resources["sr830"])
        try:
            port = port_of(resource, ord("\n"))
            assert isinstance(port, HislipPort)
            assert port.keeps_pieces
            begin_s = time.monotonic()
            assert port.receive(0.1) == b""
            assert 0.05 < time.monotonic() - begin_s < 5.0
            for _ in range(2):
                resource.write("SENS?;OFLT?")  # two lines, each with its end, one message
                received = b""
                while received.count(b"\n") < 2:
                    received += port.receive(1.0)
                assert received == b"15\n6\n"
            assert not port.waiting()
            assert port.receive(0.05) == b""
            assert resource.read_stb() == 0
            resource.clear()
            assert resource.query("*IDN?").startswith("Stanford")
        finally:
            resource.close()


def test_a_reply_that_comes_late_is_not_taken_for_the_next():
    with served(BOTH, accelerate=1.0, hislip=("virtual-clock",)) as rig:
        clock = session(rig.resources["virtual-clock"], timeout_s=0.2)
        try:
            assert clock.query("TIME?")
            with pytest.raises(LinkError):
                clock.query("ADVANCE 0.5")
            clock.timeout_s = 2.0
            assert clock.query("*IDN?").startswith("TWINRIG")
        finally:
            clock.close()


class Client:
    """Both connections of a session, message by message."""

    def __init__(self, resource):
        self.port = int(resource.split(",")[1].split("::")[0])
        self.synchronous, self.asynchronous = (
            socket.create_connection(("127.0.0.1", self.port), timeout=5) for _ in range(2)
        )
        self.send(self.synchronous, 0, 0x0100 << 16, b"hislip0")
        number = self.heard(self.synchronous)[1] & 0xFFFF
        self.send(self.asynchronous, 17, number)
        assert self.heard(self.asynchronous)[0] == 18

    def send(self, link, kind, parameter, payload=b""):
        link.sendall(HEADER.pack(b"HS", kind, 0, parameter, len(payload)) + payload)

    def heard(self, link):
        """Type, parameter and payload of the next message."""
        _, kind, _, parameter, length = HEADER.unpack(link.recv(HEADER.size, socket.MSG_WAITALL))
        return kind, parameter, link.recv(length, socket.MSG_WAITALL) if length else b""

    def close(self):
        self.synchronous.close()
        self.asynchronous.close()


@pytest.mark.parametrize("together", [False, True])
def test_a_reply_that_was_not_waited_for_is_dropped_and_both_connections_say_so(together):
    with served(BOTH, accelerate=1.0, hislip=("virtual-clock",)) as rig:
        client = Client(rig.resources["virtual-clock"])
        try:
            first = HEADER.pack(b"HS", 7, 0, 0xFFFFFF00, 11) + b"ADVANCE 0.3"
            client.synchronous.sendall(first)
            if not together:
                time.sleep(0.05)
            client.send(client.synchronous, 7, 0xFFFFFF02, b"*IDN?")
            assert client.heard(client.asynchronous) == (14, 0xFFFFFF02, b"")
            assert client.heard(client.synchronous) == (13, 0xFFFFFF02, b"")
            kind, number, reply = client.heard(client.synchronous)
            assert (kind, number) == (7, 0xFFFFFF02)
            assert reply.startswith(b"TWINRIG")
        finally:
            client.close()


def test_what_was_waited_for_is_never_called_interrupted():
    with served(BOTH, hislip=("sr830",)) as rig:
        client = Client(rig.resources["sr830"])
        try:
            for number in range(0xFFFFFF00, 0xFFFFFF10, 2):
                client.send(client.synchronous, 7, number, b"HARM 2;HARM?")
                assert client.heard(client.synchronous) == (7, number, b"2\n")
            client.send(client.asynchronous, 21, 0xFFFFFF0E)
            assert client.heard(client.asynchronous)[0] == 22
        finally:
            client.close()


def test_a_client_that_gave_a_reply_up_stays_in_step_on_both_connections():
    with served(BOTH, accelerate=1.0, hislip=("virtual-clock",)) as rig:
        clock = session(rig.resources["virtual-clock"], timeout_s=0.2)
        try:
            for _ in range(3):
                with pytest.raises(LinkError):
                    clock.query("ADVANCE 1.5")
                assert clock.query("*IDN?").startswith("TWINRIG")
                interface = clock._port._interface
                assert interface.async_status_query() == 0
            interface.device_clear()
            assert clock.query("*IDN?").startswith("TWINRIG")
        finally:
            clock.close()


def test_pyvisa_py_alone_reads_on_after_an_interruption():
    with served(BOTH, accelerate=1.0, hislip=("virtual-clock",)) as rig:
        clock = pyvisa.ResourceManager("@py").open_resource(rig.resources["virtual-clock"])
        try:
            clock.write("ADVANCE 0.3")
            assert clock.query("*IDN?").startswith("TWINRIG")
        finally:
            clock.close()


def test_a_server_that_goes_is_a_lost_link_at_once():
    with served(BOTH, hislip=BOTH) as rig:
        link = session(rig.resources["sr830"], timeout_s=20.0)
        try:
            assert link.query("*IDN?")
            rig.stop()
            begin_s = time.monotonic()
            with pytest.raises(LinkError):
                link.query("*IDN?")
            assert time.monotonic() - begin_s < 10.0
        finally:
            link.close()


def test_each_port_is_a_link_of_its_own():
    first, second = (
        "TCPIP0::127.0.0.1::hislip0,5001::INSTR",
        "TCPIP0::127.0.0.1::hislip0,5002::INSTR",
    )
    assert link_of(first) != link_of(second)
    assert link_of("TCPIP0::lab::hislip0::INSTR") == link_of("TCPIP0::lab::hislip0,4880::INSTR")


def test_an_exclusive_lock_is_one_clients():
    with served(("sr830",), hislip=("sr830",)) as rig:
        manager = pyvisa.ResourceManager("@py")
        one, other = (manager.open_resource(rig.resources["sr830"]) for _ in range(2))
        library = manager.visalib
        first, second = (library.sessions[each.session].interface for each in (one, other))
        assert first.async_lock_request(1.0) == "success"
        assert second.async_lock_request(0.1) == "failure"
        one.close()
        deadline_s = time.monotonic() + 5.0
        while second.async_lock_request(0.1) == "failure":
            assert time.monotonic() < deadline_s
        other.close()


def test_what_is_no_hislip_is_told_so_and_dropped():
    with served(("sr830",), hislip=("sr830",)) as rig:
        port = int(rig.resources["sr830"].split(",")[1].split("::")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
            link.sendall(b"*IDN?\n" + bytes(16))
            prologue, kind, code, _, _ = HEADER.unpack(link.recv(HEADER.size))
            assert (prologue, kind, code) == (b"HS", 2, 1)
            assert link.recv(1) == b""


def test_pymeasure_reaches_an_instrument_over_hislip():
    with served(("sr830",), hislip=("sr830",)) as rig:
        lockin = SR830(rig.resources["sr830"], visa_library="@py", timeout=3000)
        assert lockin.id.startswith("Stanford")
        assert len(lockin.snap("X", "Y")) == 2
        lockin.adapter.close()


def test_a_model_that_is_not_served_can_not_be_over_hislip():
    with pytest.raises(InputError, match="'sr860' is none of kepco-bop, sr830"):
        RigServer(VirtualRig(models=BOTH), hislip=("sr860",))
