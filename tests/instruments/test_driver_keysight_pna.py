"""The PNA driver says what its manual says: one sweep a reading, a block of doubles a spectrum."""

from __future__ import annotations

import numpy as np
import pytest
from scripted import transcript

from instruments.drivers.keysight_pna import KeysightPNA, as_quantity
from instruments.ieee_block import as_block
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.toml_table import Table
from models.errors import RefusedError

IDENTITY = b"Keysight Technologies,N5222B,US12345678,A.20.25.04"
QUIET = (b"SYST:ERR?", b'+0,"No error"')
TRACES = (b"CALC:PAR:CAT:EXT?", b'"CH1_S11_1,S11,CH1_S21_2,S21"')
MODE = ((b"TRIG:SOUR?", b"IMM"), (b"SENS:SWE:TYPE?", b"LIN"), (b"OUTP?", b"1"))
SELECT = ((b"CALC:PAR:SEL 'CH1_S21_2'", b""), (b"SENS:SWE:MODE HOLD", b""))
RAW, CORRECTED = (b"SENS:CORR:STAT?", b"0"), (b"SENS:CORR:STAT?", b"1")
FORMAT = ((b"FORM REAL,64", b""), (b"FORM:BORD SWAP", b""), (b"FORM:BORD?", b"SWAP"))
DATA = b"CALC:DATA? SDATA"
BY_SWEEPS, BY_POINTS = (b"SENS:AVER:MODE?", b"SWE"), (b"SENS:AVER:MODE?", b"POIN")


def axis(points=b"+3", averaging=b"0", seconds=b"+2.0E-02"):
    return (
        (b"SENS:SWE:POIN?", points), (b"SENS:FREQ:STAR?", b"+2.00000000000E+009"),
        (b"SENS:FREQ:STOP?", b"+1.20000000000E+010"), (b"SENS:SWE:TIME?", seconds),
        (b"SENS:AVER?", averaging),
    )  # fmt: skip


def pairs(*values: complex) -> bytes:
    return as_block(np.array(values, dtype="<c16").tobytes())


@pytest.mark.parametrize("maker", [b"Keysight", b"Agilent"])
@pytest.mark.parametrize("model", [b"N5222B", b"E8364C", b"P9374A", b"P5004B"])
def test_the_family_is_known_under_both_names(maker, model):
    identity = IDENTITY.replace(b"Keysight", maker).replace(b"N5222B", model)
    with transcript((b"*IDN?", identity)) as session:
        assert KeysightPNA("vna", session, {}).identify() == identity.decode()


def test_a_multimeter_is_another_instrument():
    with (
        transcript((b"*IDN?", b"Keysight Technologies,34465A,MY54506462,A.02.14")) as session,
        pytest.raises(WrongInstrumentError, match=r"34465A.*expected Keysight.*N52"),
    ):
        KeysightPNA("vna", session, {}).identify()


def test_prepared_it_holds_with_the_s21_trace_selected_and_the_axis_known():
    with transcript(
        (b"*IDN?", IDENTITY), TRACES, *MODE, *SELECT, *FORMAT, *axis(), RAW, QUIET
    ) as session:  # fmt: skip
        analyser = KeysightPNA("vna", session, {"points": 3})
        analyser.prepare()
        np.testing.assert_array_equal(analyser.frequency_Hz, [2e9, 7e9, 12e9])
        assert analyser.channels == ("S21[0]", "S21[1]", "S21[2]")
        assert analyser.units == ("dB",) * 3


def test_bytes_in_another_order_than_asked_for_are_an_error_not_numbers():
    with (
        transcript(
            (b"*IDN?", IDENTITY), TRACES, *MODE, *SELECT, *FORMAT[:2], (b"FORM:BORD?", b"NORM")
        ) as session,
        pytest.raises(LinkError, match=r"NORM.*SWAP as it was set"),
    ):
        KeysightPNA("vna", session, {"points": 3}).prepare()


