"""The virtual Lake Shore 336: a coil that warms with I² and cools again; inputs that are open."""

from __future__ import annotations

import math

import pytest

from instruments.virtual.coil import CoilHeat
from instruments.virtual.lakeshore_336 import ROOM_K
from instruments.virtual.rig import VirtualRig

MODELS = ("kepco-bop", "sr830", "lakeshore-336")


@pytest.fixture
def rig():
    return VirtualRig("leaky-integrator", MODELS)


def ask(rig, message, key="lakeshore-336"):
    port = rig.connect(key)
    port.receive(message.encode() + b"\n")
    return port.transmit().decode().removesuffix("\r\n")


def kelvin(rig, letter="A"):
    return float(ask(rig, f"KRDG? {letter}"))


def heated(rig, current_A, seconds):
    rig.connect("kepco-bop").receive(f"OUTP ON;CURR {current_A}\n".encode())
    rig.time.advance(seconds)


def test_a_cold_coil_shows_the_room():
    assert ask(VirtualRig("leaky-integrator", MODELS), "KRDG? A;RDGST? A") == "+295.000;000"


@pytest.mark.parametrize("current_A", [2.0, -8.0, 11.0])
def test_it_rises_with_the_square_of_the_current_and_relaxes(rig, current_A):
    heated(rig, current_A, 3600.0)
    rise_K = CoilHeat.kelvin_per_A2 * current_A**2
    assert kelvin(rig) == pytest.approx(ROOM_K + rise_K, abs=0.01)
    heated(rig, 0.0, CoilHeat.relax_s)
    assert kelvin(rig) == pytest.approx(ROOM_K + rise_K / math.e, rel=1e-3)


def test_reading_often_changes_nothing(rig):
    other = VirtualRig("leaky-integrator", MODELS)
    for one in (rig, other):
        heated(one, 6.0, 0.0)
    for _ in range(100):
        kelvin(rig)
        rig.time.advance(1.0)
    other.time.advance(rig.time.now_s - other.time.now_s)
    assert kelvin(rig) == pytest.approx(kelvin(other), abs=0.01)


def test_an_open_input_says_so_and_shows_zero(rig):
    assert ask(rig, "KRDG? C") == "+0.00000"
    assert ask(rig, "RDGST? C") == "129"


def test_a_hand_breaks_a_sensor_and_warms_the_room(rig):
    thermometer = rig.instruments["lakeshore-336"]
    thermometer.room_K = 333.0
    assert kelvin(rig) == 333.0
    thermometer.broken["A"] = 64
    assert ask(rig, "RDGST? A") == "064"
    assert kelvin(rig) == 0.0


def test_two_supplies_have_an_input_each():
    rig = VirtualRig("leaky-integrator", ("kepco-bop", "kepco-bop", *MODELS[1:]))
    heated(rig, 10.0, 600.0)
    assert kelvin(rig, "A") > ROOM_K + 20
    assert kelvin(rig, "B") == ROOM_K


def test_wrong_commands_are_counted_and_answer_nothing(rig):
    assert ask(rig, "*ESR?") == "128"
    assert ask(rig, "KRDG? E") == ""
    assert ask(rig, "*ESR?") == "16"
    assert ask(rig, "SETP 1,300") == ""
    assert ask(rig, "*ESR?") == "32"
    assert ask(rig, "*CLS;*ESR?") == "0"


def test_it_changes_no_draw_of_the_device():
    with_it = VirtualRig("nanoring", MODELS, seed=3)
    without = VirtualRig("nanoring", MODELS[:2], seed=3)
    for rig in (with_it, without):
        rig.connect("kepco-bop").receive(b"OUTP ON;CURR 7\n")
    for _ in range(20):
        assert ask(with_it, "SNAP? 1,2", "sr830") == ask(without, "SNAP? 1,2", "sr830")


def test_an_alarm_rings_at_its_bounds_and_a_relay_follows_it(rig):
    ask(rig, "ALARM A,1,320,290,0,0,1,1;RELAY 1,2,A,1;RELAY 2,2,A,0")
    states = "ALARMST? A;RELAYST? 1;RELAYST? 2"
    assert ask(rig, states) == "0,0;0;0"
    heated(rig, 11.0, 3600.0)
    assert ask(rig, states) == "1,0;1;0"
    heated(rig, 0.0, 3600.0)
    assert ask(rig, states) == "0,0;0;0"
    rig.instruments["lakeshore-336"].room_K = 280.0
    assert ask(rig, states) == "0,1;0;1"
    assert ask(rig, "ALARM? A;RELAY? 1") == "1,+320.000,+290.000,+0.00000,0,1,1;2,A,1"


def test_an_alarm_that_latches_rings_until_it_is_reset(rig):
    ask(rig, "ALARM A,1,320,0,0,1,0,0")
    heated(rig, 11.0, 3600.0)
    assert ask(rig, "ALARMST? A") == "1,0"
    heated(rig, 0.0, 3600.0)
    assert ask(rig, "ALARMST? A") == "1,0"
    assert ask(rig, "ALMRST;ALARMST? A") == "0,0"


def test_an_alarm_that_makes_no_sense_is_refused(rig):
    ask(rig, "*ESR?")
    for wrong in (
        "ALARM A,1,320",
        "ALARM E,1,320,0,0,0,0,0",
        "ALARM A,1,inf,0,0,0,0,0",
        "RELAY 3,2,A,1",
        "RELAYST? 9",
    ):
        assert ask(rig, f"{wrong};*ESR?") == "16"
