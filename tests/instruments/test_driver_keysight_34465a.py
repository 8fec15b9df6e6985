"""The 34465A driver says what its manual says, computes its time-out, and demodulates a burst."""

from __future__ import annotations

import math

import numpy as np
import pytest
from beside import Steady, beside
from scripted import transcript

from instruments.drivers.keysight_34465a import Keysight34465A
from instruments.drivers.truevolt_buffer import components
from instruments.drivers.truevolt_input import changed_input
from instruments.drivers.truevolt_math import computed
from instruments.drivers.truevolt_models import MODELS
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.toml_table import Table
from instruments.virtual import keysight_34465a
from models.errors import RefusedError

IDENTITY = b"Keysight Technologies,34465A,MY54506462,A.03.03-03.15-03.03-00.52-05-02"
NO_TIMER = IDENTITY.replace(b"34465A", b"34461A")
QUIET = (b"SYST:ERR?", b'+0,"No error"')
NO_DELAY = (b"TRIG:DEL?", b"+0.00000000E+00")
PLAIN = ((b"SENS:VOLT:DC:NULL:STAT?", b"0"), (b"CALC:SCAL:STAT?", b"0"), (b"CALC:SMO:STAT?", b"0"))
FACTORY = ((b"SENS:VOLT:DC:IMP:AUTO?", b"0"), (b"SENS:VOLT:DC:APER:ENAB?", b"0"))
DCV = ((b"SENS:FUNC?", b'"VOLT"'), (b"TRIG:SOUR?", b"IMM"))
MODE = (*DCV, *PLAIN)


@pytest.mark.parametrize("model", [b"34460A", b"34461A", b"34465A", b"34470A"])
def test_the_whole_family_is_known(model):
    with transcript((b"*IDN?", IDENTITY.replace(b"34465A", model))) as session:
        assert model.decode() in Keysight34465A("dmm", session, {}).identify()


def test_an_older_multimeter_is_another_instrument():
    with (
        transcript((b"*IDN?", b"HEWLETT-PACKARD,34401A,0,10-5-2")) as session,
        pytest.raises(WrongInstrumentError, match=r"34401A.*expected Keysight"),
    ):
        Keysight34465A("dmm", session, {}).identify()


def test_one_sample_as_fast_as_the_settings_allow():
    with transcript(
        (b"*IDN?", IDENTITY), *MODE, (b"TRIG:COUN 1", b""), (b"SAMP:COUN 1", b""),
        (b"SAMP:TIM? MIN", b"+4.00000000E-01"), (b"SAMP:SOUR IMM", b""), NO_DELAY, QUIET,
        (b"READ?", b"+1.50000000E-05"), (b"READ?", b"+2.50000000E-05"), QUIET,
    ) as session:  # fmt: skip
        meter = Keysight34465A("dmm", session, {})
        meter.prepare()
        assert meter.burst_s == pytest.approx(0.4)
        assert [meter.read()[0], meter.monitor()[0]] == pytest.approx([1.5e-5, 2.5e-5])
        assert meter.faults() == ()


ALONE = (
    (b"TRIG:COUN?", b"1"), (b"SAMP:COUN?", b"1"), (b"SENS:FUNC?", b'"VOLT"'),
    (b"TRIG:SOUR?", b"IMM"),
)  # fmt: skip


def test_a_display_takes_readings_of_its_own_and_sets_nothing():
    with transcript(
        (b"*IDN?", IDENTITY), *ALONE, (b"SAMP:SOUR?", b"IMM"),
        (b"SAMP:TIM? MIN", b"+4.00000000E-01"), NO_DELAY,
        (b"READ?", b"+1.0E+00"), (b"READ?", b"+2.0E+00"),
    ) as session:  # fmt: skip
        meter = Keysight34465A("dmm", session, {})
        meter.identify()
        assert [meter.monitor()[0], meter.monitor()[0]] == [1.0, 2.0]


def test_a_display_looks_anew_at_how_it_is_set_up_after_a_link_that_broke():
    with transcript(
        (b"*IDN?", IDENTITY), *ALONE, (b"SAMP:SOUR?", b"IMM"),
        (b"SAMP:TIM? MIN", b"+4.00000000E-01"), NO_DELAY, (b"READ?", b"+1.0E+00"),
        (b"*IDN?", IDENTITY), *ALONE[:3], (b"TRIG:SOUR?", b"EXT"),
    ) as session:  # fmt: skip
        meter = Keysight34465A("dmm", session, {})
        meter.identify()
        assert meter.monitor()[0] == 1.0
        session.reconnect()
        assert np.isnan(meter.monitor()[0])