def test_what_the_bench_names_is_set():
    options = {"points": 3, "start_Hz": 2e9, "stop_Hz": 12e9, "if_bandwidth_Hz": 1e3}
    with transcript(
        (b"*IDN?", IDENTITY), TRACES, *MODE, *SELECT, (b"SENS:FREQ:STAR 2000000000.000", b""),
        (b"SENS:FREQ:STOP 12000000000.000", b""), (b"SENS:BAND 1000.000", b""),
        (b"SENS:SWE:POIN 3", b""), *FORMAT, *axis(), RAW, QUIET,
    ) as session:  # fmt: skip
        KeysightPNA("vna", session, options).prepare()


@pytest.mark.parametrize(
    ("start_Hz", "stop_Hz", "words"),
    [
        (2e9, 3e10, r"stays at stop_Hz = 1.2e\+10 where 3e\+10 is asked for"),
        (1e6, 12e9, r"stays at start_Hz = 2e\+09 where 1e\+06 is asked for"),
    ],
)
def test_an_axis_that_it_does_not_take_is_refused(start_Hz, stop_Hz, words):
    options = {"points": 3, "start_Hz": start_Hz, "stop_Hz": stop_Hz}
    with (
        transcript(
            (b"*IDN?", IDENTITY), TRACES, *MODE, *SELECT,
            (f"SENS:FREQ:STAR {start_Hz:.3f}".encode(), b""),
            (f"SENS:FREQ:STOP {stop_Hz:.3f}".encode(), b""),
            (b"SENS:SWE:POIN 3", b""), *FORMAT, *axis()[:3],
        ) as session,
        pytest.raises(RefusedError, match=words),
    ):  # fmt: skip
        KeysightPNA("vna", session, options).prepare()


@pytest.mark.parametrize(
    ("quantity", "values"),
    [
        ("dB", [0.0, -20.0, -300.0]),
        ("magnitude", [1.0, 0.1, 0.0]),
        ("real", [0.0, -0.1, 0.0]),
        ("imag", [1.0, 0.0, 0.0]),
        ("phase_deg", [90.0, 180.0, 0.0]),
    ],
)
def test_a_reading_is_one_sweep_and_its_trace(quantity, values):
    with transcript(
        (b"SENS:SWE:MODE SING;*OPC?", b"+1"), (DATA, pairs(1j, -0.1, 0.0))
    ) as session:  # fmt: skip
        analyser = KeysightPNA("vna", session, {"points": 3, "quantity": quantity})
        np.testing.assert_allclose(analyser.read(), values, atol=1e-12)


def time_outs_of(session):
    """Filled with the time-out under which each query goes out from now on."""
    heard, query = {}, session.query
    session.query = lambda sent: (heard.update({sent: session.timeout_s}), query(sent))[1]
    return heard


def test_averages_are_a_group_and_the_time_out_covers_them_all():
    with transcript(
        (b"*IDN?", IDENTITY), TRACES, *MODE, *SELECT, *FORMAT,
        *axis(averaging=b"1", seconds=b"+5.0E-01"), BY_SWEEPS, (b"SENS:AVER:COUN?", b"+16"), RAW,
        QUIET,
        (b"SENS:AVER:CLE", b""), (b"SENS:SWE:GRO:COUN 16", b""), (b"SENS:SWE:MODE GRO;*OPC?", b"1"),
        (DATA, pairs(1, 1, 1)),
    ) as session:  # fmt: skip
        analyser = KeysightPNA("vna", session, {"points": 3})
        analyser.prepare()
        heard = time_outs_of(session)
        analyser.read()
        assert heard["SENS:SWE:MODE GRO;*OPC?"] == pytest.approx(1.25 * 16 * 0.5 + 1.0)
        assert session.timeout_s == 2.0


