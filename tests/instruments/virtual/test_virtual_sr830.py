"""The virtual SR830, by transcripts, on a source of known signal and known noise."""

from __future__ import annotations

import math

import pytest
from beside import Steady
from hypothesis import given
from hypothesis import strategies as st

from instruments.virtual.instrument import DeviceTime
from instruments.virtual.sr830 import IDENTITY, SR830
from instruments.virtual.sr830_buffer import CAPACITY
from instruments.virtual.sr830_signal import SENSITIVITY_V, TIME_CONSTANT_S


@pytest.fixture
def source() -> Steady:
    return Steady(DeviceTime())


@pytest.fixture
def lockin(source) -> SR830:
    return SR830(source._time, source)


def ask(lockin: SR830, message: str) -> str:
    lockin.receive(message.encode() + b"\n")
    reply = lockin.transmit().decode()
    assert reply.endswith("\n")
    return reply[:-1]


def tell(lockin: SR830, *messages: str) -> None:
    for message in messages:
        lockin.receive(message.encode() + b"\n")
        assert lockin.transmit() == b""


def settle(lockin: SR830) -> list[float]:
    tell(lockin, "OFLT 5")  # 3 ms: a gate of 27 ms leaves nothing of what was before
    ask(lockin, "SNAP? 1,2")
    return [float(value) for value in ask(lockin, "SNAP? 1,2").split(",")]


def test_it_names_itself(lockin):
    assert ask(lockin, "*IDN?") == IDENTITY
    assert "SR830" in IDENTITY


def test_it_is_found_on_the_second_harmonic_of_the_rotation_with_the_signal_at_half_scale(lockin):
    names = ("HARM?", "FREQ?", "FMOD?", "SENS?", "OFLT?", "OFSL?", "OUTX?")
    assert [ask(lockin, name) for name in names] == ["2", "37", "0", "15", "6", "0", "1"]
    assert SENSITIVITY_V[15] == 2.0e-4
    assert TIME_CONSTANT_S[6] == 1.0e-2


def test_the_tables_are_the_manuals():
    assert len(SENSITIVITY_V) == 27
    assert SENSITIVITY_V[0] == 2e-9
    assert SENSITIVITY_V[26] == 1.0
    assert len(TIME_CONSTANT_S) == 20
    assert TIME_CONSTANT_S[0] == 1e-5
    assert TIME_CONSTANT_S[19] == 3e4


@pytest.mark.parametrize(
    "name",
    ["SENS", "OFLT", "OFSL", "HARM", "RSLP", "ISRC", "ICPL", "IGND", "ILIN", "RMOD", "SYNC"],
)
def test_an_index_setting_reads_back(lockin, name):
    tell(lockin, f"{name} 1")
    assert ask(lockin, f"{name}?") == "1"
    tell(lockin, f"{name}0" if name != "HARM" else "HARM3")
    assert ask(lockin, f"{name}?") == ("0" if name != "HARM" else "3")


@pytest.mark.parametrize(
    ("sent", "question", "answer"),
    [
        ("PHAS 12.5", "PHAS?", "12.5"),
        ("PHAS 270", "PHAS?", "-90"),
        ("SLVL 0.25", "SLVL?", "0.25"),
        ("FMOD 1;FREQ 1234.5", "FREQ?", "1234.5"),
        ("AUXV 2,-3.5", "AUXV? 2", "-3.5"),
        ("LOCL 1", "LOCL?", "1"),
    ],
)
def test_a_value_setting_reads_back(lockin, sent, question, answer):
    tell(lockin, sent)
    assert ask(lockin, question) == answer
    assert ask(lockin, "*ESR?") == "128"  # nothing but power on


@pytest.mark.parametrize(
    ("sent", "bit"),
    [
        ("NOPE 1", 32),
        ("NOPE?", 32),
        ("SENS 27", 16),
        ("SENS 1.5", 16),
        ("SENS x", 32),
        ("OFLT -1", 16),
        ("FREQ 100", 16),  # the reference is outside
        ("HARM 19999;FMOD 1;FREQ 100000;HARM 5", 16),
        ("SNAP? 1", 32),
        ("SNAP? 1,2,3,4,9,10,11", 32),
        ("SNAP? 1,12", 16),
        ("OUTP? 5", 16),
        ("OUTP?", 32),
        ("AUXV 1,11", 16),
        ("TRCA? 1,0,1", 16),  # nothing stored
    ],
)
def test_what_it_can_not_do_sets_a_status_bit_and_is_not_answered(lockin, sent, bit):
    tell(lockin, "*CLS", sent)
    assert int(ask(lockin, "*ESR?")) & bit
    assert ask(lockin, "*ESR?") == "0"


