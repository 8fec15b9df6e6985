"""The virtual 34465A, by transcripts, on a source of known signal and known noise."""

from __future__ import annotations

import numpy as np
import pytest
from beside import Steady
from hypothesis import given
from hypothesis import strategies as st

from instruments.virtual.instrument import DeviceTime
from instruments.virtual.keysight_34465a import IDENTITY, Keysight34465A


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


@pytest.mark.parametrize("way", ["READ?", "FETC?"])
def test_a_burst_waits_for_the_triggers_delay(meter, way):
    tell(meter, "SAMP:COUN 10", "SAMP:SOUR TIM", "SAMP:TIM 0.1", "TRIG:DEL 2")
    start_s = meter.time.now_s
    if way == "FETC?":
        tell(meter, "INIT")
        meter.time.advance(1.5)
        assert ask(meter, "DATA:POIN?") == "+0"
    ask(meter, way)
    assert meter.time.now_s - start_s >= 3.0


def test_the_shortest_interval_follows_from_integration_and_autozero(meter):
    shortest = float(ask(meter, "SAMP:TIM? MIN"))
    tell(meter, "VOLT:DC:NPLC 1")
    assert float(ask(meter, "SAMP:TIM? MIN")) == pytest.approx(0.02, rel=1e-2)
    tell(meter, "VOLT:ZERO:AUTO ON")
    assert float(ask(meter, "SAMP:TIM? MIN")) == pytest.approx(0.04, rel=1e-2)
    tell(meter, f"SAMP:TIM {shortest}")
    assert ask(meter, "SYST:ERR?").startswith("-222")


@pytest.mark.parametrize("cycles", ["0.001", "0.02", "0.06", "1", "10"])
def test_the_shortest_interval_that_it_answers_is_one_that_it_takes(meter, cycles):
    tell(meter, f"VOLT:DC:NPLC {cycles}", "VOLT:ZERO:AUTO ON")
    shortest = ask(meter, "SAMP:TIM? MIN")
    tell(meter, f"SAMP:TIM {float(shortest):.6f}")
    assert ask(meter, "SAMP:TIM?") == shortest


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


def volts(block: str) -> np.ndarray:
    """The readings of `R?`'s block."""
    digits = int(block[1])
    text = block[2 + digits :]
    assert len(text) == int(block[2 : 2 + digits])
    return np.array([float(part) for part in text.split(",")]) if text else np.empty(0)


def timed(meter, count: int = 1000) -> None:
    tell(meter, f"SAMP:COUN {count}", "SAMP:SOUR TIM", "SAMP:TIM 1e-3")


def test_a_burst_that_was_begun_runs_beside_other_messages_and_is_aborted_with_its_readings(meter):
    timed(meter)
    tell(meter, "INIT")
    meter.time.advance(0.1)
    assert ask(meter, "DATA:POIN?") == "+100"
    meter.time.advance(0.05)
    tell(meter, "ABOR")
    meter.time.advance(1.0)
    assert ask(meter, "DATA:POIN?") == "+150"
    assert volts(ask(meter, "R? 100")).size == 100
    assert volts(ask(meter, "R?")).size == 50
    assert volts(ask(meter, "R?")).size == 0
    assert ask(meter, "DATA:POIN?") == "+0"


def test_it_stops_by_itself_where_it_is_complete(meter):
    timed(meter, 20)
    tell(meter, "INIT")
    meter.time.advance(5.0)
    assert ask(meter, "DATA:POIN?") == "+20"
    assert ask(meter, "FETC?").count(",") == 19


def test_readings_can_be_removed_while_it_samples(meter):
    timed(meter)
    tell(meter, "INIT")
    meter.time.advance(0.1)
    assert volts(ask(meter, "R? 30")).size == 30
    meter.time.advance(0.1)
    assert ask(meter, "DATA:POIN?") == "+170"
    tell(meter, "ABOR")
    assert volts(ask(meter, "R?")).size == 170


def test_each_gate_of_a_list_is_a_wave_from_its_begin_on(meter, source):
    gate_ns = round(1e9 / 37)
    timed(meter)
    tell(meter, "INIT")
    source.listed = [(100_000_000 + gate_ns, (1e-3, 0.0)), (200_000_000 + gate_ns, (0.0, -2e-3))]
    meter.time.advance(0.3)
    tell(meter, "ABOR")
    found = volts(ask(meter, "R?"))
    angle = 2 * np.pi * 2 * 37 * np.arange(300) * 1e-3
    np.testing.assert_allclose(found[:100], 0.0, atol=1e-12)
    np.testing.assert_allclose(found[100:200], 1e-3 * np.cos(angle[:100]), atol=1e-9)
    np.testing.assert_allclose(found[200:], -2e-3 * np.sin(angle[:100]), atol=1e-9)
    assert source.gates == 0
    assert not source.watched


@pytest.mark.parametrize(("slope", "begin_s"), [("POS", 0.03), ("NEG", 0.01)])
def test_an_edge_at_ext_trig_starts_it(meter, slope, begin_s):
    timed(meter)
    tell(meter, "TRIG:SOUR EXT", f"TRIG:SLOP {slope}", "TRIG:DEL 0.005", "INIT")
    assert ask(meter, "DATA:POIN?") == "+0"
    meter.trigger_in = lambda since_ns: [(10_000_000, False), (30_000_000, True)]
    meter.time.advance(0.1 - meter.time.now_s)
    tell(meter, "ABOR")
    count = int(ask(meter, "DATA:POIN?"))
    assert count == pytest.approx(1e3 * (0.1 - begin_s - 0.005), abs=1)


def test_a_delay_that_is_set_ends_the_automatic_one(meter):
    tell(meter, "TRIG:DEL:AUTO ON")
    assert ask(meter, "TRIG:DEL:AUTO?") == "1"
    tell(meter, "TRIG:DEL 0")
    assert ask(meter, "TRIG:DEL:AUTO?") == "0"
