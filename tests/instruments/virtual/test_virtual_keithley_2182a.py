"""The virtual 2182A, by transcripts, on a source of known signal and known noise."""

from __future__ import annotations

import pytest
from beside import Steady
from hypothesis import given
from hypothesis import strategies as st

from instruments.virtual.instrument import DeviceTime
from instruments.virtual.keithley_2182a import IDENTITY, Keithley2182A


@pytest.fixture
def source() -> Steady:
    return Steady(DeviceTime())


@pytest.fixture
def meter(source) -> Keithley2182A:
    return Keithley2182A(source._time, source)


def raw(meter, message: str) -> bytes:
    meter.receive(message.encode() + b"\n")
    return meter.transmit()


def ask(meter, message: str) -> str:
    reply = raw(meter, message).decode()
    assert reply.endswith("\n")
    return reply[:-1]


def tell(meter, *messages: str) -> None:
    for message in messages:
        assert raw(meter, message) == b""


def test_it_is_found_measuring_continuously(meter, source):
    assert ask(meter, "*IDN?") == IDENTITY
    assert ask(meter, ":INIT:CONT?") == "1"
    tell(meter, ":READ?")
    assert ask(meter, ":SYST:ERR?") == '-213,"Init ignored"'
    assert source.gates == 0


def test_read_gates_a_step_and_fetch_repeats_it(meter, source):
    tell(meter, ":INIT:CONT OFF", ":FETC?")
    assert ask(meter, "SYST:ERR?") == '-230,"Data corrupt or stale"'
    volts = float(ask(meter, ":READ?"))
    assert volts == pytest.approx(5.0e-5)
    assert source.gates == 1
    assert float(ask(meter, ":FETC?")) == volts
    assert float(ask(meter, "SENSE:DATA?")) == volts
    assert source.gates == 1


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ("SENS:VOLT:NPLC 5", 0.2),
        ("SENS:VOLT:NPLC 5;:SYST:AZER OFF", 0.1),
        ("SENS:VOLT:NPLC 5;CHAN1:DFIL:STAT ON;COUN 10;TCON REP", 2.0),
        ("SENS:VOLT:NPLC 5;CHAN1:DFIL:STAT ON;COUN 10;TCON MOV", 0.2),
        ("SENS:VOLT:NPLC 5;:SENS:VOLT:CHAN1:LPAS ON", 0.325),
        ("SENS:VOLT:NPLC 0.01;:SYST:AZER OFF", 1 / 37),  # the device's step takes longer
    ],
)
def test_a_reading_takes_device_time(meter, settings, seconds):
    tell(meter, "INIT:CONT OFF", settings)
    assert ask(meter, "SYST:ERR?") == '0,"No error"'
    start_s = meter.time.now_s
    ask(meter, "READ?")
    assert meter.time.now_s - start_s == pytest.approx(seconds + meter.processing_s)


def test_autorange_follows_and_a_fixed_range_overflows(meter, source):
    tell(meter, "INIT:CONT 0")
    source.signal_V = (0.5, 0.0)
    assert float(ask(meter, "READ?")) == pytest.approx(0.5)
    assert float(ask(meter, "SENS:VOLT:RANG?")) == 1.0
    tell(meter, "SENS:VOLT:CHAN1:RANG 0.09")
    assert ask(meter, "SENSE:VOLTAGE:DC:CHANNEL1:RANGE?;:SENS:VOLT:RANG:AUTO?") == "0.100000;0"
    assert float(ask(meter, "READ?")) == 9.9e37
    source.signal_V = (-0.5, 0.0)
    assert float(ask(meter, "READ?")) == -9.9e37


def test_channel_2_has_settings_of_its_own_and_nothing_on_it(meter, source):
    tell(meter, "INIT:CONT 0", "SENS:CHAN 2", "SENS:VOLT:CHAN2:RANG 1", "SENS:VOLT:CHAN2:LPAS 1")
    assert ask(meter, "SENS:VOLT:CHAN1:LPAS?;:SENS:VOLT:CHAN2:LPAS?") == "0;1"
    assert float(ask(meter, "READ?")) == 0.0
    assert source.gates == 0


def test_a_filter_averages_the_noise(meter, source):
    tell(meter, "INIT:CONT 0", "SENS:VOLT:DFIL:COUN 100", "SENS:VOLT:DFIL:STAT ON")
    source.noise_V = (1.0e-6, 0.0)
    assert float(ask(meter, "READ?")) == pytest.approx(5.01e-5)


def test_a_reference_is_subtracted(meter, source):
    tell(meter, "INIT:CONT 0")
    ask(meter, "READ?")
    tell(meter, "SENS:VOLT:CHAN1:REF:ACQ", "SENS:VOLT:CHAN1:REF:STAT ON")
    assert float(ask(meter, "READ?")) == pytest.approx(0.0, abs=1e-12)


def test_the_function_is_answered_in_full_however_it_was_set(meter):
    tell(meter, ":SENS:FUNC 'TEMP'", ":SENS:FUNC 'VOLT'")
    assert ask(meter, ":SENS:FUNC?") == '"VOLT:DC"'


def test_several_samples_come_in_one_line(meter, source):
    tell(meter, "INIT:CONT 0", "SAMP:COUN 3")
    assert len(ask(meter, "READ?").split(",")) == 3
    assert source.gates == 3


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("NOPE", -113),
        ("SENS:VOLT:NPLC 51", -222),
        ("SENS:VOLT:NPLC x", -104),
        ("SENS:VOLT:CHAN2:RANG 20", -222),
        ("TRIG:SOUR NEVER", -224),
        ("INIT:CONT OFF;:TRIG:SOUR BUS;:READ?", -214),
    ],
)
def test_what_it_can_not_do_is_queued_and_not_answered(meter, sent, code):
    tell(meter, sent)
    assert ask(meter, ":SYST:ERR?").startswith(f"{code},")
    assert ask(meter, ":SYST:ERR?").startswith("0,")


def test_reset_is_one_shot_with_the_filters_on(meter):
    tell(meter, "*RST")
    names = ("INIT:CONT?", "SENS:VOLT:NPLC?", "SENS:VOLT:DFIL?", "SENS:VOLT:LPAS?")
    assert [ask(meter, name) for name in names] == ["0", "5.00", "1", "1"]


@given(st.binary(max_size=200))
def test_no_bytes_can_bring_it_down(data):
    source = Steady(DeviceTime())
    meter = Keithley2182A(source._time, source)
    meter.receive(data + b"\n")
    meter.transmit()
    assert ask(meter, "*IDN?") == IDENTITY