def test_replies_go_to_the_port_that_outx_names(lockin):
    tell(lockin, "OUTX 0", "*IDN?", "SENS?")
    tell(lockin, "OUTX 1")
    assert ask(lockin, "SENS?") == "15"


def test_every_query_of_a_message_answers_with_its_own_terminator(lockin):
    lockin.receive(b"SENS?;OFLT 7;OFLT?;HARM?\r\n")
    assert lockin.transmit() == b"15\n7\n2\n"


def test_snap_gates_and_outp_shows_what_the_gate_left(lockin, source):
    x, y = settle(lockin)
    gates = source.gates
    assert (x, y) == pytest.approx((5.0e-5, -2.0e-5), rel=1e-3)
    assert ask(lockin, "OUTP? 1") == f"{x:.7g}"
    assert ask(lockin, "OUTP?2") == f"{y:.7g}"
    assert source.gates == gates
    values = [float(v) for v in ask(lockin, "SNAP? 1,2,3,4,9,10").split(",")]
    assert source.gates == gates + 1
    assert values[2] == pytest.approx(math.hypot(values[0], values[1]), rel=1e-5)
    assert values[3] == pytest.approx(math.degrees(math.atan2(values[1], values[0])), rel=1e-5)
    assert values[4] == 37.0
    assert values[5] == values[0]


def test_the_filter_leaves_exp_of_minus_gate_over_time_constant(lockin, source):
    settle(lockin)
    tell(lockin, "OFLT 6")
    source.signal_V = (0.0, 0.0)
    x = float(ask(lockin, "SNAP? 1,2").split(",")[0])
    assert x == pytest.approx(5.0e-5 * math.exp(-1 / 37 / 0.01), rel=1e-3)


def test_a_steeper_slope_is_slower(lockin, source):
    tell(lockin, "OFLT 7", "OFSL 3")
    slow = float(ask(lockin, "SNAP? 1,2").split(",")[0])
    assert slow == pytest.approx(5.0e-5 * (1 - math.exp(-1 / 37 / 0.03)) ** 4, rel=1e-3)


def test_noise_is_added_behind_the_filter(lockin, source):
    settle(lockin)
    source.noise_V = (3.0e-7, -1.0e-7)
    x, y = (float(value) for value in ask(lockin, "SNAP? 1,2").split(","))
    assert (x, y) == pytest.approx((5.03e-5, -2.01e-5), rel=1e-4)


def test_the_wrong_harmonic_or_reference_sees_no_signal(lockin):
    tell(lockin, "HARM 1")
    assert settle(lockin) == pytest.approx((0.0, 0.0), abs=1e-9)
    tell(lockin, "HARM 2", "FMOD 1", "FREQ 100")
    assert settle(lockin) == pytest.approx((0.0, 0.0), abs=1e-9)


def test_the_reference_phase_turns_x_into_y(lockin):
    tell(lockin, "PHAS 90")
    assert settle(lockin) == pytest.approx((-2.0e-5, -5.0e-5), rel=1e-3)


def test_auto_phase_puts_the_signal_into_x(lockin):
    settle(lockin)
    tell(lockin, "APHS")
    x, y = settle(lockin)
    assert x == pytest.approx(math.hypot(5.0e-5, 2.0e-5), rel=1e-3)
    assert y == pytest.approx(0.0, abs=1e-8)


def test_auto_gain_takes_the_smallest_range_that_fits(lockin):
    settle(lockin)
    tell(lockin, "AGAN")
    assert SENSITIVITY_V[int(ask(lockin, "SENS?"))] == 1.0e-4 / 2


def test_too_sensitive_a_range_clips_and_latches_output_overload_until_it_is_read(lockin):
    assert ask(lockin, "LIAS?") == "0"
    tell(lockin, "SENS 12")  # 20 µV
    x, y = settle(lockin)
    assert (x, y) == pytest.approx((1.09 * 2.0e-5, -2.0e-5), rel=1e-3)
    tell(lockin, "LIAE 4")
    assert int(ask(lockin, "*STB?")) & 8
    assert ask(lockin, "LIAS? 2") == "1"
    assert ask(lockin, "LIAS?") == "0"


