"""The virtual AMI 430, by transcripts: what is sent, what comes back."""

from __future__ import annotations

import pytest

from instruments.virtual.ami_430 import COOL_S, HEAT_S, IDENTITY, Ami430
from instruments.virtual.coil import CoilParameters
from instruments.virtual.instrument import DeviceTime, Port


@pytest.fixture
def magnet() -> Ami430:
    unit = Ami430(DeviceTime(), CoilParameters(tesla_per_ampere=0.1))
    assert unit.transmit() == b""
    unit.receive(b"*CLS\r\n")
    assert unit.transmit() == unit.greeting  # once, to whoever connects
    return unit


def ask(magnet: Ami430, message: str) -> str:
    magnet.receive(message.encode() + b"\r\n")
    reply = magnet.transmit().decode()
    assert reply.endswith("\r\n")
    return reply[:-2]


def tell(magnet: Ami430, *messages: str) -> None:
    for message in messages:
        magnet.receive(message.encode() + b"\r\n")
        assert magnet.transmit() == b""


def errors(magnet: Ami430) -> list[str]:
    found = []
    while (reply := ask(magnet, "SYST:ERR?")) != '0,"No errors"':
        found.append(reply.partition(",")[0])
    return found


def test_every_connection_is_greeted_with_two_lines():
    unit = Ami430(DeviceTime())
    for _ in range(2):
        port = Port(unit)
        assert port.transmit() == b"American Magnetics Model 430 IP Interface\r\nHello.\r\n"
        port.receive(b"*IDN?\r\n")
        assert port.transmit() == IDENTITY.encode() + b"\r\n"


def test_it_ramps_to_its_target_and_holds(magnet):
    tell(magnet, "CONF:CURR:TARG 1.5")
    assert ask(magnet, "CURR:TARG?") == "1.5000"
    assert ask(magnet, "STATE?") == "8"
    tell(magnet, "RAMP")
    magnet.time.advance(5.0)
    assert ask(magnet, "STATE?") == "1"
    assert float(ask(magnet, "CURR:MAG?")) == pytest.approx(0.5, abs=0.001)
    assert float(ask(magnet, "VOLT:SUPP?")) == pytest.approx(0.1 * 5.0)
    magnet.time.advance(10.1)
    assert ask(magnet, "STATE?") == "2"
    assert ask(magnet, "CURR:MAG?") == "1.5000"
    assert ask(magnet, "FIELD:MAG?") == "1.5000"  # kG: 0.1 T/A are 1 kG/A
    tell(magnet, "CONF:FIELD:UNITS 1")
    assert ask(magnet, "FIELD:MAG?") == "0.1500"
    assert ask(magnet, "COIL?") == "0.100000"


def test_pause_holds_at_once_and_ramp_goes_on(magnet):
    tell(magnet, "CONF:CURR:TARG 10", "RAMP")
    magnet.time.advance(10.0)
    tell(magnet, "PAUSE")
    magnet.time.advance(10.0)
    assert ask(magnet, "STATE?") == "3"
    assert float(ask(magnet, "CURR:MAG?")) == pytest.approx(1.0, abs=0.01)
    assert ask(magnet, "CURR:TARG?") == "10.0000"
    tell(magnet, "RAMP")
    magnet.time.advance(100.0)
    assert ask(magnet, "CURR:MAG?") == "10.0000"


def test_zero_ends_at_zero_not_holding(magnet):
    magnet.supply.jump(1.0)
    tell(magnet, "ZERO")
    assert ask(magnet, "STATE?") == "6"
    magnet.time.advance(11.0)
    assert ask(magnet, "STATE?") == "8"


@pytest.mark.parametrize(("command", "state", "end"), [("INCR", "4", 20.0), ("DECR", "5", -20.0)])
def test_incr_and_decr_run_to_the_current_limit(magnet, command, state, end):
    tell(magnet, "CONF:CURR:LIM 20", command)
    assert ask(magnet, "STATE?") == state
    magnet.time.advance(500.0)
    assert float(ask(magnet, "CURR:MAG?")) == end


