"""`bench check` against instruments that misbehave on real sockets: a hint each, only queries."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
import warnings
from contextlib import contextmanager

import pytest
import pyvisa
from blocking_visa import library
from scripted import closed_port, scripted

from instruments import checks, connect
from instruments.bench_file import parse_bench
from instruments.checks import check_bench
from instruments.clock import Stop
from models.errors import StoppedError

KEPCO = b"KEPCO,BIT 4886 36-12  08-04-2023,H249977,4.04-1.82"
SR830 = b"Stanford_Research_Systems,SR830,s/n37210,ver1.07"
SOURCEMETER = b"KEITHLEY INSTRUMENTS,MODEL 2450,04312345,1.7.12b"
TIMEOUT_S = 0.3
ALLOWED = {b"*IDN?", b"*LANG?", b""}  # an empty line: the end of a probe with another line end

MAGNET = """
[magnet.x]
driver = "kepco-bop"
resource = "{x}"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 2000.0
timeout_s = {timeout_s}
"""
READOUT = """
[readout.lockin]
driver = "sr830"
resource = "{lockin}"
timeout_s = {timeout_s}
"""
DRIVE = """
[drive]
encoding = "amplitude"
low_T = 0.0022
high_T = 0.0034
[reset]
field_T = 0.0040
"""


def bench(x=None, lockin=None, more="", timeout_s=TIMEOUT_S):
    nothing = f"TCPIP0::127.0.0.1::{closed_port()}::SOCKET"
    values = {"x": x or nothing, "lockin": lockin or nothing, "timeout_s": timeout_s}
    if lockin == values["x"]:
        values["lockin"] = nothing
    text = MAGNET.format(**values) + more + READOUT.format(**values) + DRIVE
    return parse_bench(text, "a rig that misbehaves")


def check_of(x, more="", **options):
    """The check of one instrument in the supply's place."""
    spec = bench(x, more=more)
    return {one.name: one for one in check_bench(spec, **options)}["x"]


def answers(reply):
    """An instrument that answers `*IDN?`, and anything else with silence."""
    return lambda message: reply if message.strip() == b"*IDN?" else b""


LF_AS_CRLF = 'terminator = "\\r\\n"\n'
LF_AS_CR = 'terminator = "\\r"\n'

