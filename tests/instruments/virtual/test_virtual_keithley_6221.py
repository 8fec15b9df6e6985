"""The virtual 6221, by transcripts, on a source of known signal and known noise."""

from __future__ import annotations

import pytest
from beside import Steady
from hypothesis import given
from hypothesis import strategies as st

from instruments.virtual.instrument import DeviceTime
from instruments.virtual.keithley_6221 import IDENTITY, Keithley6221


def unit_of(source: Steady) -> Keithley6221:
    return Keithley6221(source._time, source)


@pytest.fixture
def source() -> Steady:
    return Steady(DeviceTime())


@pytest.fixture
def unit(source) -> Keithley6221:
    return unit_of(source)


def raw(unit, message: str) -> bytes:
    unit.receive(message.encode() + b"\n")
    return unit.transmit()


def ask(unit, message: str) -> str:
    reply = raw(unit, message).decode()
    assert reply.endswith("\n")
    return reply[:-1]


def tell(unit, *messages: str) -> None:
    for message in messages:
        assert raw(unit, message) == b""


READY = (":SOUR:DELT:HIGH 2E-3", ":SOUR:DELT:COUN 3", "TRAC:POIN 3", "TRAC:FEED:CONT NEXT")


def test_a_run_fills_the_buffer_and_takes_device_time(unit, source):
    tell(unit, *READY, ":SOUR:DELT:DEL 0.1", ":FORM:ELEM READ", ":SOUR:DELT:ARM")
    assert ask(unit, ":SOUR:DELT:ARM?;:OUTP?") == "1;1"
    start_s = unit.time.now_s
    tell(unit, ":INIT:IMM")
    assert unit.time.now_s - start_s == pytest.approx(5 * 0.12, abs=1e-3)
    assert source.gates == 1
    assert ask(unit, ":TRAC:POIN:ACT?") == "3"
    volts = [float(one) for one in ask(unit, ":TRAC:DATA?").split(",")]
    assert volts == pytest.approx([1.0e-4] * 3)  # 5e-5 V at 1 mA, twice
    assert float(ask(unit, ":SENS:DATA?")) == volts[-1]


def test_readings_have_a_time_beside_them_until_it_is_left_out_and_ohms_where_asked(unit):
    tell(unit, *READY, ":UNIT OHMS", "SOUR:DELT:ARM", "INIT")
    fields = [float(one) for one in ask(unit, ":TRAC:DATA?").split(",")]
    assert fields[::2] == pytest.approx([0.05] * 3)
    assert fields[1::2] == pytest.approx([0.0, 0.022, 0.044])


def test_an_abort_disarms_and_leaves_the_output_on(unit):
    tell(unit, *READY, "SOUR:DELT:ARM", "INIT", "SOUR:SWE:ABOR")
    assert ask(unit, "SOUR:DELT:ARM?;:OUTP?") == "0;1"
    assert len(ask(unit, "TRAC:DATA?").split(",")) == 6
    tell(unit, "SENS:DATA?")
    assert ask(unit, "SYST:ERR?").startswith("-221,")
    tell(unit, "OUTP OFF")
    assert ask(unit, "OUTP?") == "0"


def test_the_low_current_follows_the_high_one(unit):
    tell(unit, "SOUR:DELT:HIGH 5E-3")
    assert float(ask(unit, "SOUR:DELT:LOW?")) == -5e-3


def test_a_voltage_beyond_the_range_overflows_and_compliance_holds_it_below(unit, source):
    source.signal_V = (0.05, 0.0)
    tell(unit, "FORM:ELEM READ", "TRAC:POIN 1", "SOUR:DELT:COUN 1", "SOUR:DELT:HIGH 4E-3")
    tell(unit, "TRAC:FEED:CONT NEXT", "SOUR:DELT:ARM", "INIT")
    assert float(ask(unit, "TRAC:DATA?")) == 9.9e37
    tell(unit, "SOUR:SWE:ABOR", "SOUR:CURR:COMP 0.1", "TRAC:FEED:CONT NEXT", "SOUR:DELT:ARM")
    tell(unit, "INIT")
    assert float(ask(unit, "TRAC:DATA?")) == 0.1


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("NOPE", -113),
        ("INIT", -213),
        ("SOUR:DELT:HIGH 0.2", -222),
        ("SOUR:DELT:LOW 1E-3", -222),
        ("SOUR:DELT:ARM;:SOUR:DELT:HIGH 1E-3", -221),
        ("SOUR:DELT:ARM;:SOUR:CURR:COMP 5", -221),
        ("TRAC:DATA?", -230),
    ],
)
def test_what_it_can_not_do_is_queued_and_not_answered(unit, sent, code):
    tell(unit, sent)
    assert ask(unit, ":SYST:ERR?").startswith(f"{code},")
    assert ask(unit, ":SYST:ERR?").startswith("0,")


def test_without_a_nanovoltmeter_it_does_not_arm(unit):
    unit.voltmeter = False
    assert ask(unit, "SOUR:DELT:NVPR?") == "0"
    tell(unit, "SOUR:DELT:ARM")
    assert ask(unit, "SOUR:DELT:ARM?;:OUTP?") == "0;0"


def test_reset_switches_off(unit):
    tell(unit, *READY, "SOUR:DELT:ARM", "*RST")
    assert ask(unit, "OUTP?;:SOUR:DELT:ARM?;:SOUR:DELT:COUN?") == "0;0;65536"


@given(st.binary(max_size=200))
def test_no_bytes_can_bring_it_down(data):
    unit = unit_of(Steady(DeviceTime()))
    unit.receive(data + b"\n")
    unit.transmit()
    assert ask(unit, "*IDN?") == IDENTITY
