"""The 2182A driver says what its manual says, and computes how long a reading may take."""

from __future__ import annotations

import math

import pytest
from scripted import transcript

from instruments.drivers.keithley_2182a import Keithley2182A
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.toml_table import Table
from models.errors import RefusedError

IDENTITY = b"KEITHLEY INSTRUMENTS INC.,MODEL 2182A,1340129,C02  /A02"
QUIET = (b":SYST:ERR?", b'0,"No Error"')


def timing(
    nplc=b"5.00",
    line=b"50",
    zero=b"1",
    low=b"0",
    digital=b"0",
    count=b"10",
    kind=b"MOV",
    delay=b"0.000",
):
    return (
        (b":SENS:VOLT:NPLC?", nplc), (b":SYST:LFR?", line), (b":SYST:AZER:STAT?", zero),
        (b":SENS:VOLT:CHAN1:LPAS:STAT?", low), (b":SENS:VOLT:CHAN1:DFIL:STAT?", digital),
        (b":SENS:VOLT:CHAN1:DFIL:COUN?", count), (b":SENS:VOLT:CHAN1:DFIL:TCON?", kind),
        (b":TRIG:DEL?", delay),
    )  # fmt: skip


PLAIN = ((b":SENS:VOLT:RAT?", b"0"), (b":SENS:VOLT:DELT?", b"0"), (b":CALC:STAT?", b"0"))
READY = (
    (b"*IDN?", IDENTITY), (b":SENS:FUNC?", b'"VOLT:DC"'), (b":TRIG:SOUR?", b"IMM"), *PLAIN,
    (b":SENS:CHAN?", b"1"), (b":INIT:CONT?", b"0"), (b":TRIG:COUN?", b"1"), (b":SAMP:COUN?", b"1"),
    (b":FORM:ELEM?", b"READ"),
)  # fmt: skip


def test_another_keithley_is_another_instrument():
    with (
        transcript((b"*IDN?", b"KEITHLEY INSTRUMENTS INC.,MODEL 2400,1,C32")) as session,
        pytest.raises(WrongInstrumentError, match=r"2400.*expected KEITHLEY.*2182A"),
    ):
        Keithley2182A("nv", session, {}).identify()


def test_prepare_leaves_alone_what_is_right():
    with transcript(*READY, *timing(), QUIET) as session:
        Keithley2182A("nv", session, {}).prepare()


def test_prepare_ends_continuous_measuring_and_sets_what_the_bench_names():
    with transcript(
        (b"*IDN?", IDENTITY), (b":SENS:FUNC?", b'"VOLT:DC"'), (b":TRIG:SOUR?", b"EXT"), *PLAIN,
        (b":SENS:CHAN?", b"2"), (b":SENS:CHAN 1", b""), (b":INIT:CONT?", b"1"),
        (b":INIT:CONT 0", b""), (b":TRIG:COUN?", b"5"), (b":TRIG:COUN 1", b""),
        (b":SAMP:COUN?", b"20"), (b":SAMP:COUN 1", b""), (b":FORM:ELEM?", b"READ,CHAN"),
        (b":FORM:ELEM READ", b""), (b":SENS:VOLT:NPLC 0.1", b""), *timing(nplc=b"0.10"), QUIET,
    ) as session:  # fmt: skip
        Keithley2182A("nv", session, {"nplc": 0.1}).prepare()


def test_an_integration_time_that_it_does_not_take_is_refused():
    with (
        transcript(
            *READY, (b":SENS:VOLT:NPLC 60", b""), *timing(nplc=b"5.00"),
        ) as session,
        pytest.raises(RefusedError, match=r"stays at nplc = 5 where 60 is asked for.*60 Hz"),
    ):  # fmt: skip
        Keithley2182A("nv", session, {"nplc": 60.0}).prepare()


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({}, 0.2),  # 5 cycles of 20 ms, twice for autozero
        ({"zero": b"0"}, 0.1),
        ({"line": b"60", "zero": b"0", "nplc": b"6"}, 0.1),
        ({"digital": b"1", "count": b"100", "kind": b"REP"}, 20.0),
        ({"digital": b"1", "count": b"100", "kind": b"MOV"}, 20.0),  # while its stack fills
        ({"low": b"1"}, 0.325),
        ({"delay": b"4.000"}, 4.2),
    ],
)
def test_the_time_out_follows_from_the_settings_and_ends_with_the_reading(settings, seconds):
    with transcript(*READY, *timing(**settings), QUIET, (b":READ?", b"+1.5E-06")) as session:
        meter = Keithley2182A("nv", session, {})
        meter.prepare()
        assert meter.reading_s == pytest.approx(seconds)
        heard = []
        query = session.query
        session.query = lambda command: (heard.append(session.timeout_s), query(command))[1]
        assert meter.read() == pytest.approx([1.5e-6])
        assert heard == [pytest.approx(max(2.0, 1.25 * seconds + 1.0))]
        assert session.timeout_s == 2.0


