"""The SR860 driver says what its manual says: transcripts of bytes sent and answered."""

from __future__ import annotations

import numpy as np
import pytest
from beside import Steady, beside
from scripted import transcript

from instruments.drivers.sr860 import SENSITIVITY, SR860, TIME_CONSTANT_S
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.toml_table import Table
from instruments.virtual import sr860

IDENTITY = b"Stanford_Research_Systems,SR860,003693,V1.51"
WHO = ((b"*IDN?", IDENTITY), (b"IVMD?", b"0"))


@pytest.mark.parametrize("model", [b"SR860", b"SR865A"])
def test_identifies_and_asks_whether_volts_or_amperes_are_measured(model):
    identity = IDENTITY.replace(b"SR860", model)
    with transcript((b"*IDN?", identity), (b"IVMD?", b"1")) as session:
        lockin = SR860("lockin", session, {"channels": ("X", "theta")})
        assert lockin.identify() == identity.decode()
        assert lockin.units == ("A", "deg")


def test_an_sr830_is_another_instrument():
    with (
        transcript((b"*IDN?", b"Stanford_Research_Systems,SR830,s/n37210,ver1.07")) as session,
        pytest.raises(WrongInstrumentError, match=r"SR830.*expected Stanford.*SR860"),
    ):
        SR860("lockin", session, {}).identify()


def test_prepare_drops_what_the_status_words_had_latched():
    with transcript(
        *WHO, (b"LIAS?", b"8"), (b"ERRS?", b"0"), (b"*ESR?", b"128")
    ) as session:  # fmt: skip
        SR860("lockin", session, {}).prepare()


@pytest.mark.parametrize(
    ("channels", "command", "reply", "values"),
    [
        (("X", "Y"), b"SNAP? 0,1,1", b"1.5e-5,-2e-6,-2e-6", [1.5e-5, -2e-6]),
        (("X", "Y", "theta"), b"SNAP? 0,1,3", b"3,4,53.13", [3, 4, 53.13]),
        (("R",), b"SNAP? 2,2", b"0.25,0.25", [0.25]),
        (("theta",), b"SNAP? 3,3", b"-90,-90", [-90.0]),
    ],
)
def test_reads_all_channels_of_one_instant_counted_from_zero(channels, command, reply, values):
    with transcript((command, reply)) as session:
        lockin = SR860("lockin", session, {"channels": channels})
        np.testing.assert_array_equal(lockin.read(), values)


def test_monitor_gates_nothing():
    with transcript((b"OUTP? 0", b"1e-5"), (b"OUTP? 3", b"90")) as session:
        lockin = SR860("lockin", session, {"channels": ("X", "theta")})
        np.testing.assert_array_equal(lockin.monitor(), [1e-5, 90.0])


@pytest.mark.parametrize(
    ("lias", "errs", "esr", "words"),
    [
        (b"0", b"0", b"0", ()),
        (b"17", b"0", b"0", ("channel 1 output overload", "input overload")),
        (b"8", b"32", b"32", (
            "reference unlocked", "error status bit 5 (manual, ERRS?)",
            "an illegal command was received",
        )),
        (b"12288", b"0", b"128", ()),  # scan finished, power on: no fault of a reading
    ],
)  # fmt: skip
def test_faults_are_words(lias, errs, esr, words):
    with transcript((b"LIAS?", lias), (b"ERRS?", errs), (b"*ESR?", esr)) as session:
        assert SR860("lockin", session, {}).faults() == words


COMMON = (
    (b"OFLT?", b"8"), (b"OFSL?", b"1"), (b"SYNC?", b"1"), (b"ADVFILT?", b"0"), (b"HARM?", b"2"),
    (b"RSRC?", b"1"), (b"RTRG?", b"1"), (b"FREQ?", b"37"), (b"PHAS?", b"-12.5"),
    (b"SLVL?", b"0.004"), (b"SOFF?", b"0.5"), (b"ICPL?", b"0"), (b"IGND?", b"1"),
)  # fmt: skip


PLAIN = ((b"COFA? 0", b"0"), (b"CRAT? 0", b"0"), (b"COFA? 1", b"0"), (b"CRAT? 1", b"0"))


