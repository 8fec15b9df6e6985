"""GPIB behind a Prologix adapter: a run, long blocks, late replies, a lost adapter, one lock."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import pyvisa
from pymeasure.adapters import PrologixAdapter
from pymeasure.instruments import keithley, kepco, srs
from scripted import ScriptedInstrument
from served import served
from watched import until

from instruments import locks
from instruments.bench import Bench
from instruments.boards import bus_address, underlying
from instruments.checks import check_bench
from instruments.clock import Stop
from instruments.drivers.keysight_pna import KeysightPNA
from instruments.link_errors import LinkError
from instruments.virtual.faults import FaultScript, fault
from instruments.virtual.rig import VirtualRig
from instruments.virtual.server import RigServer
from instruments.visa import VisaSession, resource_manager
from models.errors import InputError, StoppedError

BOTH = ("kepco-bop", "sr830")


def session(rig, key, **options) -> VisaSession:
    return VisaSession(
        rig.resources[key],
        rm=resource_manager(),
        name="unit",
        stop=options.pop("stop", None) or Stop(),
        board=rig.adapter,
        **options,
    )


def readings(prologix) -> np.ndarray:
    """Five steps on a rig of one seed."""
    with served(BOTH, prologix=prologix) as rig:
        spec = rig.spec()
        assert {bool(one.board) for one in spec.instruments} == {bool(prologix)}
        with Bench.connect(spec) as bench:
            bench.energise()
            bench.reset_device(spec.reset, spec.window)
            values = [bench.step(t, spec.window).values for t in np.linspace(2.2e-3, 3.4e-3, 5)]
            bench.verify()
        assert any(data.startswith(b"OUTP OFF") for data in rig.sent())
    return np.array(values)


def test_a_run_behind_an_adapter_reads_what_one_over_sockets_reads():
    np.testing.assert_array_equal(readings(BOTH), readings(()))


def test_a_message_comes_as_the_driver_sends_it_whatever_the_adapter_takes_for_itself():
    with served(BOTH, prologix=BOTH) as rig:
        link = session(rig, "sr830")
        try:
            link.write("PHAS +12.5")
            assert link.number("PHAS?") == 12.5
        finally:
            link.close()
        assert b"PHAS +12.5\n" in rig.sent("sr830")


def test_a_block_of_any_bytes_comes_whole_and_what_follows_is_in_step():
    with served(("keysight-pna",), prologix=("keysight-pna",)) as rig:
        link = session(rig, "keysight-pna")
        options = {"points": 2000, "start_Hz": 4e9, "stop_Hz": 1e10, "quantity": "magnitude"}
        analyser = KeysightPNA("analyser", link, options)
        try:
            analyser.prepare()
            begin_s = time.monotonic()
            for _ in range(5):
                assert analyser.read().shape == (2000,)
            assert time.monotonic() - begin_s < 10.0
            assert analyser.faults() == ()
        finally:
            analyser.close()


def test_a_reading_that_takes_longer_than_the_adapter_listens_is_asked_for_anew():
    with served(BOTH, prologix=BOTH, faults=late("sr830", 0.7)) as rig:
        link = session(rig, "sr830", timeout_s=3.0)
        try:
            assert link.query("SENS?") == "15"
            assert link.query("OFLT?") == "6"
        finally:
            link.close()


def late(key: str, seconds: float, kind: str = "late") -> FaultScript:
    return FaultScript([fault(key, 0, kind, seconds=seconds)])


def test_a_reply_that_comes_too_late_is_not_taken_for_another():
    with served(BOTH, prologix=BOTH, faults=late("sr830", 0.9)) as rig:
        link, other = session(rig, "sr830", timeout_s=0.3), session(rig, "kepco-bop")
        try:
            with pytest.raises(LinkError, match="no answer to 'SENS\\?'"):
                link.query("SENS?")
            assert other.query("*IDN?").startswith("KEPCO")
            time.sleep(0.8)
            assert link.query("OFLT?") == "6"
            assert other.query("OUTP?") == "0"
        finally:
            link.close()
            other.close()


def test_an_instrument_that_is_silent_holds_the_bus_up_for_half_a_second_only():
    with served(BOTH, prologix=BOTH, faults=late("sr830", 30.0, "silence")) as rig:
        stop = Stop()
        link = session(rig, "sr830", timeout_s=20.0, stop=stop)
        other = session(rig, "kepco-bop", timeout_s=5.0)
        try:
            threading.Timer(0.3, stop.request).start()
            begin_s = time.monotonic()
            with pytest.raises(StoppedError):
                link.query("SENS?")
            assert other.query("*IDN?").startswith("KEPCO")
            assert time.monotonic() - begin_s < 10.0  # not for the 20 s that it may take
        finally:
            link.close()
            other.close()


def test_threads_of_one_board_never_hear_each_others_replies():
    with served(BOTH, prologix=BOTH) as rig:
        links = [session(rig, key) for key in BOTH]
        wrong: list[str] = []

        def ask(link, expected):
            for _ in range(100):
                reply = link.query("*IDN?")
                if not reply.startswith(expected):
                    wrong.append(reply)

        threads = [
            threading.Thread(target=ask, args=pair)
            for pair in zip(links, ("KEPCO", "Stanford"), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for link in links:
            link.close()
        assert wrong == []


def test_an_adapter_that_goes_is_a_lost_link_for_all_behind_it():
    with served(BOTH, prologix=BOTH) as rig:
        links = [session(rig, key, timeout_s=20.0) for key in BOTH]
        try:
            assert all(link.query("*IDN?") for link in links)
            rig.stop()
            begin_s = time.monotonic()
            for link in links:
                with pytest.raises(LinkError):
                    link.query("*IDN?")
            assert time.monotonic() - begin_s < 10.0
        finally:
            for link in links:
                link.close()


def test_the_adapter_is_one_connection_and_goes_with_its_last_instrument():
    with served(BOTH, prologix=BOTH) as rig:
        first, second = (session(rig, key) for key in BOTH)
        assert first._link is second._link
        adapter = first._link.adapter
        assert re.match("Prologix GPIB-ETHERNET", adapter.version)
        first.close()
        assert not adapter.broken
        assert second.query("*IDN?")
        second.close()
        assert adapter.broken


OWNER = """
import sys
from instruments import locks
locks.take(sys.argv[1], board=sys.argv[2] or None)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("way", ["another instrument of the board", "the adapter itself"])
def test_an_adapter_is_one_programs(way):
    with served(BOTH, prologix=BOTH) as rig:
        bare = underlying(rig.adapter)
        taken = (rig.resources["sr830"], rig.adapter) if "another" in way else (bare, "")
        owner = subprocess.Popen(
            [sys.executable, "-c", OWNER, *taken],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert owner.stdout.readline() == "held\n"
            with pytest.raises(locks.LinkInUseError, match=f"process {owner.pid}"):
                session(rig, "kepco-bop")
        finally:
            owner.kill()
            owner.communicate()
        session(rig, "kepco-bop").close()


def test_what_is_no_adapter_is_said_in_the_check():
    other = ScriptedInstrument(lambda message: b"?\n" if message == b"++ver" else b"")
    wrong = other.resource.replace("TCPIP0", "PRLGX-TCPIP0").replace("SOCKET", "INTFC")
    try:
        with served(BOTH, prologix=BOTH) as rig:
            checks = {one.name: one for one in check_bench(rig.spec((rig.adapter, wrong)))}
            assert not checks["lockin"].ok
            assert "answers '?' to '++ver': no GPIB adapter" in checks["lockin"].problem
            assert "[board]" in checks["lockin"].hint
            assert all(one.name in ("x", "lockin") for one in checks.values())
    finally:
        other.close()


def test_nobody_at_a_gpib_address_is_said_with_what_to_check():
    with served(BOTH, prologix=BOTH) as rig:
        there = f'"{rig.resources["sr830"]}"'
        spec = rig.spec((there, '"GPIB0::29::INSTR"\ntimeout_s = 0.3'))
        checks = {one.name: one for one in check_bench(spec)}
        assert not checks["lockin"].ok
        assert "GPIB address" in checks["lockin"].hint
        assert checks["x"].ok


OPENING = [
    b"++savecfg 0", b"++auto 0", b"++mode 1", b"++eoi 1", b"++eos 3", b"++read_tmo_ms 300",
    b"++eot_char 4", b"++eot_enable 1", b"++ver",
]  # fmt: skip


def as_adapter(replies):
    """A script that answers `++ver`, and `++read eoi` by one reply after another."""
    left = list(replies)

    def answer(line):
        if line == b"++ver":
            return b"Prologix GPIB-ETHERNET Controller version 01.06.06.00\r\n"
        return left.pop(0) if line == b"++read eoi" else b""

    return answer


def test_an_instrument_that_takes_no_connection_is_off_the_bus_meanwhile():
    faults = FaultScript([fault("sr830", 1, "dropped", seconds=1.0)])

    def answers(link):
        try:
            return "SR830" in link.query("*IDN?")
        except LinkError:
            return False

    with served(BOTH, faults=faults, prologix=BOTH) as rig:
        lockin = session(rig, "sr830", timeout_s=0.3)
        try:
            assert answers(lockin)
            with pytest.raises(LinkError, match="no answer"):
                lockin.query("*IDN?")
            until(lambda: answers(lockin))
        finally:
            lockin.close()


def test_what_an_adapter_hears_byte_by_byte():
    adapter = ScriptedInstrument(as_adapter([b"+1.5\r\n\x04", b"#15ab\x04c\n\r\n", b"7\r\n\x04"]))
    board = adapter.resource.replace("TCPIP0", "PRLGX-TCPIP0").replace("SOCKET", "INTFC")
    first, second = (
        VisaSession(
            f"GPIB0::{address}::INSTR", rm=resource_manager(), name="unit", stop=Stop(),
            board=board, read_termination="\r\n", write_termination=end,
        )
        for address, end in (("12", "\r\n"), ("9::1", "\n"))
    )  # fmt: skip
    try:
        first.write("SETI +1")
        assert first.number("X?") == 1.5
        assert second.query_block("CURV?") == b"ab\x04c\n"
        assert second.query("Y?") == "7"
    finally:
        first.close()
        second.close()
        adapter.close()
    assert adapter.heard == [
        *OPENING,
        b"++addr 12", b"SETI \x1b+1\x1b\r\x1b", b"",
        b"X?\x1b\r\x1b", b"", b"++read eoi",
        b"++addr 9 97", b"CURV?\x1b", b"", b"++eot_enable 0", b"++read eoi", b"++eot_enable 1",
        b"Y?\x1b", b"", b"++read eoi",
    ]  # fmt: skip
    assert adapter.connections == 1


def test_an_adapter_that_takes_other_commands_is_refused():
    def answer(line):
        if line == b"++ver":
            return b"GPIBUSB 5.0\r\n"
        return b"Unrecognized command\r\n" if b"eot_char" in line else b""

    adapter = ScriptedInstrument(answer)
    board = adapter.resource.replace("TCPIP0", "PRLGX-TCPIP0").replace("SOCKET", "INTFC")
    try:
        with pytest.raises(LinkError, match=r"\(GPIBUSB 5.0\) answers 'Unrecognized command'"):
            VisaSession(
                "GPIB0::5::INSTR", rm=resource_manager(), name="unit", stop=Stop(), board=board
            )
    finally:
        adapter.close()


def test_a_telnet_like_listener_is_no_adapter():
    instrument = ScriptedInstrument(lambda message: b"")
    try:
        board = instrument.resource.replace("TCPIP0", "PRLGX-TCPIP0").replace("SOCKET", "INTFC")
        with pytest.raises(LinkError, match="doesn't answer '\\+\\+ver'"):
            VisaSession(
                "GPIB0::5::INSTR", rm=resource_manager(), name="unit", stop=Stop(), board=board
            )
        assert instrument.heard[-1] == b"++ver"
    finally:
        instrument.close()


BENCH = [
    ('resource = "TCPIP0::h::1234::SOCKET"', "no GPIB adapter's name"),
    ('resource = "PRLGX-TCPIP0::h::1234::INTFC"\nspeed = 9600', "unknown key 'speed'"),
    ("", "resource is missing"),
]


@pytest.mark.parametrize(("table", "problem"), BENCH)
def test_a_board_that_can_not_be_is_named(table, problem):
    with served(BOTH) as rig, pytest.raises(InputError, match=problem):
        rig.spec(("[reset]", f"[board.gpib]\n{table}\n\n[reset]"))


def test_two_boards_of_one_number_and_an_adapter_that_is_an_instrument_too():
    first = 'resource = "PRLGX-TCPIP0::h::1234::INTFC"'
    with served(BOTH) as rig:
        sr830 = rig.resources["sr830"].replace("TCPIP0", "PRLGX-TCPIP0")
        second = f'resource = "{sr830.replace("SOCKET", "INTFC")}"'
        with pytest.raises(InputError) as caught:
            rig.spec(("[reset]", f"[board.a]\n{first}\n[board.b]\n{second}\n\n[reset]"))
        assert "GPIB0 is PRLGX-TCPIP0::h::1234::INTFC already" in str(caught.value)
        assert "is board GPIB0's already" in str(caught.value)


def test_one_gpib_instrument_in_two_spellings_is_one():
    with served(BOTH, prologix=BOTH) as rig:
        with pytest.raises(InputError, match="is x's already"):
            rig.spec((rig.resources["sr830"], "GPIB::1"))
        with pytest.raises(InputError, match="from 0 to 30"):
            rig.spec((rig.resources["sr830"], "GPIB0::31::INSTR"))


@pytest.mark.parametrize(
    ("adapter", "resource"),
    [
        ("PRLGX-TCPIP0::10.0.0.9::1234::INTFC", "TCPIP0::10.0.0.9::1234::SOCKET"),
        ("PRLGX-TCPIP::gpib.lab::INTFC", "TCPIP0::gpib.lab::1234::SOCKET"),
        ("PRLGX-ASRL0::/dev/ttyUSB0::INTFC", "ASRL/dev/ttyUSB0::INSTR"),
        ("PRLGX-ASRL1::COM3::INTFC", "ASRL3::INSTR"),
    ],
)
def test_an_adapter_is_the_socket_or_serial_port_that_any_visa_opens(adapter, resource):
    assert underlying(adapter) == resource
    assert locks.link_of(adapter) == locks.link_of(resource)
    assert locks.link_of("GPIB0::8::INSTR", adapter) == locks.link_of(resource)


def test_a_secondary_address_goes_as_the_bus_has_it():
    assert bus_address("GPIB0::9::INSTR") == "9"
    assert bus_address("GPIB0::9::0::INSTR") == "9 96"


def test_pyvisa_py_and_pymeasure_reach_an_instrument_behind_the_served_adapter():
    with served(BOTH, prologix=BOTH) as rig:
        manager = pyvisa.ResourceManager("@py")
        board = manager.open_resource(rig.adapter)
        try:
            lockin = srs.SR830(rig.resources["sr830"], visa_library="@py", timeout=3000)
            assert lockin.id.startswith("Stanford")
            assert len(lockin.snap("X", "Y")) == 2
            assert lockin.adapter.connection.read_stb() == 0
            lockin.adapter.close()
        finally:
            board.close()


def test_pymeasures_own_adapter_class_reaches_three_instruments_behind_it():
    models = (*BOTH, "keithley-2182a")
    with served(models, prologix=models) as rig:
        ends = {"read_termination": "\n", "write_termination": "\n"}
        board = PrologixAdapter(underlying(rig.adapter), 1, visa_library="@py", **ends)
        try:
            supply, lockin = kepco.KepcoBOP3612(board), srs.SR830(board.gpib(2))
            meter = keithley.Keithley2182(board.gpib(3))
            for _ in range(2):
                assert supply.id.startswith("KEPCO")
                assert lockin.id.startswith("Stanford")
                assert "2182A" in meter.id
            assert supply.output_enabled is False
        finally:
            board.close()


def test_models_go_one_way_each():
    rig = VirtualRig(models=BOTH)
    with pytest.raises(InputError, match="'sr860' is none of kepco-bop, sr830"):
        RigServer(rig, prologix=("sr860",))
    with pytest.raises(InputError, match="'sr830' can't be both"):
        RigServer(rig, hislip=("sr830",), prologix=("sr830",))
    with pytest.raises(InputError, match="no GPIB instrument"):
        RigServer(rig, prologix=("virtual-clock",))


def test_device_time_is_waited_for_through_the_adapter():
    with served(BOTH, accelerate=math.inf, prologix=BOTH) as rig:
        checks = check_bench(rig.spec())
        assert all(one.ok and f"behind {rig.adapter}" in one.found for one in checks)
