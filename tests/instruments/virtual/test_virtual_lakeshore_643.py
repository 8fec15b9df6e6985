"""The virtual Lake Shore 643, by transcripts, and the ramp below it."""

from __future__ import annotations

import pytest

from instruments.virtual.coil import CoilParameters
from instruments.virtual.instrument import DeviceTime
from instruments.virtual.lakeshore_643 import IDENTITY, STOP_S, LakeShore643
from instruments.virtual.ramped_supply import QUENCH_S, RampedSupply


@pytest.fixture
def unit() -> LakeShore643:
    return LakeShore643(DeviceTime())


def ask(unit: LakeShore643, message: str) -> str:
    unit.receive(message.encode() + b"\r\n")
    reply = unit.transmit().decode()
    assert reply.endswith("\r\n")
    return reply[:-2]


def test_it_names_itself_and_joins_answers_with_the_event_register(unit):
    assert ask(unit, "*IDN?") == "LSCI,MODEL643,LSA1234,1.2" == IDENTITY
    assert ask(unit, "SETI 45.8; *ESR?") == "128"  # power on, once
    assert ask(unit, "LIMIT 33.333, 4.444; *ESR?") == "0"
    assert ask(unit, "LIMIT?; *ESR?") == "33.3330,4.4440; 0"


def test_it_ramps_by_itself_and_says_when_it_is_there(unit):
    ask(unit, "RATE 2; *ESR?")
    assert ask(unit, "OPST?") == "002"
    ask(unit, "SETI 3; *ESR?")
    unit.time.advance(1.0)
    assert ask(unit, "OPST?") == "000"
    assert float(ask(unit, "RDGI?")) == pytest.approx(2.0, abs=0.01)
    assert ask(unit, "SETI?") == "+3.0000"
    unit.time.advance(1.0)
    assert ask(unit, "OPST?;RDGI?;RDGV?") == "002; +3.0000; +3.0000"
    assert ask(unit, "OPSTR?") == "002"


def test_stop_ends_a_ramp_soon_and_leaves_the_set_point(unit):
    ask(unit, "SETI 10; *ESR?")
    unit.time.advance(2.0)
    ask(unit, "STOP; *ESR?")
    unit.time.advance(5.0)
    assert float(ask(unit, "RDGI?")) == pytest.approx(2.0 + STOP_S, abs=0.01)
    assert ask(unit, "SETI?;OPST?") == "+10.0000; 002"


@pytest.mark.parametrize(
    ("message", "event"),
    [("SETI 71", 16), ("SETI x", 16), ("RATE 51", 16), ("RATE 0", 16), ("CURR 1", 32)],
)
def test_what_it_refuses_shows_in_the_event_register(unit, message, event):
    assert ask(unit, f"{message}; *ESR?") == str(128 + event)
    assert ask(unit, "SETI?;RATE?;*ESR?") == "+0.0000; 1.0000; 0"


def test_external_programming_makes_seti_do_nothing(unit):
    unit.external_A = 1.5
    ask(unit, "XPGM 1;SETI 5; *ESR?")
    unit.time.advance(10.0)
    assert float(ask(unit, "RDGI?")) == pytest.approx(1.5)
    ask(unit, "XPGM 2; *ESR?")
    unit.time.advance(10.0)
    assert float(ask(unit, "RDGI?")) == pytest.approx(6.5)


def test_its_voltage_limits_what_a_coil_can_have(unit):
    ask(unit, "RATE 50;SETI 50; *ESR?")
    unit.time.advance(2.0)
    assert ask(unit, "RDGI?;RDGV?;OPST?") == "+35.0000; +35.0000; 003"


def test_segments_change_the_rate_on_the_way(unit):
    for number, (current, rate) in enumerate([(1, 1), (2, 0.5), (70, 0.1)], 1):
        ask(unit, f"RSEGS {number}, {current}, {rate}; *ESR?")
    assert ask(unit, "RSEGS? 2") == "2.0000,0.5000"
    ask(unit, "RSEG 1;SETI 3; *ESR?")
    unit.time.advance(4.0)  # 1 s, 2 s, and 1 s at 0.1 A/s
    assert float(ask(unit, "RDGI?")) == pytest.approx(2.1, abs=0.001)


def test_a_ramps_mean_current_is_exact_through_zero_segments_and_rail():
    time = DeviceTime()
    supply = RampedSupply(time, CoilParameters(), 1.0, limit_V=1.5)
    supply.segments = [(1.0, 1.0), (10.0, 0.5)]
    supply.jump(-2.0)
    assert supply.coil.current_A == -1.5  # what 1.5 V can drive through 1 Ω
    supply.walk_to(2.0)
    time.advance(6.0)
    assert supply.follow() == pytest.approx(0.0, abs=1e-12)  # there and back are alike
    assert not supply.ramping
    assert supply.at_compliance

    whole, pieces = RampedSupply(time, CoilParameters(), 0.3), []
    parts = RampedSupply(time, CoilParameters(), 0.3)
    for one in (whole, parts):
        one.walk_to(1.0)
    for _ in range(50):
        time.advance(0.1)
        pieces.append(parts.follow() * 0.1)
    assert whole.follow() * 5.0 == pytest.approx(sum(pieces), rel=1e-12)


def test_a_superconducting_coil_takes_voltage_only_while_it_ramps_and_may_quench():
    time = DeviceTime()
    supply = RampedSupply(time, CoilParameters(inductance_H=10.0), 0.1, resistive=False)
    supply.walk_to(1.0)
    assert supply.coil.voltage_V == pytest.approx(1.0)
    time.advance(20.0)
    supply.follow()
    assert (supply.coil.current_A, supply.coil.voltage_V) == (1.0, 0.0)
    supply.quench()
    time.advance(QUENCH_S)
    supply.follow()
    assert supply.coil.current_A == pytest.approx(0.3679, abs=1e-4)
    supply.recover()
    assert supply.demand_A == supply.coil.current_A
