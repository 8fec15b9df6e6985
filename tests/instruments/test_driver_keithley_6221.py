"""The 6221 driver says what its manual says, and leaves no current on, however a reading ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from beside import Steady, beside
from scripted import scripted, transcript

from instruments.clock import Stop
from instruments.drivers.keithley_6221 import Keithley6221
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.toml_table import Table
from instruments.virtual import keithley_6221
from instruments.visa import VisaSession, resource_manager
from models.errors import RefusedError, StoppedError, TwinrigError

IDENTITY = b"KEITHLEY INSTRUMENTS INC.,MODEL 6221,4559777,D04  /700x"
QUIET = (b":SYST:ERR?", b'0,"No Error"')
UNFILTERED = (b":SENS:AVER:STAT?", b"0")
OFF = ((b":SOUR:SWE:ABOR", b""), (b":OUTP OFF", b""), (b":OUTP?", b"0"))
BENCH = {"current_A": 1e-3, "delay_s": 0.005, "count": 2}
SET = (
    (b":FORM:ELEM READ", b""), (b":TRAC:FEED:CONT NEV", b""), (b":TRAC:FEED SENS1", b""),
    (b":UNIT V", b""), (b":SOUR:DELT:HIGH 0.001", b""),
    (b":SOUR:DELT:LOW -0.001", b""), (b":SOUR:DELT:DEL 0.005", b""), (b":SOUR:DELT:COUN 2", b""),
    (b":TRAC:POIN 2", b""),
)  # fmt: skip
READ_BACK = (
    (b":SOUR:DELT:HIGH?", b"1.000000E-03"), (b":SOUR:DELT:LOW?", b"-1.000000E-03"),
)  # fmt: skip
BEGUN = ((b":TRAC:CLE", b""), (b":TRAC:FEED:CONT NEXT", b""), (b":SOUR:DELT:ARM", b""))
RUNS = (*BEGUN, (b":SOUR:DELT:ARM?", b"1"), (b":INIT:IMM", b""))


def test_another_keithley_is_another_instrument():
    with (
        transcript((b"*IDN?", b"KEITHLEY INSTRUMENTS INC.,MODEL 2400,1,C32")) as session,
        pytest.raises(WrongInstrumentError, match=r"2400.*expected KEITHLEY.*6221"),
    ):
        Keithley6221("delta", session, BENCH).identify()


def test_prepare_ends_what_runs_and_sets_the_delta_mode():
    with transcript(
        (b"*IDN?", IDENTITY), *OFF, (b":SYST:ERR?", b'-221,"Settings conflict"'), QUIET,
        (b":SOUR:DELT:NVPR?", b"1"), *SET,
        *READ_BACK, (b":UNIT?", b"V"), UNFILTERED, QUIET,
    ) as session:  # fmt: skip
        meter = Keithley6221("delta", session, BENCH)
        meter.prepare()
        assert meter.reading_s == pytest.approx(4 * 1.005)


def test_a_repeating_filter_makes_a_reading_so_much_longer():
    with transcript(
        (b"*IDN?", IDENTITY), *OFF, QUIET, (b":SOUR:DELT:NVPR?", b"1"), *SET, *READ_BACK,
        (b":UNIT?", b"V"), (b":SENS:AVER:STAT?", b"1"), (b":SENS:AVER:TCON?", b"REP"),
        (b":SENS:AVER:COUN?", b"10"), QUIET,
    ) as session:  # fmt: skip
        meter = Keithley6221("delta", session, BENCH)
        meter.prepare()
        assert meter.reading_s == pytest.approx(10 * 4 * 1.005)


def test_a_unit_that_is_not_taken_is_an_error_not_volts():
    with (
        transcript(
            (b"*IDN?", IDENTITY), *OFF, QUIET, (b":SOUR:DELT:NVPR?", b"1"), *SET,
            *READ_BACK, (b":UNIT?", b"OHMS"),
        ) as session,
        pytest.raises(LinkError, match=r"Ohm.*V as it was set"),
    ):  # fmt: skip
        Keithley6221("delta", session, BENCH).prepare()


def test_without_a_nanovoltmeter_it_is_refused_with_nothing_set():
    with (
        transcript((b"*IDN?", IDENTITY), *OFF, QUIET, (b":SOUR:DELT:NVPR?", b"0")) as session,
        pytest.raises(RefusedError, match=r"no 2182A on its RS-232.*Switch the 2182A on"),
    ):
        Keithley6221("delta", session, BENCH).prepare()


def test_a_current_that_it_does_not_take_is_an_error():
    with (
        transcript(
            (b"*IDN?", IDENTITY), *OFF, QUIET, (b":SOUR:DELT:NVPR?", b"1"), *SET,
            (b":SOUR:DELT:HIGH?", b"1.000000E-05"),
        ) as session,
        pytest.raises(LinkError, match=r"1e-05.*expected 0\.001 A as it was set"),
    ):  # fmt: skip
        Keithley6221("delta", session, BENCH).prepare()


@pytest.mark.parametrize(("there", "count"), [(b"1", 0), (b"0", 1)])
def test_a_nanovoltmeter_that_is_missing_is_told_without_a_set(there, count):
    with transcript((b":SOUR:DELT:NVPR?", there)) as session:
        assert len(Keithley6221("delta", session, {"current_A": 1e-3}).unready()) == count


def test_a_setting_that_it_refuses_is_heard():
    with (
        transcript(
            (b"*IDN?", IDENTITY), *OFF, QUIET, (b":SOUR:DELT:NVPR?", b"1"), *SET,
            *READ_BACK, (b":UNIT?", b"V"), UNFILTERED,
            (b":SYST:ERR?", b'-222,"Parameter data out of range"'), QUIET,
        ) as session,
        pytest.raises(TwinrigError, match=r"out of range \(±\S+ A.*were set.*fixed range"),
    ):  # fmt: skip
        Keithley6221("delta", session, BENCH).prepare()


def test_a_reading_is_the_mean_of_one_run_and_ends_with_the_output_off():
    with transcript(
        *RUNS, (b":TRAC:POIN:ACT?", b"1"), (b":TRAC:POIN:ACT?", b"2"),
        (b":TRAC:DATA?", b"+1.00000000E-06,+2.00000000E-06"), *OFF,
    ) as session:  # fmt: skip
        meter = Keithley6221("delta", session, {**BENCH, "channels": ("V", "R")})
        assert meter.units == ("V", "Ohm")
        assert meter.read() == pytest.approx([1.5e-6, 1.5e-3])
        assert np.isnan(meter.monitor()).tolist() == [True, True]  # not a byte, and nothing old


def test_a_display_drives_no_current_through_the_sample():
    with transcript() as session:
        assert np.isnan(Keithley6221("delta", session, BENCH).monitor()).all()


def test_the_time_out_follows_from_count_and_delay():
    with transcript(
        *RUNS, (b":TRAC:POIN:ACT?", b"2"), (b":TRAC:DATA?", b"+1.0E-06,+2.0E-06"), *OFF
    ) as session:
        meter = Keithley6221("delta", session, BENCH)
        assert meter.reading_s == pytest.approx(4 * 1.005)  # conversions: two more than readings
        heard = {}
        query = session.query
        session.query = lambda command: (
            heard.update({command: session.timeout_s}), query(command)
        )[1]  # fmt: skip
        meter.read()
    assert heard[":TRAC:DATA?"] == pytest.approx(1.25 * 4 * 1.005 + 1.0)
    assert heard[":OUTP?"] == session.timeout_s == 2.0


@pytest.mark.parametrize("spelled", [b"+9.9E37", b"-9.90000000E+37"])
def test_an_overflow_is_no_number_and_a_fault_once(spelled):
    with transcript(
        *RUNS, (b":TRAC:POIN:ACT?", b"2"), (b":TRAC:DATA?", b"+1.0E-06," + spelled), *OFF,
        QUIET, QUIET,
    ) as session:  # fmt: skip
        meter = Keithley6221("delta", session, BENCH)
        assert math.isnan(meter.read()[0])
        assert meter.faults() == ("1 delta reading(s) overflown",)
        assert meter.faults() == ()


@pytest.mark.parametrize("reply", [b"+1.0E-06", b"+1.0E-06,+9.9E3", b"+1.0E-06,+2.0E-0"])
def test_a_spoilt_answer_is_an_error_and_switched_off(reply):
    with (
        transcript(
            *RUNS, (b":TRAC:POIN:ACT?", b"2"), (b":TRAC:DATA?", reply), (b"*IDN?", IDENTITY), *OFF
        ) as session,
        pytest.raises(LinkError, match="2 number"),
    ):  # fmt: skip
        Keithley6221("delta", session, BENCH).read()


def test_what_does_not_arm_is_an_error_and_switched_off():
    # an answer that can't be leaves the link dirty: it is drained and identified before the way off
    with (
        transcript(*BEGUN, (b":SOUR:DELT:ARM?", b"0"), (b"*IDN?", IDENTITY), *OFF) as session,
        pytest.raises(LinkError, match="1, armed"),
    ):
        Keithley6221("delta", session, BENCH).read()


def test_a_run_that_never_ends_is_an_error_and_switched_off():
    with beside(twin()) as session:
        meter = Keithley6221("delta", session, BENCH)
        meter.prepare()
        session.write(":TRAC:POIN 1")  # somebody's hand: never two in the buffer
        meter.reading_s, session.timeout_s = -1.0, 0.2  # not the seconds that two readings may take
        with pytest.raises(LinkError, match=r"2 reading\(s\) within"):
            meter.read()
        assert UNITS[-1].output_on is False


def answers(*replies: tuple[bytes, bytes]):
    """An instrument that answers so, however often it is asked."""
    known = dict(replies)
    return scripted(lambda message: known[message] + b"\n" if b"?" in message else b"")


def session_to(instrument) -> VisaSession:
    return VisaSession(
        instrument.resource, rm=resource_manager(), name="unit", stop=Stop(), timeout_s=2.0
    )


def test_an_output_that_stays_on_is_an_error_and_close_tries_again():
    with answers(
        (b":SOUR:DELT:ARM?", b"1"), (b":TRAC:POIN:ACT?", b"2"),
        (b":TRAC:DATA?", b"+1.0E-06,+2.0E-06"), (b":OUTP?", b"1"), (b"*IDN?", IDENTITY),
    ) as instrument:  # fmt: skip
        meter = Keithley6221("delta", session_to(instrument), BENCH)
        with pytest.raises(LinkError, match="0, output off"):
            meter.read()
        assert instrument.heard.count(b":OUTP OFF") == 1
        meter.close()
        assert instrument.heard.count(b":OUTP OFF") == 2


def test_closing_without_a_reading_sends_nothing():
    with answers() as instrument:
        Keithley6221("delta", session_to(instrument), BENCH).close()
        assert instrument.heard == []


UNITS = []


def twin():
    """A twin on a steady source; the last one made is `UNITS[-1]`."""

    def make(device_time):
        UNITS.append(keithley_6221.Keithley6221(device_time, Steady(device_time)))
        return UNITS[-1]

    return make


def test_a_request_to_stop_within_a_reading_ends_with_the_output_off():
    with beside(twin()) as session:
        meter, unit = Keithley6221("delta", session, BENCH), UNITS[-1]
        meter.prepare()
        initiate = unit._source.gate

        def gate():
            assert unit.output_on
            session._stop.request()
            return initiate()

        unit._source.gate = gate
        with pytest.raises(StoppedError):
            meter.read()
        assert not unit.output_on
        assert not unit.armed


def test_errors_are_drained_in_words():
    with transcript((b":SYST:ERR?", b'-221,"Settings conflict"'), QUIET) as session:
        assert Keithley6221("d", session, BENCH).errors() == ("-221 Settings conflict",)


def test_what_math_makes_of_the_readings_is_not_what_is_read():
    with beside(twin()) as session:
        meter = Keithley6221("delta", session, BENCH)
        for order in ("CALC:KMAT:MMF 1000", "CALC:STAT ON", "TRAC:FEED:CONT NEXT"):
            session.write(order)
        meter.prepare()
        assert meter.read() == pytest.approx([5e-5], rel=1e-3)


def test_a_filter_that_is_on_is_a_setting():
    with beside(twin()) as session:
        meter = Keithley6221("delta", session, BENCH)
        before = meter.settings()
        session.write("SENS:AVER ON")
        assert meter.settings() == before | {"filter": "moving", "filter_count": 10}


def test_settings_are_in_units():
    with transcript(
        UNFILTERED, *READ_BACK,
        (b":SOUR:DELT:DEL?", b"5.000000E-03"), (b":SOUR:DELT:COUN?", b"2"),
        (b":SOUR:CURR:COMP?", b"1.000000E+01"), (b":SOUR:DELT:CAB?", b"0"), (b":UNIT?", b"V"),
    ) as session:  # fmt: skip
        assert Keithley6221("delta", session, BENCH).settings() == {
            "high_A": 1e-3, "low_A": -1e-3, "delay_s": 0.005, "count": 2, "compliance_V": 10.0,
            "compliance_abort": "off", "unit": "V", "channels": ["V"],
        }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"current_A": 1e-3}, ""),
        ({"current_A": 1e-3, "delay_s": 0.1, "count": 5, "channels": ["V", "R"]}, ""),
        ({}, "current_A is missing"),
        ({"current_A": -1e-3}, "above 0"),
        ({"current_A": 0.2}, "at most 0.105 A"),
        ({"current_A": 1e-3, "delay_s": 1e-4}, "0.001 s to"),
        ({"current_A": 1e-3, "count": 0}, "1 to 65536"),
        ({"current_A": 1e-3, "channels": ["I"]}, "channel 'I' is unknown"),
    ],
)
def test_a_bench_file_names_current_delay_and_count(values, problem):
    table = Table(values, "readout.delta", [])
    table.known(*Keithley6221.KEYS)
    Keithley6221.options(table)
    assert problem in "".join(table.problems)
    assert bool(table.problems) == bool(problem)
