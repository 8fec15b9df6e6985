"""The virtual PNA, by transcripts, on a spectrum that the test knows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.ieee_block import read_block
from instruments.virtual.instrument import DeviceTime
from instruments.virtual.keysight_pna import IDENTITY, KeysightPNA, TwoLines


class Ramp:
    """S21 is the frequency in GHz, and i times the number of the sweep."""

    def __init__(self) -> None:
        self.sweeps = 0

    def sweep(self, frequency_Hz):
        self.sweeps += 1
        return frequency_Hz * 1e-9 + 1j * self.sweeps


@pytest.fixture
def ramp() -> Ramp:
    return Ramp()


@pytest.fixture
def analyser(ramp) -> KeysightPNA:
    analyser = KeysightPNA(DeviceTime(), ramp)
    tell(analyser, "SENS:SWE:POIN 11", "CALC:PAR:SEL 'CH1_S21_2'")
    return analyser


def raw(analyser, message: str) -> bytes:
    analyser.receive(message.encode() + b"\n")
    return analyser.transmit()


def ask(analyser, message: str) -> str:
    reply = raw(analyser, message).decode()
    assert reply.endswith("\n")
    return reply[:-1]


def tell(analyser, *messages: str) -> None:
    for message in messages:
        assert raw(analyser, message) == b""


def trace(analyser, kind: str = "<f8") -> np.ndarray:
    found = read_block(raw(analyser, "CALC:DATA? SDATA"), b"\n")
    assert found is not None
    return np.frombuffer(found[0], kind).reshape(-1, 2)


def test_it_is_found_sweeping_with_two_traces_and_ascii(analyser):
    assert ask(analyser, "*IDN?") == IDENTITY
    assert ask(analyser, "CALC:PAR:CAT:EXT?") == '"CH1_S11_1,S11,CH1_S21_2,S21"'
    assert ask(analyser, "SENS:SWE:MODE?;:FORM?;:FORM:BORD?") == "CONT;ASC,0;NORM"
    assert ask(analyser, "CALC:DATA? SDATA").count(",") == 21


def test_a_sweep_gates_a_step_and_reading_it_again_does_not(analyser, ramp):
    tell(analyser, "FORM REAL,64", "FORM:BORD SWAP")
    assert ask(analyser, "SENS:SWE:MODE SING;*OPC?") == "+1"
    assert ramp.sweeps == 1
    assert ask(analyser, "SENS:SWE:MODE?") == "HOLD"
    np.testing.assert_allclose(trace(analyser)[:, 0], np.linspace(2, 12, 11))
    np.testing.assert_allclose(trace(analyser)[:, 1], 1.0)
    assert ramp.sweeps == 1


def test_numbers_come_as_format_and_byte_order_say(analyser):
    tell(analyser, "FORM REAL,32")
    ask(analyser, "SENS:SWE:MODE SING;*OPC?")
    np.testing.assert_allclose(trace(analyser, ">f4")[:, 0], np.linspace(2, 12, 11), rtol=1e-6)
    tell(analyser, "FORM:BORD SWAP")
    np.testing.assert_allclose(trace(analyser, "<f4")[:, 0], np.linspace(2, 12, 11), rtol=1e-6)


def test_a_group_averages(analyser, ramp):
    tell(analyser, "FORM REAL,64;:FORM:BORD SWAP", "SENS:AVER ON", "SENS:AVER:COUN 4")
    tell(analyser, "SENS:SWE:GRO:COUN 4", "SENS:AVER:CLE")
    ask(analyser, "SENS:SWE:MODE GRO;*OPC?")
    assert ramp.sweeps == 4
    np.testing.assert_allclose(trace(analyser)[:, 1], 2.5)
    tell(analyser, "SENS:AVER:CLE")
    ask(analyser, "SENS:SWE:MODE SING;*OPC?")
    np.testing.assert_allclose(trace(analyser)[:, 1], 5.0)


def test_a_point_is_averaged_within_its_sweep(analyser, ramp):
    tell(analyser, "FORM REAL,64;:FORM:BORD SWAP", "SENS:AVER ON;:SENS:AVER:COUN 4")
    tell(analyser, "SENS:AVER:MODE POIN", "SENS:BAND 10")
    seconds, start_s = float(ask(analyser, "SENS:SWE:TIME?")), analyser.time.now_s
    for sweep in (1, 2):
        ask(analyser, "SENS:SWE:MODE SING;*OPC?")
        assert ramp.sweeps == sweep
        np.testing.assert_allclose(trace(analyser)[:, 1], sweep)  # the sweep before isn't in it
    assert analyser.time.now_s - start_s == pytest.approx(2 * 4 * seconds, rel=1e-3)


def test_a_sweep_takes_its_time(analyser):
    seconds = float(ask(analyser, "SENS:SWE:TIME?"))
    assert seconds == pytest.approx(11 / 1e4, rel=0.3)
    tell(analyser, "SENS:BAND 10")
    seconds = float(ask(analyser, "SENS:SWE:TIME?"))
    start_s = analyser.time.now_s
    ask(analyser, "SENS:SWE:MODE SING;*OPC?")
    assert analyser.time.now_s - start_s == pytest.approx(seconds, rel=1e-3)
    assert seconds > 1.0


def test_a_new_axis_empties_the_trace_and_ends_stay_in_order(analyser):
    ask(analyser, "SENS:SWE:MODE SING;*OPC?")
    tell(analyser, "SENS:FREQ:STAR 1.3E10")
    assert float(ask(analyser, "SENS:FREQ:STOP?")) == 1.3e10
    assert set(ask(analyser, "CALC:DATA? SDATA").split(",")) == {"+0.00000000000E+00"}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("*RST;:CALC:DATA? SDATA", -221),
        ("CALC:PAR:SEL 'mine'", -224),
        ("SENS:FREQ:STAR 1", -222),
        ("TRIG:SOUR MAN;:SENS:SWE:MODE SING", -214),
        ("NOPE", -113),
    ],
)
def test_what_it_can_not_do_is_queued_and_not_answered(analyser, sent, code):
    tell(analyser, sent)
    assert ask(analyser, "SYST:ERR?").startswith(f"{code},")


def test_two_lines_follow_the_two_components_of_a_source():
    class Source:
        frequency_Hz, harmonic = 37.0, 2

        def gate(self):
            return 1.0e-4, -0.5e-4

        def noise(self):
            return 0.0, 0.0

    lines = TwoLines(Source(), full_signal_V=1.0e-4)
    s21 = lines.sweep(np.array([6.0e9, 8.5e9, 20e9]))
    np.testing.assert_allclose(abs(s21), [0.49, 0.505, 0.5], atol=2e-4)


@given(st.binary(max_size=200))
def test_no_bytes_can_bring_it_down(data):
    analyser = KeysightPNA(DeviceTime(), Ramp())
    analyser.receive(data + b"\n")
    analyser.transmit()
    assert ask(analyser, "*IDN?") == IDENTITY