def test_averages_that_are_taken_point_by_point_are_one_sweep():
    # as a group of 16 it took 16 times as long as it was waited for: each reading timed out
    with transcript(
        (b"*IDN?", IDENTITY), TRACES, *MODE, *SELECT, *FORMAT,
        *axis(averaging=b"1", seconds=b"+5.0E-01"), BY_POINTS, (b"SENS:AVER:COUN?", b"+16"), RAW,
        QUIET, (b"SENS:SWE:MODE SING;*OPC?", b"1"), (DATA, pairs(1, 1, 1)),
    ) as session:  # fmt: skip
        analyser = KeysightPNA("vna", session, {"points": 3})
        analyser.prepare()
        heard = time_outs_of(session)
        analyser.read()
        assert heard["SENS:SWE:MODE SING;*OPC?"] == pytest.approx(1.25 * 16 * 0.5 + 1.0)


def test_a_corrected_trace_is_waited_for_from_every_port():
    with transcript(
        (b"*IDN?", IDENTITY), TRACES, *MODE, *SELECT, *FORMAT, *axis(seconds=b"+2.0E+01"),
        CORRECTED, QUIET, (b"SENS:SWE:MODE SING;*OPC?", b"1"), (DATA, pairs(1, 1, 1)),
    ) as session:  # fmt: skip
        analyser = KeysightPNA("vna", session, {"points": 3})
        analyser.prepare()
        heard = time_outs_of(session)
        analyser.read()
        assert heard["SENS:SWE:MODE SING;*OPC?"] > 4 * 20.0  # 26 s before: two ports take 40


def test_a_display_selects_nothing_before_a_run_and_sweeps_anew_after_it_was_prepared():
    with transcript(
        (b"*IDN?", IDENTITY), TRACES, *MODE, *SELECT, *FORMAT, *axis(), RAW, QUIET,
        (b"SENS:SWE:MODE SING;*OPC?", b"1"), (DATA, pairs(1.0, 0.1, 1.0)),
    ) as session:  # fmt: skip
        analyser = KeysightPNA("vna", session, {"points": 3})
        assert np.isnan(analyser.monitor()).tolist() == [True] * 3
        analyser.prepare()
        np.testing.assert_allclose(analyser.monitor(), [0.0, -20.0, 0.0], atol=1e-9)


def test_a_display_selects_nothing_after_a_link_that_broke_either_it_may_have_been_off():
    with transcript(
        (b"*IDN?", IDENTITY), TRACES, *MODE, *SELECT, *FORMAT, *axis(), RAW, QUIET,
        (b"*IDN?", IDENTITY),
    ) as session:  # fmt: skip
        analyser = KeysightPNA("vna", session, {"points": 3})
        analyser.prepare()
        session.reconnect()
        assert np.isnan(analyser.monitor()).tolist() == [True] * 3


@pytest.mark.parametrize(
    ("exchanges", "words"),
    [
        (((b"CALC:PAR:CAT:EXT?", b'"CH1_S11_1,S11"'),), "no trace of S21.*front panel"),
        (((b"CALC:PAR:CAT:EXT?", b'"NO CATALOG"'),), "no trace of S21"),
        ((TRACES, (b"TRIG:SOUR?", b"MAN")), "manual trigger.*internal"),
        ((TRACES, MODE[0], (b"SENS:SWE:TYPE?", b"LOG")), "logarithmic, expected linear"),
        ((TRACES, *MODE[:2], (b"OUTP?", b"0")), "has its RF power off.*Switch it on"),
        (
            (TRACES, *MODE, *SELECT, *FORMAT, (b"SENS:SWE:POIN?", b"+201")),
            "201 points, the bench file says 3.*Set points = 201",
        ),
    ],
)
def test_what_no_spectrum_can_rest_on_is_refused(exchanges, words):
    with (
        transcript((b"*IDN?", IDENTITY), *exchanges) as session,
        pytest.raises(RefusedError, match=words),
    ):
        KeysightPNA("vna", session, {"points": 3}).prepare()