@pytest.mark.parametrize("spelled", [b"-9.90000000E+37", b"+9.9E37"])  # as the manual has it
def test_a_reading_beyond_the_range_is_no_number_and_a_fault_once(spelled):
    with transcript((b":READ?", spelled), QUIET, QUIET, (b":READ?", b"+1.0E-06"), QUIET) as session:
        meter = Keithley2182A("nv", session, {})
        assert math.isnan(meter.read()[0])
        assert meter.faults() == ("input 1 beyond its range",)
        assert meter.faults() == ()
        meter.read()
        assert meter.faults() == ()


FREE = ((b":SENS:FUNC?", b'"VOLT:DC"'), (b":SENS:CHAN?", b"1"), (b":FORM:ELEM?", b"READ"))
COUNTS = ((b":TRIG:COUN?", b"1"), (b":SAMP:COUN?", b"1"))


def test_a_display_shows_new_values_of_a_meter_that_measures_by_itself_and_sets_nothing():
    with transcript(
        *FREE, *timing(), (b":INIT:CONT?", b"1"),
        (b":FETC?", b"+1.0E-06"), (b":FETC?", b"+2.0E-06"),
    ) as session:  # fmt: skip
        meter = Keithley2182A("nv", session, {})
        assert [meter.monitor()[0], meter.monitor()[0]] == [1e-6, 2e-6]


def test_a_display_takes_a_reading_of_its_own_of_a_meter_at_rest():
    with transcript(
        *FREE, *timing(), (b":INIT:CONT?", b"0"), *COUNTS, (b":TRIG:SOUR?", b"IMM"),
        (b":READ?", b"+1.0E-06"), (b":READ?", b"+2.0E-06"),
    ) as session:  # fmt: skip
        meter = Keithley2182A("nv", session, {})
        assert [meter.monitor()[0], meter.monitor()[0]] == [1e-6, 2e-6]


def test_a_display_looks_anew_at_how_it_is_set_up_after_a_link_that_broke():
    with transcript(
        *FREE, *timing(), (b":INIT:CONT?", b"1"), (b":FETC?", b"+1.0E-06"),
        (b"*IDN?", IDENTITY), (b":SENS:FUNC?", b'"TEMP"'),
    ) as session:  # fmt: skip
        meter = Keithley2182A("nv", session, {})
        assert meter.monitor()[0] == 1e-6
        session.reconnect()
        assert math.isnan(meter.monitor()[0])


@pytest.mark.parametrize(
    "exchanges",
    [
        ((b":SENS:FUNC?", b'"TEMP"'),),
        (FREE[0], (b":SENS:CHAN?", b"2")),
        (*FREE[:2], (b":FORM:ELEM?", b"READ,CHAN")),
        (*FREE, *timing(digital=b"1", count=b"100"), (b":INIT:CONT?", b"1")),  # 20 s
        (*FREE, *timing(), (b":INIT:CONT?", b"0"), COUNTS[0], (b":SAMP:COUN?", b"5")),
        (*FREE, *timing(), (b":INIT:CONT?", b"0"), *COUNTS, (b":TRIG:SOUR?", b"EXT")),
    ],
)
def test_a_display_shows_none_where_no_quick_reading_of_the_input_is_to_be_had(exchanges):
    with transcript(*exchanges) as session:
        meter = Keithley2182A("nv", session, {})
        assert math.isnan(meter.monitor()[0])
        assert math.isnan(meter.monitor()[0])


