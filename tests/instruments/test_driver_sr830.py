"""The SR830 driver says what its manual says: transcripts of bytes sent and answered."""

from __future__ import annotations

import numpy as np
import pytest
from beside import Steady, beside
from scripted import transcript

from instruments.drivers.sr830 import SENSITIVITY_V, SR830, TIME_CONSTANT_S
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.virtual import sr830

IDENTITY = b"Stanford_Research_Systems,SR830,s/n37210,ver1.07"


def test_identifies_on_a_socket_without_touching_outx():
    with transcript((b"*IDN?", IDENTITY)) as session:
        assert SR830("lockin", session, {}).identify() == IDENTITY.decode()


def test_an_sr860_is_another_instrument():
    with (
        transcript((b"*IDN?", b"Stanford_Research_Systems,SR860,000111,v1.47")) as session,
        pytest.raises(WrongInstrumentError, match=r"SR860.*expected Stanford.*SR830"),
    ):
        SR830("lockin", session, {}).identify()


def test_prepare_drops_what_the_status_bytes_had_latched():
    with transcript((b"*IDN?", IDENTITY), (b"LIAS?", b"8"), (b"ERRS?", b"0")) as session:
        SR830("lockin", session, {}).prepare()


@pytest.mark.parametrize(
    ("channels", "command", "reply", "values", "units"),
    [
        (("X", "Y"), b"SNAP? 1,2,1,2", b"1.5e-5,-2e-6,1.5e-5,-2e-6", [1.5e-5, -2e-6], ("V", "V")),
        (
            ("X", "Y", "R", "theta"), b"SNAP? 1,2,3,4,3,4", b"3,4,5,53.13,5,53.13",
            [3, 4, 5, 53.13], ("V", "V", "V", "deg"),
        ),
        (("R",), b"SNAP? 3,3", b"0.25,0.25", [0.25], ("V",)),
    ],
)  # fmt: skip
def test_reads_all_channels_of_one_instant(channels, command, reply, values, units):
    with transcript((command, reply)) as session:
        lockin = SR830("lockin", session, {"channels": channels})
        assert lockin.units == units
        np.testing.assert_array_equal(lockin.read(), values)


def test_monitor_gates_nothing():
    with transcript((b"OUTP? 1", b"1e-5"), (b"OUTP? 4", b"90")) as session:
        lockin = SR830("lockin", session, {"channels": ("X", "theta")})
        np.testing.assert_array_equal(lockin.monitor(), [1e-5, 90.0])


@pytest.mark.parametrize(
    ("lias", "errs", "words"),
    [
        (b"0", b"0", ()),
        (b"5", b"0", ("input overload", "output overload")),
        (b"10", b"64", ("filter overload", "reference unlocked", "DSP error")),
    ],
)
def test_faults_are_words(lias, errs, words):
    with transcript((b"LIAS?", lias), (b"ERRS?", errs)) as session:
        assert SR830("lockin", session, {}).faults() == words


def test_settings_are_in_units():
    with transcript(
        (b"OFLT?", b"6"), (b"OFSL?", b"1"), (b"SENS?", b"15"), (b"RMOD?", b"1"), (b"HARM?", b"2"),
        (b"FMOD?", b"0"), (b"RSLP?", b"1"), (b"FREQ?", b"37"), (b"PHAS?", b"-12.5"),
        (b"SLVL?", b"0.004"), (b"ISRC?", b"1"), (b"ICPL?", b"0"), (b"IGND?", b"1"),
        (b"ILIN?", b"3"), (b"SYNC?", b"1"), (b"OEXP? 1", b"0.00,1"), (b"OEXP? 2", b"0.00,0"),
    ) as session:  # fmt: skip
        assert SR830("lockin", session, {"channels": ("X", "Y")}).settings() == {
            "time_constant_s": 0.01, "slope_dB_oct": 12, "sensitivity_V": pytest.approx(200e-6),
            "reserve": "normal", "harmonic": 2, "reference": "external",
            "reference_trigger": "TTL rising", "frequency_Hz": 37.0, "phase_deg": -12.5,
            "amplitude_V": 0.004, "input": "A-B", "coupling": "AC", "shield": "ground",
            "notch": "line and 2 x line", "synchronous_filter": "on", "channels": ["X", "Y"],
        }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "units", "full_scale"),
    [
        (b"0", ("V", "deg"), {"sensitivity_V": 200e-6}),
        (b"2", ("A", "deg"), {"sensitivity_A": 200e-12}),
        (b"3", ("A", "deg"), {"sensitivity_A": 200e-12}),
    ],
)
def test_a_current_input_makes_amperes_of_volts(source, units, full_scale):
    with transcript(
        (b"OFLT?", b"6"), (b"OFSL?", b"1"), (b"SENS?", b"15"), (b"RMOD?", b"1"), (b"HARM?", b"2"),
        (b"FMOD?", b"0"), (b"RSLP?", b"1"), (b"FREQ?", b"37"), (b"PHAS?", b"-12.5"),
        (b"SLVL?", b"0.004"), (b"ISRC?", source), (b"ICPL?", b"0"), (b"IGND?", b"1"),
        (b"ILIN?", b"3"), (b"SYNC?", b"1"), (b"OEXP? 3", b"0.00,0"),
    ) as session:  # fmt: skip
        lockin = SR830("lockin", session, {"channels": ("R", "theta")})
        found = lockin.settings()
        assert lockin.units == units
        assert {k: v for k, v in found.items() if "sensitivity" in k} == pytest.approx(full_scale)


