"""The virtual SR860, by transcripts, on a source of known signal and known noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from beside import Steady
from hypothesis import given
from hypothesis import strategies as st

from instruments.virtual.instrument import DeviceTime
from instruments.virtual.sr860 import IDENTITY, SR860
from instruments.virtual.sr860_signal import INPUT_RANGE_V, SENSITIVITY_V, TIME_CONSTANT_S


@pytest.fixture
def source() -> Steady:
    return Steady(DeviceTime())


@pytest.fixture
def lockin(source) -> SR860:
    return SR860(source._time, source)


def raw(lockin: SR860, message: str) -> bytes:
    lockin.receive(message.encode() + b"\n")
    return lockin.transmit()


def ask(lockin: SR860, message: str) -> str:
    reply = raw(lockin, message).decode()
    assert reply.endswith("\n")
    return reply[:-1]


def tell(lockin: SR860, *messages: str) -> None:
    for message in messages:
        assert raw(lockin, message) == b""


def numbers(reply: str) -> list[float]:
    return [float(part) for part in reply.split(",")]


def settle(lockin: SR860) -> list[float]:
    tell(lockin, "OFLT 7")  # 3 ms: a gate of 27 ms leaves nothing of what was before
    ask(lockin, "SNAP? 0,1")
    return numbers(ask(lockin, "SNAP? X, Y"))


def test_it_is_found_on_the_second_harmonic_with_the_signal_at_half_scale(lockin):
    assert ask(lockin, "*IDN?") == IDENTITY
    names = ("HARM?", "FREQ?", "RSRC?", "SCAL?", "OFLT?", "OFSL?", "IRNG?")
    assert [ask(lockin, name) for name in names] == ["2", "37", "1", "11", "8", "0", "4"]
    assert SENSITIVITY_V[11] == 2.0e-4
    assert TIME_CONSTANT_S[8] == 1.0e-2
    assert INPUT_RANGE_V[4] == 0.01


def test_the_tables_are_the_manuals():
    assert len(SENSITIVITY_V) == 28
    assert (SENSITIVITY_V[0], SENSITIVITY_V[27]) == (1.0, 1e-9)
    assert len(TIME_CONSTANT_S) == 22
    assert (TIME_CONSTANT_S[0], TIME_CONSTANT_S[21]) == (1e-6, 3e4)


def test_a_line_of_several_queries_answers_in_one_line(lockin):
    assert raw(lockin, "SCAL?;OFLT 9;OFLT?;HARM?") == b"11;9;2\n"


def test_parameters_are_counted_from_zero_or_named(lockin, source):
    x, y = settle(lockin)
    gates = source.gates
    assert (x, y) == pytest.approx((5.0e-5, -2.0e-5), rel=1e-3)
    assert float(ask(lockin, "OUTP? 0")) == x
    assert float(ask(lockin, "OUTP? Y")) == y
    assert float(ask(lockin, "OUTP? 2")) == pytest.approx(math.hypot(x, y), rel=1e-6)
    assert source.gates == gates
    assert len(numbers(ask(lockin, "SNAP? 0,1,3"))) == 3
    assert source.gates == gates + 1
    tell(lockin, "CDSP 2,16")
    assert numbers(ask(lockin, "SNAPD?"))[2] == 37.0


@pytest.mark.parametrize(
    ("sent", "question", "answer"),
    [
        ("PHAS 12.5", "PHAS?", "12.5"),
        ("PHAS 270", "PHAS?", "-90"),
        ("SLVL 250 mV", "SLVL?", "0.25"),
        ("RSRC 0;FREQ 1.5kHz", "FREQ?", "1500"),
        ("RSRC 0;FREQ 1.2345e+03", "FREQINT?", "1234.5"),
        ("AUXV 1,-3.5", "AUXV? 1", "-3.5"),
        ("SCAL 27", "SCAL?", "27"),
        ("OFLT 21", "OFLT?", "21"),
    ],
)
def test_a_setting_reads_back(lockin, sent, question, answer):
    tell(lockin, sent)
    assert ask(lockin, question) == answer
    assert ask(lockin, "*ESR?") == "128"  # nothing but power on


@pytest.mark.parametrize(
    ("sent", "bit"),
    [
        ("NOPE 1", 32),
        ("SENS 5", 32),  # the SR830's name for it
        ("SCAL 28", 16),
        ("SCAL x", 32),
        ("FREQ 100", 16),  # the reference is outside
        ("FREQ 1 apple", 32),
        ("SNAP? 0", 32),
        ("SNAP? 0,1,2,3", 32),
        ("OUTP? 17", 16),
        ("OUTP? Q", 32),
        ("HARM 100", 16),
        ("CAPTURESTART ONE", 32),
        ("CAPTURESTART ONE,SAMP", 16),
        ("CAPTUREGET? 0,2", 16),  # nothing captured
        ("CAPTURELEN 4097", 16),
    ],
)
def test_what_it_can_not_do_sets_a_status_bit_and_is_not_answered(lockin, sent, bit):
    tell(lockin, "*CLS", sent)
    assert int(ask(lockin, "*ESR?")) & bit
    assert ask(lockin, "*ESR?") == "0"


def test_the_filter_leaves_exp_of_minus_gate_over_time_constant(lockin, source):
    settle(lockin)
    tell(lockin, "OFLT 8")
    source.signal_V = (0.0, 0.0)
    x = numbers(ask(lockin, "SNAP? 0,1"))[0]
    assert x == pytest.approx(5.0e-5 * math.exp(-1 / 37 / 0.01), rel=1e-3)


def test_the_wrong_harmonic_sees_no_signal_and_phase_turns_it(lockin):
    tell(lockin, "HARM 1")
    assert settle(lockin) == pytest.approx((0.0, 0.0), abs=1e-9)
    tell(lockin, "HARM 2", "PHAS 90")
    assert settle(lockin) == pytest.approx((-2.0e-5, -5.0e-5), rel=1e-3)
    tell(lockin, "APHS")
    assert settle(lockin) == pytest.approx((math.hypot(5.0e-5, 2.0e-5), 0.0), rel=1e-3, abs=1e-9)


def test_the_sensitivity_overloads_the_outputs_and_leaves_the_numbers(lockin):
    tell(lockin, "SCAL 14")  # 20 µV
    assert settle(lockin) == pytest.approx((5.0e-5, -2.0e-5), rel=1e-3)
    assert ask(lockin, "LIAS?") == "1"
    assert ask(lockin, "LIAS?") == "0"
    tell(lockin, "ASCL")
    assert SENSITIVITY_V[int(ask(lockin, "SCAL?"))] == 1.0e-4


def test_a_signal_beyond_the_input_range_is_clipped_and_told(lockin, source):
    source.signal_V = (0.03, 0.0)
    x, _ = settle(lockin)
    assert x == pytest.approx(0.01 / math.sqrt(2), rel=1e-3)
    assert int(ask(lockin, "LIAS?")) & 16
    tell(lockin, "IRNG 2")
    assert settle(lockin)[0] == pytest.approx(0.03, rel=1e-3)


def test_reset_is_the_factorys_not_the_benchs(lockin):
    tell(lockin, "*RST")
    names = ("HARM?", "FREQ?", "SCAL?", "RSRC?")
    assert [ask(lockin, name) for name in names] == ["1", "1000", "0", "0"]


def test_a_reset_ends_a_capture_which_no_list_gates_the_device_for(lockin, source):
    tell(lockin, "CAPTURESTART ONE, IMM", "*RST")
    assert not source.watched


# ---- capture


def block(lockin: SR860, message: str) -> np.ndarray:
    reply = raw(lockin, message)
    digits = int(reply[1:2])
    size = int(reply[2 : 2 + digits])
    assert len(reply) == 2 + digits + size  # no terminator behind a block
    return np.frombuffer(reply[2 + digits :], "<f4")


def test_a_capture_holds_each_output_for_as_long_as_it_stood(lockin, source):
    x, y = settle(lockin)
    fastest = float(ask(lockin, "CAPTURERATEMAX?"))
    tell(lockin, "CAPTURECFG XY", "CAPTURELEN 3", "CAPTURERATE 10", "CAPTURESTART ONE,IMM")
    rate = float(ask(lockin, "CAPTURERATE?"))
    assert rate == pytest.approx(fastest / 1024)
    assert ask(lockin, "CAPTURELEN?") == "4"  # even
    lockin.time.advance(100 / rate)
    source.signal_V = (1.0e-5, 0.0)
    ask(lockin, "SNAP? 0,1")
    lockin.time.advance(1000 / rate)
    assert ask(lockin, "CAPTURESTAT?") == "2"  # full: it has ended by itself
    assert ask(lockin, "CAPTUREBYTES?") == "4096"
    samples = block(lockin, "CAPTUREGET? 0,4").reshape(-1, 2)
    assert samples.shape == (512, 2)
    np.testing.assert_allclose(samples[:100], [[x, y]] * 100, rtol=1e-6)
    np.testing.assert_allclose(samples[-100:, 0], 1.0e-5, rtol=1e-2)


def test_a_stopped_capture_is_filled_up_with_zeros_to_whole_blocks(lockin):
    settle(lockin)
    tell(lockin, "CAPTURECFG 0", "CAPTURELEN 8", "CAPTURERATE 10", "CAPTURESTART ONE, IMM")
    assert ask(lockin, "CAPTURESTAT?") == "3"
    tell(lockin, "CAPTUREGET? 0,2")  # not while it runs
    lockin.time.advance(30 / float(ask(lockin, "CAPTURERATE?")))
    tell(lockin, "CAPTURESTOP")
    count = int(ask(lockin, "CAPTUREBYTES?")) // 4
    assert 30 <= count <= 31  # the queries took time, too
    samples = block(lockin, "CAPTUREGET? 0,2")
    assert samples.size == 512
    assert np.count_nonzero(samples) == count
    assert ask(lockin, "CAPTUREPROG?") == "2"


def test_a_capture_that_begins_anew_has_no_gate_of_before(lockin, source):
    tell(lockin, "CAPTURECFG X", "CAPTURELEN 8", "CAPTURERATE 10", "CAPTURESTART ONE, IMM")
    lockin.time.advance(1.0)
    source.listed = [(500_000_000, (1.0e-5, 0.0))]
    tell(lockin, "CAPTURESTART ONE, IMM")
    lockin.time.advance(30 / float(ask(lockin, "CAPTURERATE?")))
    assert 30 <= int(ask(lockin, "CAPTUREBYTES?")) // 4 <= 31


def test_a_continuous_capture_wraps(lockin):
    settle(lockin)
    tell(lockin, "CAPTURECFG X", "CAPTURELEN 2", "CAPTURERATE 10", "CAPTURESTART CONT,IMM")
    lockin.time.advance(600 / float(ask(lockin, "CAPTURERATE?")))
    assert int(ask(lockin, "CAPTURESTAT?")) == 7
    tell(lockin, "CAPTURESTOP")
    assert block(lockin, "CAPTUREGET? 0,2").size == 512


@given(st.binary(max_size=200))
def test_no_bytes_can_bring_it_down(data):
    source = Steady(DeviceTime())
    lockin = SR860(source._time, source)
    lockin.receive(data + b"\n")
    lockin.transmit()
    assert ask(lockin, "*IDN?") == IDENTITY