@pytest.mark.parametrize(
    ("exchanges", "words"),
    [
        (((b":SENS:FUNC?", b'"TEMP"'),), "measures temperature.*DCV1"),
        (((b":SENS:FUNC?", b'"VOLT"'), (b":TRIG:SOUR?", b"BUS")), "bus trigger.*IMM or EXT"),
        ((*READY[1:3], (b":SENS:VOLT:RAT?", b"1"), *PLAIN[1:]), "the ratio V1/V2.*Press DCV1"),
        (
            (*READY[1:3], PLAIN[0], (b":SENS:VOLT:DELT?", b"1"), PLAIN[2]),
            "delta readings, expected voltages",
        ),
        ((*READY[1:3], *PLAIN[:2], (b":CALC:STAT?", b"1")), r"mX\+b or %, expected voltages"),
    ],
)
def test_a_mode_that_no_reading_can_rest_on_is_refused(exchanges, words):
    with (
        transcript((b"*IDN?", IDENTITY), *exchanges) as session,
        pytest.raises(RefusedError, match=words),
    ):
        Keithley2182A("nv", session, {}).prepare()


def test_errors_are_drained_in_words():
    with transcript(
        (b":SYST:ERR?", b'-213,"Init ignored"'), (b":SYST:ERR?", b'+0,"No Error"')
    ) as session:
        assert Keithley2182A("nv", session, {}).errors() == ("-213 Init ignored",)


def test_settings_are_in_units():
    with transcript(
        (b":SENS:FUNC?", b'"VOLT:DC"'), (b":SENS:CHAN?", b"1"),
        (b":SENS:VOLT:CHAN1:RANG?", b"0.010000"), (b":SENS:VOLT:CHAN1:RANG:AUTO?", b"1"),
        (b":SENS:VOLT:CHAN1:REF:STAT?", b"0"), (b":TRIG:SOUR?", b"IMM"), *PLAIN,
        *timing(kind=b"REP"),
    ) as session:  # fmt: skip
        assert Keithley2182A("nv", session, {}).settings() == {
            "function": "voltage", "input": 1, "range_V": 0.01, "autorange": "on",
            "relative": "off", "trigger": "immediate", "nplc": 5.0, "line_Hz": 50.0,
            "autozero": "on", "analogue_filter": "off", "digital_filter": "off",
            "filter_count": 10, "filter_type": "repeating", "reading_s": pytest.approx(0.2),
        }  # fmt: skip


def test_what_rel_subtracts_is_a_setting():
    with transcript(
        (b":SENS:FUNC?", b'"VOLT:DC"'), (b":SENS:CHAN?", b"1"),
        (b":SENS:VOLT:CHAN1:RANG?", b"0.010000"), (b":SENS:VOLT:CHAN1:RANG:AUTO?", b"1"),
        (b":SENS:VOLT:CHAN1:REF:STAT?", b"1"), (b":TRIG:SOUR?", b"IMM"),
        (b":SENS:VOLT:CHAN1:REF?", b"+1.250000E-06"), *PLAIN, *timing(),
    ) as session:  # fmt: skip
        found = Keithley2182A("nv", session, {}).settings()
    assert (found["relative"], found["relative_V"]) == ("on", 1.25e-6)


def test_a_trigger_s_delay_is_a_setting():
    with transcript(
        (b":SENS:FUNC?", b'"VOLT:DC"'), (b":SENS:CHAN?", b"1"),
        (b":SENS:VOLT:CHAN1:RANG?", b"0.010000"), (b":SENS:VOLT:CHAN1:RANG:AUTO?", b"1"),
        (b":SENS:VOLT:CHAN1:REF:STAT?", b"0"), (b":TRIG:SOUR?", b"IMM"), *PLAIN,
        *timing(delay=b"2.500"),
    ) as session:  # fmt: skip
        found = Keithley2182A("nv", session, {}).settings()
    assert (found["trigger_delay_s"], found["reading_s"]) == (2.5, pytest.approx(0.2))


@pytest.mark.parametrize("reply", [b"+1.5E-06,+1", b"+1.5E-0", b"+1.5", b"OVRFLW"])
def test_a_spoilt_reading_is_an_error(reply):
    with transcript((b":READ?", reply)) as session, pytest.raises(LinkError, match="1 number"):
        Keithley2182A("nv", session, {}).read()


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({}, ""),
        ({"input": 2, "nplc": 5}, ""),
        ({"input": 3}, "1 or 2"),
        ({"nplc": 100.0}, "0.01 to 60"),
        ({"nplc": "fast"}, "must be a number"),
    ],
)
def test_a_bench_file_names_input_and_integration_time(values, problem):
    table = Table(values, "readout.nv", [])
    table.known(*Keithley2182A.KEYS)
    options = Keithley2182A.options(table)
    assert problem in "".join(table.problems)
    assert bool(table.problems) == bool(problem)
    assert options["input"] == values.get("input", 1)