def test_settings_are_in_units():
    with transcript(
        (b"IVMD?", b"0"),
        (b"SCAL?", b"11"),
        *COMMON,
        (b"ISRC?", b"1"),
        (b"IRNG?", b"4"),
        *PLAIN,
    ) as session:
        assert SR860("lockin", session, {"channels": ("X", "Y")}).settings() == {
            "time_constant_s": pytest.approx(0.01), "slope_dB_oct": 12, "synchronous_filter": "on",
            "advanced_filter": "off", "harmonic": 2, "reference": "external",
            "reference_trigger": "TTL rising", "frequency_Hz": 37.0, "phase_deg": -12.5,
            "amplitude_V": 0.004, "offset_V": 0.5, "signal": "voltage", "coupling": "AC",
            "shield": "ground", "sensitivity_V": pytest.approx(200e-6), "input": "A-B",
            "input_range_V": 0.01, "channels": ["X", "Y"],
        }  # fmt: skip


def test_a_current_input_has_its_own_scale():
    with transcript(
        (b"IVMD?", b"1"), (b"SCAL?", b"9"), *COMMON, (b"ICUR?", b"1"), *PLAIN
    ) as session:  # fmt: skip
        settings = SR860("lockin", session, {}).settings()
        assert settings["sensitivity_A"] == pytest.approx(1e-9)
        assert settings["current_gain_Ohm"] == 1e8
        assert "sensitivity_V" not in settings


def test_of_a_dual_reference_both_harmonics_are_settings():
    with beside(lambda device_time: sr860.SR860(device_time, Steady(device_time))) as session:
        lockin = SR860("lockin", session, {})
        assert "dual_harmonic" not in lockin.settings()
        session.write("RSRC 2;HARMDUAL 3")
        assert lockin.settings()["dual_harmonic"] == 3


def test_an_offset_and_a_ratio_that_are_on_are_settings():
    with beside(lambda device_time: sr860.SR860(device_time, Steady(device_time))) as session:
        lockin = SR860("lockin", session, {"channels": ("X", "R", "theta")})
        before = lockin.settings()
        session.write("COFP 0,40;COFP 2,-12.5;CEXP 0,1")  # set, not switched on
        assert lockin.settings() == before
        session.write("COFA 0,1;COFA 2,1;CRAT 2,1")
        told = {"X_offset_percent": 40.0, "R_offset_percent": -12.5, "R_ratio": "over Aux In 3"}
        assert lockin.settings() == before | told


def test_the_tables_are_those_of_the_manual():
    assert len(SENSITIVITY) == 28
    assert [SENSITIVITY[i] for i in (0, 1, 9, 27)] == pytest.approx([1.0, 0.5, 1e-3, 1e-9])
    assert len(TIME_CONSTANT_S) == 22
    assert [TIME_CONSTANT_S[i] for i in (0, 1, 12, 21)] == pytest.approx([1e-6, 3e-6, 1.0, 30e3])


@pytest.mark.parametrize("reply", [b"1.5e-5", b"1,2", b"1,2,3", b"1.5e-5,-2e-6,-2e", b"x,y,y"])
def test_a_cut_reading_is_an_error(reply):
    with transcript((b"SNAP? 0,1,1", reply)) as session, pytest.raises(LinkError, match="2 number"):
        SR860("lockin", session, {}).read()


def test_an_interlock_input_is_asked_twice_and_counted_from_zero():
    with transcript((b"OAUX? 0", b"3.301"), (b"OAUX? 0", b"3.299")) as session:
        assert SR860("lockin", session, {}).input_V("aux1") == 3.299
    with (
        transcript((b"OAUX? 3", b"3.3"), (b"OAUX? 3", b"3.3e-4")) as session,
        pytest.raises(LinkError, match="steady"),
    ):
        SR860("lockin", session, {}).input_V("aux4")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({}, None),
        ({"channels": ["R"]}, None),
        ({"channels": ["X", "Q"]}, "'Q' is unknown"),
        ({"channels": ["X", "X"]}, "twice"),
        ({"channels": ["X", "Y", "R", "theta"]}, "1 to 3"),
    ],
)
def test_a_bench_file_names_one_to_three_channels(values, problem):
    table = Table(values, "readout.lockin", [])
    table.known(*SR860.KEYS)
    options = SR860.options(table)
    assert bool(table.problems) == bool(problem)
    if problem:
        assert problem in table.problems[0]
    else:
        assert options["channels"] == tuple(values.get("channels", ("X", "Y")))
