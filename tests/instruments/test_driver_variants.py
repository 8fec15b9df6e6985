"""Models that a driver serves beside the one it is named after: identity, limits, transcripts.

Those of the 34465A are in `test_driver_truevolt_buffer` and `test_driver_keysight_34465a`.
"""

from __future__ import annotations

import pytest
from scripted import transcript

from instruments.drivers.danfysik_8500 import Danfysik8500
from instruments.drivers.lakeshore_336 import LakeShore336
from instruments.drivers.lakeshore_643 import LakeShore643
from instruments.drivers.sr860 import SR860
from instruments.protocols import SensorError

SR865A = (b"*IDN?", b"Stanford_Research_Systems,SR865A,001234,v1.53")
MODEL_335 = (b"*IDN?", b"LSCI,MODEL335,LSA11E1/#######,1.3")
MODEL_648 = (b"*IDN?", b"LSCI,MODEL648,LSA1234,1.1")


def test_an_sr865a_is_read_and_captures_as_an_sr860():
    with transcript(
        SR865A, (b"IVMD?", b"0"), (b"LIAS?", b"0"), (b"ERRS?", b"0"), (b"*ESR?", b"0"),
        (b"SNAP? 0,1,1", b"1.5e-05,-2e-06,-2e-06"), (b"CAPTURERATEMAX?", b"9765.62"),
        (b"CAPTURESTOP", b""), (b"CAPTURERATEMAX?", b"9765.62"), (b"CAPTURECFG 1", b""),
        (b"CAPTURELEN 4096", b""), (b"CAPTURERATE 4", b""), (b"CAPTURERATE?", b"610.352"),
        (b"CAPTURECFG?", b"1"), (b"CAPTURELEN?", b"4096"), (b"CAPTURESTART ONE, IMM", b""),
        (b"CAPTUREBYTES?", b"1600"), (b"CAPTURESTOP", b""),
    ) as session:  # fmt: skip
        lockin = SR860("lockin", session, {"channels": ("X", "Y")})
        lockin.prepare()
        assert lockin.read().tolist() == [1.5e-5, -2e-6]
        lockin.buffer.arm(lockin.buffer.rates_Hz[-5])
        lockin.buffer.start()
        assert lockin.buffer.count() == 200
        lockin.buffer.stop()


def test_a_648_has_the_rating_and_the_accuracy_of_a_larger_supply():
    with transcript(
        MODEL_648, (b"LIMIT?; *ESR?", b"135.1000,50.0000; 0"),
        (b"LIMIT?; *ESR?", b"135.1000,50.0000; 0"), (b"RATE 25.0000; *ESR?", b"0"),
        (b"RATE?; *ESR?", b"25.0000; 0"), (b"SETI 95.0000; *ESR?", b"0"),
        (b"SETI?; *ESR?", b"95.0000; 0"),
    ) as session:  # fmt: skip
        supply = LakeShore643("x", session, {})
        supply.identify()
        assert (supply.rated_current_A, supply.rated_voltage_V) == (135.1, 75.0)
        assert supply.accuracy_A == pytest.approx(5e-4 * 135.1)
        assert supply.set_ramp_A_per_s(25.0) == 25.0
        supply.ramp_to_A(95.0)
        assert supply.setpoint_A() == 95.0


def test_a_335_is_a_thermometer_with_two_inputs():
    with transcript(MODEL_335, (b"RDGST? B", b"000"), (b"KRDG? B", b"+295.120")) as session:
        meter = LakeShore336("coil", session, {"input": "B"})
        meter.identify()
        assert meter.kelvin("B") == 295.12


@pytest.mark.parametrize("letter", ["C", "D"])
def test_an_input_that_a_335_does_not_have_gives_no_temperature_and_is_not_asked(letter):
    with transcript(MODEL_335) as session:
        meter = LakeShore336("coil", session, {"input": letter})
        meter.identify()
        with pytest.raises(SensorError, match=f"input {letter}: a 335 has inputs A and B"):
            meter.kelvin(letter)
        assert meter.status_problem(f"alarm {letter}") == (
            f"without an input {letter}: a 335 has inputs A and B"
        )
        assert "a 335 has inputs" in meter.settings()[f"temperature_{letter}_K"]


def test_a_danfysik_7000_counts_milliamperes():
    with transcript(
        (b"PRINT", b"SYSTEM 7000 S/N 1"), (b"S1", b".!......................"),
        (b"DA 0,19500", b""), (b"DA 0", b"0 019500"), (b"DA 0,-1500", b""),
    ) as session:  # fmt: skip
        supply = Danfysik8500("x", session, {"set_counts_per_A": 1000.0, "read_counts_per_A": 100})
        supply.identify()
        assert supply.resolution_A == 1e-3
        supply.set_current_A(19.5)
        assert supply.setpoint_A() == 19.5
        supply.set_current_A(-1.5)