@pytest.mark.parametrize(
    ("options", "exchanges"),
    [
        ({"samples": 54}, ALONE),
        ({}, (*ALONE[:2], (b"SENS:FUNC?", b'"RES"'))),
        ({}, (*ALONE[:3], (b"TRIG:SOUR?", b"EXT"))),
        ({}, (*ALONE, (b"SAMP:SOUR?", b"TIM"), (b"SAMP:TIM?", b"+3.1E+00"), NO_DELAY)),
        (
            {},
            (*ALONE, (b"SAMP:SOUR?", b"TIM"), (b"SAMP:TIM?", b"+1.0E-01"), (b"TRIG:DEL?", b"+3.0")),
        ),
    ],
)
def test_a_display_shows_none_where_the_meter_is_set_up_for_something_else(options, exchanges):
    with transcript((b"*IDN?", IDENTITY), *exchanges) as session:
        meter = Keysight34465A("dmm", session, options)
        meter.identify()
        assert np.isnan([meter.monitor()[0], meter.monitor()[0]]).all()


def test_a_burst_is_paced_by_the_timer_and_the_time_out_follows_from_it():
    with transcript(
        (b"*IDN?", IDENTITY), *MODE, (b"SENS:VOLT:DC:NPLC 0.02", b""),
        (b"SENS:VOLT:DC:NPLC?", b"+2.00000000E-02"), (b"TRIG:COUN 1", b""),
        (b"SAMP:COUN 4", b""), (b"SAMP:TIM? MIN", b"+4.20000000E-04"), (b"SAMP:SOUR TIM", b""),
        (b"SAMP:TIM 2.000000", b""), (b"TRIG:DEL?", b"+5.00000000E+00"), QUIET,
        (b"READ?", b"+1.0E+00,-1.0E+00,+1.0E+00,-1.0E+00"),
    ) as session:  # fmt: skip
        options = {"samples": 4, "interval_s": 2.0, "nplc": 0.02, "channels": ("mean", "X2")}
        meter = Keysight34465A("dmm", session, options)
        assert meter.units == ("V", "V")
        meter.prepare()
        heard = []
        query = session.query
        session.query = lambda command: (heard.append(session.timeout_s), query(command))[1]
        np.testing.assert_allclose(meter.read(), [0.0, 2.0])
        assert heard == [pytest.approx(1.25 * (5.0 + 8.0) + 1.0)]
        assert session.timeout_s == 2.0
        np.testing.assert_array_equal(meter.burst_V, [1, -1, 1, -1])


def test_a_model_without_timer_is_timed_by_its_integration():
    with transcript(
        (b"*IDN?", NO_TIMER), *MODE[:-1], (b"TRIG:COUN 1", b""), (b"SAMP:COUN 10", b""),
        (b"SENS:VOLT:DC:NPLC?", b"+1.00000000E+01"), (b"SYST:LFR?", b"+50"), NO_DELAY, QUIET,
    ) as session:  # fmt: skip
        meter = Keysight34465A("dmm", session, {"samples": 10})
        meter.prepare()
        assert meter.burst_s == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("exchanges", "options", "words"),
    [
        (((b"*IDN?", IDENTITY), (b"SENS:FUNC?", b'"FRES"')), {}, "4-wire resistance.*DCV"),
        (((b"*IDN?", IDENTITY), (b"SENS:FUNC?", b'"TEMP"')), {}, "measures temperature.*DCV"),
        (
            ((b"*IDN?", IDENTITY), MODE[0], (b"TRIG:SOUR?", b"BUS")), {}, "bus trigger.*IMM or EXT",
        ),
        (((b"*IDN?", NO_TIMER), *DCV), {"interval_s": 1e-3}, "34461A has no sample timer"),
        (
            (
                (b"*IDN?", IDENTITY), *MODE, (b"TRIG:COUN 1", b""), (b"SAMP:COUN 1", b""),
                (b"SAMP:TIM? MIN", b"+4.00000000E-01"),
            ),
            {"interval_s": 1e-3}, r"0.001 s is below the 0.4 s.*shorter nplc",
        ),
        (
            (
                (b"*IDN?", IDENTITY), *MODE, (b"SENS:VOLT:DC:NPLC 0.001", b""),
                (b"SENS:VOLT:DC:NPLC?", b"+1.00000000E+01"),
            ),
            {"nplc": 1e-3}, r"stays at nplc = 10 where 0.001 is asked for.*option DIG",
        ),
        (
            ((b"*IDN?", NO_TIMER), *DCV, PLAIN[0], (b"CALC:SCAL:STAT?", b"1")), {},
            "scales its readings.*expected volts.*Math off",
        ),
        (
            ((b"*IDN?", IDENTITY), *DCV, *PLAIN[:2], (b"CALC:SMO:STAT?", b"1")), {},
            "smooths its samples.*Math off",
        ),
    ],
)  # fmt: skip
def test_what_a_burst_can_not_rest_on_is_refused(exchanges, options, words):
    with transcript(*exchanges) as session, pytest.raises(RefusedError, match=words):
        Keysight34465A("dmm", session, options).prepare()


