"""The virtual 34465A, by transcripts, on a source of known signal and known noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.virtual.instrument import DeviceTime
from instruments.virtual.keysight_34465a import IDENTITY, Keysight34465A


class Steady:
    frequency_Hz = 37.0
    harmonic = 2

    def __init__(self, device_time: DeviceTime) -> None:
        self.signal_V = (5.0e-5, -2.0e-5)
        self.gates = 0
        self._time = device_time

    def gate(self) -> tuple[float, float]:
        self.gates += 1
        self._time.advance(1 / 37)
        return self.signal_V

    def noise(self) -> tuple[float, float]:
        return 0.0, 0.0


@pytest.fixture
def source() -> Steady:
    return Steady(DeviceTime())


@pytest.fixture
def meter(source) -> Keysight34465A:
    return Keysight34465A(source._time, source)


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


def test_it_names_itself_and_its_errors(meter):
    assert ask(meter, "*IDN?") == IDENTITY
    tell(meter, "FETC?")
    assert ask(meter, "SYST:ERR?") == '-230,"Data corrupt or stale"'


def test_a_burst_over_one_rotation_has_the_signal_at_the_second_harmonic(meter, source):
    tell(meter, "SAMP:COUN 54", "SAMP:SOUR TIM", f"SAMP:TIM {1 / 37 / 54:.9f}")
    burst = np.array([float(part) for part in ask(meter, "READ?").split(",")])
    assert burst.shape == (54,)
    angle = 2 * np.pi * 2 * np.arange(54) / 54
    np.testing.assert_allclose(burst, 5e-5 * np.cos(angle) - 2e-5 * np.sin(angle), atol=1e-9)
    assert source.gates == 1
    assert ask(meter, "FETC?").count(",") == 53
    assert source.gates == 1


def test_a_burst_takes_as_long_as_its_samples(meter):
    tell(meter, "SAMP:COUN 10", "SAMP:SOUR TIM", "SAMP:TIM 0.1")
    start_s = meter.time.now_s
    ask(meter, "READ?")
    assert meter.time.now_s - start_s == pytest.approx(1.0, abs=1e-3)


def test_the_shortest_interval_follows_from_integration_and_autozero(meter):
    shortest = float(ask(meter, "SAMP:TIM? MIN"))
    tell(meter, "VOLT:DC:NPLC 1")
    assert float(ask(meter, "SAMP:TIM? MIN")) == pytest.approx(0.02, rel=1e-2)
    tell(meter, "VOLT:ZERO:AUTO ON")
    assert float(ask(meter, "SAMP:TIM? MIN")) == pytest.approx(0.04, rel=1e-2)
    tell(meter, f"SAMP:TIM {shortest}")
    assert ask(meter, "SYST:ERR?").startswith("-222")


def test_a_bus_trigger_is_a_deadlock_for_read_and_works_with_init(meter, source):
    tell(meter, "TRIG:SOUR BUS", "READ?")
    assert ask(meter, "SYST:ERR?").startswith("-214")
    tell(meter, "*TRG")
    assert ask(meter, "SYST:ERR?").startswith("-213")
    tell(meter, "SAMP:COUN 3", "INIT", "FETC?")
    assert ask(meter, "SYST:ERR?").startswith("-230")
    tell(meter, "*TRG")
    assert len(ask(meter, "FETC?").split(",")) == 3
    assert ask(meter, "DATA:POIN?") == "+3"
    assert source.gates == 1


def test_a_fixed_range_turns_autorange_off_and_overloads(meter, source):
    tell(meter, "VOLT:RANG:AUTO ON")
    source.signal_V = (0.5, 0.0)
    assert float(ask(meter, "READ?")) == pytest.approx(0.5)
    tell(meter, "SENS:VOLT:DC:RANG 0.05")
    assert ask(meter, "VOLT:RANG?;RANG:AUTO?") == "+1.00000000E-01;0"
    assert float(ask(meter, "READ?")) == 9.9e37


def test_more_samples_than_its_memory_holds_are_an_error_and_no_answer(meter):
    tell(meter, "SAMP:COUN 50001", "READ?")
    assert ask(meter, "SYST:ERR?").startswith("-223")


def test_a_setting_clears_the_memory(meter):
    ask(meter, "READ?")
    tell(meter, "SAMP:COUN 2", "FETC?")
    assert ask(meter, "SYST:ERR?").startswith("-230")


def test_reset_is_ten_power_line_cycles_with_autozero(meter):
    tell(meter, "*RST")
    assert ask(meter, "VOLT:NPLC?;ZERO:AUTO?;:VOLT:RANG:AUTO?") == "+1.00000000E+01;1;1"


@given(st.binary(max_size=200))
def test_no_bytes_can_bring_it_down(data):
    source = Steady(DeviceTime())
    meter = Keysight34465A(source._time, source)
    meter.receive(data + b"\n")
    meter.transmit()
    assert ask(meter, "*IDN?") == IDENTITY