@pytest.mark.parametrize(("points", "told"), [(b"+3", []), (b"+201", ["sweeps 201 points"])])
def test_what_keeps_a_run_from_beginning_is_told_without_a_set(points, told):
    with transcript(TRACES, *MODE, (b"SENS:SWE:POIN?", points)) as session:
        found = KeysightPNA("vna", session, {"points": 3}).unready()
    assert [words[:17] for words, _ in found] == told
    several = ((b"CALC:PAR:CAT:EXT?", b'"CH1_S11_1,S11"'), (b"TRIG:SOUR?", b"MAN"), *MODE[1:])
    axis_named = {"points": 3, "start_Hz": 2e9, "stop_Hz": 12e9}
    with transcript(*several) as session:
        assert len(KeysightPNA("vna", session, axis_named).unready()) == 2


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (pairs(1, 1), "32 bytes.*48"),
        (pairs(1, 1, float("nan")), "finite"),
        (b"+1.0E+00,+0.0E+00", "expected a block"),
    ],
)
def test_a_spoilt_spectrum_is_an_error(reply, words):
    with transcript((DATA, reply)) as session, pytest.raises(LinkError, match=words):
        KeysightPNA("vna", session, {"points": 3}).complex_trace()


def test_a_sweep_that_does_not_say_it_is_over_is_an_error():
    with (
        transcript((b"SENS:SWE:MODE SING;*OPC?", b"0")) as session,
        pytest.raises(LinkError, match="expected 1"),
    ):
        KeysightPNA("vna", session, {}).read()


def test_faults_are_the_error_queue():
    with transcript((b"SYST:ERR?", b'-222,"Data out of range"'), QUIET) as session:
        assert KeysightPNA("vna", session, {}).faults() == ("-222 Data out of range",)


@pytest.mark.parametrize(
    ("power", "by", "told"),
    [
        (b"1", BY_SWEEPS, {"averaging": "on"}),
        (b"0", BY_SWEEPS, {"averaging": "on", "rf_power": "off"}),
        (b"1", BY_POINTS, {"averaging": "point by point"}),
    ],
)
def test_settings_are_in_units(power, by, told):
    with transcript(
        (b"OUTP?", power), *axis()[1:3], (b"SENS:SWE:POIN?", b"+201"), (b"SENS:SWE:TYPE?", b"LIN"),
        (b"SENS:SWE:TIME?", b"+2.0E-02"), (b"SENS:BAND?", b"+1.0E+04"), (b"SOUR:POW?", b"-1.0E+01"),
        (b"SENS:AVER?", b"1"), by, (b"SENS:AVER:COUN?", b"+4"), (b"SENS:CORR:STAT?", b"1"),
        (b"TRIG:SOUR?", b"EXT"),
    ) as session:  # fmt: skip
        assert KeysightPNA("vna", session, {"quantity": "real"}).settings() == told | {
            "start_Hz": 2e9, "stop_Hz": 1.2e10, "points": 201, "sweep_type": "linear",
            "sweep_s": 0.02, "if_bandwidth_Hz": 1e4, "power_dBm": -10.0,
            "averages": 4, "correction": "on", "trigger": "external", "quantity": "real",
        }  # fmt: skip


def test_nothing_transmitted_still_has_decibels():
    np.testing.assert_allclose(as_quantity(np.zeros(2, complex), "dB"), [-300, -300])


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({}, ""),
        ({"points": 60, "start_Hz": 2e9, "stop_Hz": 12e9, "quantity": "phase_deg"}, ""),
        ({"points": 1}, "from 2 to"),
        ({"quantity": "db"}, "must be one of dB"),
        ({"start_Hz": 2e9}, "both or neither"),
        ({"start_Hz": 2e9, "stop_Hz": 1e9}, "must be above start_Hz"),
        ({"if_bandwidth_Hz": 0}, "above 0"),
    ],
)
def test_a_bench_file_names_the_axis(values, problem):
    table = Table(values, "readout.vna", [])
    table.known(*KeysightPNA.KEYS)
    KeysightPNA.options(table)
    assert problem in "".join(table.problems)
    assert bool(table.problems) == bool(problem)