def test_an_overload_is_no_number_and_a_fault_once():
    with transcript((b"READ?", b"+9.90000000E+37,+1.0E+00"), QUIET, QUIET) as session:
        meter = Keysight34465A("dmm", session, {"samples": 2})
        assert math.isnan(meter.read()[0])
        assert meter.faults() == ("1 sample(s) beyond the range",)
        assert meter.faults() == ()


@pytest.mark.parametrize("last", [b"", b",+3.0E+0", b",+3.0", b",+3.0E+00,"])
def test_a_burst_that_was_cut_is_an_error(last):
    with (
        transcript((b"READ?", b"+1.0E+00,+2.0E+00" + last)) as session,
        pytest.raises(LinkError, match="3 number"),
    ):
        Keysight34465A("dmm", session, {"samples": 3}).read()


def test_errors_are_drained_in_words():
    with transcript((b"SYST:ERR?", b'-222,"Data out of range"'), QUIET) as session:
        assert Keysight34465A("dmm", session, {}).errors() == ("-222 Data out of range",)


def test_settings_are_in_units():
    with transcript(
        (b"*IDN?", IDENTITY), (b"SENS:FUNC?", b'"VOLT"'), (b"SENS:VOLT:DC:RANG?", b"+1.0E-01"),
        (b"SENS:VOLT:DC:RANG:AUTO?", b"0"), (b"SENS:VOLT:DC:ZERO:AUTO?", b"1"),
        (b"SENS:VOLT:DC:NPLC?", b"+1.0E+01"), (b"TRIG:SOUR?", b"EXT"), (b"TRIG:DEL?", b"+0.0E+00"),
        (b"SAMP:COUN?", b"+1"), (b"SAMP:SOUR?", b"TIM"), (b"SAMP:TIM?", b"+1.0E+00"), *PLAIN,
        *FACTORY,
    ) as session:  # fmt: skip
        meter = Keysight34465A("dmm", session, {})
        meter.identify()
        assert meter.settings() == {
            "function": "DC voltage", "range_V": 0.1, "autorange": "off", "autozero": "on",
            "nplc": 10.0, "trigger": "external", "trigger_delay_s": 0.0, "samples": 1,
            "sample_timing": "timer", "interval_s": 1.0, "burst_s": 0.0, "channels": ["mean"],
        }  # fmt: skip


def test_a_null_that_the_front_panel_left_on_is_a_setting():
    with transcript(
        (b"SENS:VOLT:DC:NULL:STAT?", b"1"),
        (b"SENS:VOLT:DC:NULL:VAL?", b"+1.25000000E-03"), *PLAIN[1:],
    ) as session:  # fmt: skip
        assert computed(session, MODELS["34465A"]) == {"null_V": 1.25e-3}


def test_an_input_impedance_and_an_aperture_that_are_not_the_factorys_are_settings():
    make = keysight_34465a.Keysight34465A
    with beside(lambda device_time: make(device_time, Steady(device_time))) as session:
        meter = Keysight34465A("dmm", session, {})
        meter.identify()
        before = meter.settings()
        session.write("VOLT:DC:IMP:AUTO ON;:VOLT:APER 0.05")
        told = {"input_impedance": "above 10 GOhm up to 10 V", "aperture_s": 0.05}
        assert meter.settings() == before | told
        session.write("VOLT:NPLC 1")  # ends the aperture
        assert "aperture_s" not in meter.settings()


def test_a_model_without_apertures_is_asked_for_none():
    with transcript(FACTORY[0]) as session:
        assert changed_input(session, MODELS["34461A"]) == {}


def test_components_are_the_fourier_series_of_the_burst():
    angle = 2 * np.pi * np.arange(50) / 50
    burst = 0.3 + 0.1 * np.cos(angle) - 0.2 * np.sin(angle) + 0.4 * np.cos(2 * angle)
    names = ("mean", "X1", "Y1", "R1", "X2", "Y2", "R2")
    found = [components(burst, name) for name in names]
    wanted = [0.3, 0.1, -0.2, np.hypot(0.1, 0.2), 0.4, 0.0, 0.4]
    np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({}, ""),
        ({"samples": 50, "interval_s": 5.4e-4, "nplc": 0.02, "channels": ["X2", "Y2"]}, ""),
        ({"channels": ["X2"]}, "need 5 or more"),
        ({"channels": ["X1"], "samples": 3}, ""),
        ({"channels": ["X3"]}, "unknown"),
        ({"samples": 50_001}, "from 1 to 50000"),
        ({"samples": 0}, "from 1 to 50000"),
        ({"interval_s": 0.0}, "above 0"),
        ({"interval_s": 4e-7}, "from 1e-06 s to 3600 s"),
        ({"interval_s": 4000}, "from 1e-06 s to 3600 s"),
    ],
)
def test_a_bench_file_names_the_burst(values, problem):
    table = Table(values, "readout.dmm", [])
    table.known(*Keysight34465A.KEYS)
    Keysight34465A.options(table)
    assert problem in "".join(table.problems)
    assert bool(table.problems) == bool(problem)