def test_a_signal_beyond_the_reserve_overloads_the_input(lockin):
    tell(lockin, "RMOD 2", "SENS 10")  # low noise; 5 µV
    settle(lockin)
    assert int(ask(lockin, "LIAS?")) & 1


def test_reset_is_the_factorys_not_the_benchs(lockin):
    tell(lockin, "*RST")
    assert [ask(lockin, name) for name in ("HARM?", "FREQ?", "SENS?", "OFLT?")] == [
        *("1", "1000", "26", "8"),
    ]


def test_behind_a_reset_the_buffer_fills_as_its_settings_say(lockin, source):
    tell(lockin, "SRAT 10", "SEND 0", "TSTR 1", "*RST")
    assert not source.watched
    assert [ask(lockin, name) for name in ("SRAT?", "SEND?", "TSTR?")] == ["4", "1", "0"]
    tell(lockin, "STRT")
    lockin.time.advance(5.0)  # at 1 Hz
    assert ask(lockin, "SPTS?") == "5"


# ---- buffers


def test_the_buffer_fills_in_device_time_and_each_value_ends_in_a_comma(lockin, source):
    x, _ = settle(lockin)
    tell(lockin, "SRAT 7", "REST", "STRT")  # 8 Hz
    assert not int(ask(lockin, "*STB?")) & 1
    lockin.time.advance(1.0)
    assert ask(lockin, "SPTS?") == "8"
    assert ask(lockin, "TRCA? 1,6,2") == f"{x:.7g},{x:.7g},"
    tell(lockin, "PAUS")
    lockin.time.advance(1.0)
    assert ask(lockin, "SPTS?") == "8"
    tell(lockin, "REST")
    assert ask(lockin, "SPTS?") == "0"


def test_the_buffer_holds_each_output_for_as_long_as_it_stood(lockin, source):
    x, _ = settle(lockin)
    tell(lockin, "SRAT 4", "REST", "STRT")  # 1 Hz
    lockin.time.advance(2.5)
    source.signal_V = (1.0e-5, 0.0)
    lockin.receive(b"SNAP? 1,2\n")
    new = lockin.transmit().decode().split(",")[0]
    lockin.time.advance(1.0)
    assert ask(lockin, "TRCA?1,0,3") == f"{x:.7g},{x:.7g},{new},"
    assert ask(lockin, "TRCA?2,0,1").endswith(",")


@pytest.mark.parametrize(("mode", "running"), [(0, "3"), (1, "2")])
def test_a_full_buffer_stops_or_loops(lockin, mode, running):
    tell(lockin, f"SEND {mode}", "SRAT 13", "STRT")
    lockin.time.advance(CAPACITY / 512 + 5.0)
    assert ask(lockin, "SPTS?") == str(CAPACITY)
    assert ask(lockin, "*STB?") == running


def test_a_triggered_buffer_takes_one_point_a_trigger(lockin):
    tell(lockin, "SRAT 14", "STRT", "TRIG", "TRIG")
    lockin.time.advance(10.0)
    assert ask(lockin, "SPTS?") == "2"


@given(st.binary(max_size=200))
def test_no_bytes_can_bring_it_down(data):
    source = Steady(DeviceTime())
    lockin = SR830(source._time, source)
    lockin.receive(data + b"\n")
    lockin.transmit()
    tell(lockin, "OUTX 1")
    assert ask(lockin, "*IDN?") == IDENTITY


def test_aux_input_1_sees_a_closed_contact_until_a_hand_opens_it(lockin):
    assert ask(lockin, "OAUX? 1") == "5"
    lockin.aux_in_V[0] = 0.02
    assert ask(lockin, "OAUX? 1") == "0.02"
    assert ask(lockin, "SNAP? 1,5").split(",")[1] == "0.02"


def test_the_other_aux_inputs_are_wired_to_the_aux_outputs(lockin):
    assert ask(lockin, "OAUX? 2") == "0"
    tell(lockin, "AUXV 2,3.3")
    assert ask(lockin, "OAUX? 2") == "3.3"
    assert ask(lockin, "OAUX? 3") == "0"