def test_an_offset_that_is_taken_off_a_channel_is_a_setting():
    with beside(lambda device_time: sr830.SR830(device_time, Steady(device_time))) as session:
        lockin = SR830("lockin", session, {"channels": ("X", "Y", "theta")})
        lockin.read()
        plain, before = lockin.monitor(), lockin.settings()
        session.write("OEXP 1,40,1")
        np.testing.assert_allclose(lockin.monitor() - plain, [-0.4 * 200e-6, 0.0, 0.0], atol=1e-9)
        assert lockin.settings() == before | {"X_offset_percent": 40.0}


def test_the_tables_are_those_of_the_manual():
    assert len(SENSITIVITY_V) == 27
    assert SENSITIVITY_V[0] == pytest.approx(2e-9)
    assert SENSITIVITY_V[17] == pytest.approx(1e-3)
    assert SENSITIVITY_V[26] == pytest.approx(1.0)
    assert len(TIME_CONSTANT_S) == 20
    assert TIME_CONSTANT_S[0] == pytest.approx(10e-6)
    assert TIME_CONSTANT_S[9] == pytest.approx(0.3)
    assert TIME_CONSTANT_S[19] == pytest.approx(30e3)


@pytest.mark.parametrize(
    "reply",
    [
        b"1.5e-5", b"1,2,3", b"1.5e-5,", b"1.5e-5,-2e", b"x,y", b"1.5e-5,-2e-6",
        b"1.5e-5,-2.25e-6,1.5e-5,-2.2", b"1.5e-5,-2.25e-6,1.5e-5,-2.25e-0",
        b"5e-5,-2e-6,1.5e-5,-2e-6", b"nan,1,nan,1", b"1_0,1,1_0,1",
    ],
)  # fmt: skip
def test_a_cut_reading_is_an_error(reply):
    with (
        transcript((b"SNAP? 1,2,1,2", reply)) as session,
        pytest.raises(LinkError, match="2 number"),
    ):
        SR830("lockin", session, {}).read()


@pytest.mark.parametrize("reply", [b"27", b"-1", b"1.0", b""])
def test_an_index_beyond_the_table_is_an_error(reply):
    exchanges = ((b"OFLT?", b"6"), (b"OFSL?", b"1"), (b"SENS?", reply or b" "))
    with transcript(*exchanges) as session, pytest.raises(LinkError, match="an index"):
        SR830("lockin", session, {}).settings()


def test_an_aux_input_is_read_twice_and_the_lower_counts():
    with transcript((b"OAUX? 3", b"4.9983"), (b"OAUX? 3", b"4.9976")) as session:
        assert SR830("lockin", session, {}).input_V("aux3") == 4.9976


@pytest.mark.parametrize("cut", [b"3.3", b"-0.0003", b"4"])
def test_an_aux_reading_that_was_cut_closes_no_contact(cut):
    with (
        transcript((b"OAUX? 1", cut), (b"OAUX? 1", b"3.3333e-1")) as session,
        pytest.raises(LinkError, match="a steady input"),
    ):
        SR830("lockin", session, {}).input_V("aux1")