def test_rates_are_told_and_answered_in_the_present_unit(magnet):
    tell(magnet, "CONF:RAMP:RATE:UNITS 1")
    assert ask(magnet, "RAMP:RATE:CURR:1?") == "6.0000,100.0000"
    tell(magnet, "CONF:RAMP:RATE:CURR 1,3,100", "CONF:RAMP:RATE:UNITS 0")
    assert ask(magnet, "RAMP:RATE:CURRENT:1?") == "0.0500,100.0000"


def test_segments_have_rates_of_their_own(magnet):
    tell(magnet, "CONF:RAMP:RATE:SEG 2", "CONF:RAMP:RATE:CURR 1,0.1,1", "CONF:CURR:TARG 2")
    assert ask(magnet, "RAMP:RATE:SEG?") == "2"
    tell(magnet, "CONF:RAMP:RATE:CURR 2,0.01,100", "RAMP")
    magnet.time.advance(20.0)
    assert float(ask(magnet, "CURR:MAG?")) == pytest.approx(1.1, abs=0.001)
    assert ask(magnet, "RAMP:RATE:CURR:2?") == "0.0100,100.0000"


def test_a_fifth_command_in_a_row_is_ignored_and_told(magnet):
    tell(magnet, "CONF:CURR:TARG 1")
    assert ask(magnet, "CURR:TARG?") == "1.0000"
    tell(magnet, *(f"CONF:CURR:TARG {value}" for value in (2, 3, 4, 5, 6)))
    assert ask(magnet, "CURR:TARG?") == "5.0000"
    assert errors(magnet) == ["-303"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("CONF:CURR:TARG 101", "-105"), ("CONF:CURR:TARG", "-104"), ("CONF:CURR:TARG x", "-102"),
        ("CONF:CURR:TARG nan", "-102"), ("CURR 1", "-101"), ("CONF:RAMP:RATE:CURR 9,1,1", "-105"),
        ("CONF:FIELD:UNITS 2", "-103"), ("PS 1", "-107"), ("CONF:RAMP:RATE:CURR 1", "-104"),
    ],
)  # fmt: skip
def test_what_it_refuses_is_told_in_its_own_words(magnet, message, code):
    tell(magnet, message)
    assert errors(magnet) == [code]


def test_an_unknown_query_has_no_answer_and_the_buffer_holds_ten(magnet):
    tell(magnet, *["CURR?"] * 12)
    assert errors(magnet) == ["-201"] * 9 + ["-304"]


def test_a_quench_dumps_the_current_and_no_ramp_starts_before_it_is_reset(magnet):
    magnet.supply.jump(50.0)
    magnet.quench()
    tell(magnet, "CONF:CURR:TARG 5", "RAMP", "PAUSE")
    magnet.time.advance(10.0)
    assert ask(magnet, "STATE?") == "7"
    assert ask(magnet, "QU?") == "1"
    assert abs(float(ask(magnet, "CURR:MAG?"))) < 0.001
    tell(magnet, "QU 0")
    assert ask(magnet, "STATE?") == "3"
    tell(magnet, "RAMP")
    assert ask(magnet, "STATE?") == "1"


def test_an_external_rampdown_goes_to_zero_whatever_it_is_told(magnet):
    magnet.supply.jump(2.0)
    magnet.external_rampdown()
    tell(magnet, "CONF:CURR:TARG 5", "RAMP", "PAUSE")
    assert ask(magnet, "STATE?") == "11"
    magnet.time.advance(60.0)
    assert ask(magnet, "STATE?") == "8"
    assert float(ask(magnet, "CURR:MAG?")) == 0.0


def test_a_switch_heats_and_cools_in_its_time_and_keeps_the_magnets_current(magnet):
    tell(magnet, "CONF:PS 1", "PS 1", "RAMP")
    assert ask(magnet, "STATE?") == "9"
    magnet.time.advance(HEAT_S)
    assert ask(magnet, "PS?") == "1"
    magnet.supply.jump(3.0)
    tell(magnet, "PS 0")
    assert ask(magnet, "STATE?") == "10"
    magnet.time.advance(COOL_S)
    assert (ask(magnet, "PERS?"), ask(magnet, "PS?"), ask(magnet, "PS:INST?")) == ("1", "0", "1")
    magnet.supply.jump(0.0)
    assert (ask(magnet, "CURR:MAG?"), ask(magnet, "CURR:SUPP?")) == ("3.0000", "0.0000")