CASES = {
    # name: (what the instrument does, its key in the bench file, problem, hint)
    "replies LF, read with CR LF": (
        {"answer": answers(KEPCO + b"\n")}, LF_AS_CRLF, "did not end it", 'terminator = "\\n"'),
    "replies CR, read with LF": (
        {"answer": answers(KEPCO + b"\r")}, "", "did not end it with", 'terminator = "\\r"'),
    "replies CR LF, read with CR": (
        {"answer": answers(KEPCO + b"\r\n"), "end": b"\r"}, LF_AS_CR, "nobody asked for",
        'terminator = "\\r\\n"'),
    "hears CR LF only": (
        {"answer": answers(KEPCO + b"\r\n"), "end": b"\r\n"}, "", "with CR LF it answers",
        'terminator = "\\r\\n"'),
    "hears CR only": (
        {"answer": answers(KEPCO + b"\r"), "end": b"\r"}, "", "it answers 'KEPCO",
        'terminator = "\\r"'),
    "hears LF only, spoken to with CR": (
        {"answer": answers(KEPCO + b"\n")}, LF_AS_CR, "it answers 'KEPCO", 'terminator = "\\n"'),
    "silent": ({"answer": lambda _: b""}, "", "no answer to '*IDN?'", "says nothing, whatever"),
    "cut": ({"answer": answers(KEPCO[:20])}, "", "did not end it", "a reply that was cut"),
    "wrong model": (
        {"answer": answers(b"LSCI,MODEL643,1,1\n")}, "", "answered 'LSCI", "Lake Shore 643"),
    "no instrument": (
        {"answer": lambda _: b"HTTP/1.1 400 Bad Request\n"}, "", "answered 'HTTP", "no instrument"),
    "echoes": ({"answer": lambda m: m + b"\n"}, "", "answered '*IDN?'", "echo"),
    "TSP": (
        {"answer": lambda m: {b"*IDN?": SOURCEMETER, b"*LANG?": b"TSP"}.get(m, b"") + b"\n"}, "",
        "is in TSP mode", "Command Set"),
    "2450 that takes SCPI": (
        {"answer": lambda m: {b"*IDN?": SOURCEMETER, b"*LANG?": b"SCPI"}.get(m, b"") + b"\n"}, "",
        "answered 'KEITHLEY", "a Keithley 2450"),
    "greets": (
        {"answer": answers(KEPCO + b"\n"), "greeting": b"Welcome to port 3\r\n"}, "",
        "Welcome to port 3", "greeting"),
    "babbles": (
        {"answer": answers(KEPCO + b"\n"), "greeting": [b"+1.2E-3\n", 0.01] * 3000}, "",
        "+1.2E-3", "without being asked"),
    "telnet": (
        {"answer": answers(KEPCO + b"\n"), "greeting": b"\xff\xfd\x18\xff\xfd\x20"}, "",
        "ÿý", "telnet"),
    "hangs up": ({"answer": answers(b""), "greeting": None}, "", "hangs up", "Another program"),
    "closes when asked": ({"answer": lambda _: None}, "", "hangs up", "Another program"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_hint_for_each_way_to_misbehave_and_nothing_but_queries(name):
    instrument, key, problem, hint = CASES[name]
    with scripted(**instrument) as there:
        begin = time.monotonic()
        check = check_of(there.resource, key)
        took_s = time.monotonic() - begin
    assert not check.ok
    assert problem in check.problem
    assert hint in check.hint
    assert took_s < 20.0
    said = {part.strip() for message in there.heard for part in message.split(b"\n")}
    assert {part for one in said for part in one.split(b"\r")} <= ALLOWED
    assert there.connections <= 2  # one session; where it broke, once more


def test_a_reply_that_keeps_its_cr_is_remarked_and_works():
    def supply(message):
        said = {
            b"*IDN?": KEPCO, b"FUNC:MODE?": b"1", b"OUTP?": b"0", b"CURR?": b"0E0",
            b"VOLT?": b"4E1", b"MEAS:CURR?": b"0.0E0", b"MEAS:VOLT?": b"0E0",
            b"SYST:ERR?": b'0,"No error"',
        }  # fmt: skip
        return said.get(message, b"0") + b"\r\n"

    with scripted(supply) as there:
        check = check_of(there.resource)
    assert check.ok
    assert "CR LF" in check.problem
    assert 'terminator = "\\r\\n"' in check.hint
    assert check.identity == KEPCO.decode()


@pytest.mark.parametrize(
    ("resource", "problem", "hint"),
    [
        ("TCPIP0::127.0.0.1::{closed}::SOCKET", "nothing listens", "twinrig bench serve"),
        ("TCPIP0::127.0.0.2::{closed}::SOCKET", "nothing listens", "check the port"),
        ("TCPIP0::no-such-rig.invalid::5025::SOCKET", "no computer of that name", "host"),
        ("TCPIP0::127.0.0.1::99999::SOCKET", "its port is none", "1 to 65535"),
        ("ASRL/dev/ttyUSB-none::INSTR", "no such serial port", "bench list"),
    ],
)
def test_what_can_not_be_opened_is_said_with_what_to_do(resource, problem, hint):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # pyvisa-py forgets a socket it can't use
        check = check_of(resource.format(closed=closed_port()))
        gc.collect()
    assert problem in check.problem
    assert hint in check.hint
    assert "\n" not in check.problem


@pytest.mark.parametrize(
    ("resource", "kind"), [("GPIB0::8::INSTR", "GPIB"), ("USB0::0x05E6::0x2450::01::INSTR", "USB")]
)
def test_an_interface_without_a_backend_names_what_to_install(resource, kind):
    lacking = {"GPIB": "gpib", "USB": "usb"}[kind]
    try:
        __import__(lacking)
    except ImportError:
        check = check_of(resource)
        assert f"no way to {kind}" in check.problem
        assert "NI-VISA" in check.hint


def test_two_at_each_others_address_are_named():
    with scripted(answers(SR830 + b"\n")) as lockin, scripted(answers(KEPCO + b"\n")) as supply:
        found = check_bench(bench(x=lockin.resource, lockin=supply.resource))
    assert [one.ok for one in found] == [False, False]
    assert all("swap them" in one.hint for one in found)


HOLDER = """
import sys
from instruments import locks
locks.take(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_another_program_that_has_it_is_named():
    with scripted(answers(KEPCO + b"\n")) as there:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, there.resource],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        try:
            assert process.stdout.readline().strip() == "held"
            check = check_of(there.resource)
        finally:
            process.communicate("", timeout=10)
        assert not check.ok
        assert str(process.pid) in check.problem
        assert "Close that program" in check.hint
        assert there.heard == []


def test_silent_instruments_are_waited_for_side_by_side():
    beside = []

    def silent(_):
        beside.append(one.talking and two.talking)
        return b""

    with scripted(silent) as one, scripted(silent) as two:
        found = check_bench(bench(one.resource, two.resource))
    assert not any(check.ok for check in found)
    assert any(beside)  # one was asked while the other was still waited for


@contextmanager
def hanging(monkeypatch):
    visa = library(opens_after_s=60.0)
    monkeypatch.setattr(connect, "resource_manager", lambda: pyvisa.ResourceManager(visa))
    try:
        yield visa
    finally:
        visa.wake.set()


def test_a_library_that_hangs_is_said_in_time(monkeypatch):
    monkeypatch.setattr(checks, "PATIENCE_S", 0.2)
    with hanging(monkeypatch):
        begin = time.monotonic()
        found = check_bench(bench("GPIB0::8::INSTR"))
        assert time.monotonic() - begin < 20.0
    assert "neither an answer nor an error" in found[0].problem
    assert "unplug the adapter" in found[0].hint


def assert_stops(spec):
    stop = Stop()
    threading.Timer(0.2, stop.request).start()
    begin = time.monotonic()
    with pytest.raises(StoppedError):
        check_bench(spec, stop=stop)
    assert time.monotonic() - begin < 5.0  # two, and a busy computer


def test_stop_ends_it_within_two_seconds_where_an_instrument_is_silent():
    with scripted(lambda _: b"") as silent:
        assert_stops(bench(silent.resource, timeout_s=30.0))


def test_stop_ends_it_within_two_seconds_where_the_library_hangs(monkeypatch):
    with hanging(monkeypatch):
        assert_stops(bench("GPIB0::8::INSTR", timeout_s=30.0))
