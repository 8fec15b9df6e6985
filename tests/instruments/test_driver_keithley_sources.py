"""Keithley 2400 and 2450 as current sources: transcripts of bytes sent and answered."""

from __future__ import annotations

import pytest
from scripted import transcript

from instruments.drivers.keithley_2400 import Keithley2400
from instruments.drivers.keithley_2450 import Keithley2450
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.protocols import ElsewhereError, MagnetState, SourcesVoltageError
from instruments.toml_table import Table
from models.errors import RefusedError, TwinrigError

IDENTITY_2400 = b"KEITHLEY INSTRUMENTS INC.,MODEL 2400,4103187,C32   Oct  4 2010 14:20:11/A02  /U/K"
IDENTITY_2450 = b"KEITHLEY INSTRUMENTS,MODEL 2450,04386922,1.7.12b"
NO_ERROR = (b":SYST:ERR?", b'0,"No error"')
FIVE = b"VOLT,CURR,RES,TIME,STAT"
CURRENT, VOLTAGE = (b":SOUR:FUNC?", b"CURR"), (b":SOUR:FUNC?", b"VOLT")
FIXED, SWEEP = (b":SOUR:CURR:MODE?", b"FIX"), (b":SOUR:CURR:MODE?", b"SWE")
ONE_READING = (
    FIXED, (b":ARM:COUN?", b"1"), (b":TRIG:COUN?", b"1"), (b":SENS:FUNC?", b'"VOLT:DC","CURR:DC"'),
)  # fmt: skip
BOTH = pytest.mark.parametrize("driver", [Keithley2400, Keithley2450])


def test_a_2400_identifies_and_reads_its_rating():
    with transcript((b"*IDN?", IDENTITY_2400)) as session:
        source = Keithley2400("x", session, {})
        assert source.identify() == IDENTITY_2400.decode()
        assert (source.rated_current_A, source.rated_voltage_V) == (1.05, 210.0)


def test_a_2450_identifies_and_speaks_scpi():
    with transcript((b"*IDN?", IDENTITY_2450), (b"*LANG?", b"SCPI")) as session:
        source = Keithley2450("x", session, {})
        assert source.identify() == IDENTITY_2450.decode()
        assert source.rated_current_A == 1.05


@pytest.mark.parametrize(
    ("driver", "model", "above_V", "most_A"),
    [
        (Keithley2400, "2400", 21.0, 0.105), (Keithley2400, "2440", 10.5, 1.05),
        (Keithley2450, "2450", 21.0, 0.105),
    ],
)  # fmt: skip
def test_the_largest_current_and_voltage_do_not_go_together(driver, model, above_V, most_A):
    identity = f"KEITHLEY INSTRUMENTS,MODEL {model},1,1".encode()
    language = ((b"*LANG?", b"SCPI"),) if driver is Keithley2450 else ()
    with transcript((b"*IDN?", identity), *language) as session:
        source = driver("x", session, {})
        source.identify()
    rated_A = source.rated_current_A
    words = f"gives {most_A} A at most with a voltage limit above {above_V:g} V"
    assert source.beyond_envelope(rated_A, above_V + 0.5) == words
    assert not source.beyond_envelope(rated_A, above_V)
    assert not source.beyond_envelope(most_A, source.rated_voltage_V)


@pytest.mark.parametrize("language", [b"TSP", b"SCPI2400"])
def test_a_2450_in_another_language_says_how_to_change_it(language):
    with (
        transcript((b"*IDN?", IDENTITY_2450), (b"*LANG?", language)) as session,
        pytest.raises(RefusedError, match=f"{language.decode()}, not SCPI.*MENU.*LANG SCPI"),
    ):
        Keithley2450("x", session, {}).identify()


@pytest.mark.parametrize(
    ("driver", "identity"),
    [
        (Keithley2400, IDENTITY_2450),
        (Keithley2450, IDENTITY_2400),
        (Keithley2400, b"KEITHLEY INSTRUMENTS INC.,MODEL 2182A,1340129,C02  /A02"),
        (Keithley2450, b"KEITHLEY INSTRUMENTS INC.,MODEL 6221,1,A"),
    ],
)
def test_another_model_is_an_error(driver, identity):
    with transcript((b"*IDN?", identity)) as session, pytest.raises(WrongInstrumentError):
        driver("x", session, {}).identify()


@pytest.mark.parametrize(
    ("driver", "limit"), [(Keithley2400, b":SENS:VOLT:PROT"), (Keithley2450, b":SOUR:CURR:VLIM")]
)
def test_the_voltage_limit_is_an_input_of_an_interlock(driver, limit):
    with transcript(
        (b":OUTP?", b"0"),
        (b":OUTP?", b"1"), (limit + b":TRIP?", b"0"),
        (b":OUTP?", b"1"), (limit + b":TRIP?", b"1"), (limit + b"?", b"2.100000E+01"),
    ) as session:  # fmt: skip
        found = [driver("x", session, {}).status_problem("voltage limit") for _ in range(3)]
    assert found == [None, None, "at its voltage limit of 21 V"]


@BOTH
def test_sets_plain_numbers_and_switches_the_output(driver):
    with transcript(
        (b":SOUR:CURR 0.500000", b""), (b":SOUR:CURR -0.000003", b""), (b":SOUR:CURR?", b"-3E-6"),
        (b":OUTP ON", b""), (b":OUTP OFF", b""),
    ) as session:  # fmt: skip
        source = driver("x", session, {})
        source.set_current_A(0.5)
        source.set_current_A(-3.2e-6)
        assert source.setpoint_A() == -3e-6
        source.output(True)
        source.output(False)


@BOTH
def test_no_reading_is_asked_for_while_the_output_is_off(driver):
    with transcript((b":OUTP?", b"0")) as session:
        assert driver("x", session, {}).measured_A() == 0.0


def test_a_2400s_reading_is_found_among_its_elements():
    with transcript(
        (b":OUTP?", b"1"), CURRENT, FIXED, (b":FORM:ELEM?", FIVE),
        (b":READ?", b"+1.0E+00,+9.98E-02,+9.91E+37,+4.4E+01,+2.1532E+04"),
        (b":OUTP?", b"1"), FIXED, (b":FORM:ELEM?", b"CURR"), (b":READ?", b"+9.97E-02"),
    ) as session:  # fmt: skip
        source = Keithley2400("x", session, {})
        assert source.measured_A() == 0.0998
        assert source.measured_A() == 0.0997


@pytest.mark.parametrize(
    "exchanges",
    [
        [(b":FORM:ELEM?", b"VOLT,RES")],
        [(b":FORM:ELEM?", b"VOLT,CURR"), (b":READ?", b"+1.0E+00,+9.91E+37")],  # not measured
        [(b":FORM:ELEM?", b"VOLT,CURR"), (b":READ?", b"+1.0E+00")],
        [(b":FORM:ELEM?", b"VOLT,CURR"), (b":READ?", b"+1E+00,+1E-01,+1E+00,+1E-01")],
    ],
)
def test_a_2400s_reading_that_is_none_is_an_error(exchanges):
    begin = ((b":OUTP?", b"1"), CURRENT, FIXED)
    with transcript(*begin, *exchanges) as session, pytest.raises(LinkError):
        Keithley2400("x", session, {}).measured_A()


def test_a_2400_reads_its_state():
    with transcript(
        (b":SOUR:FUNC?", b"CURR"),
        (b":OUTP?", b"1"),
        (b":SOUR:CURR?", b"1.000000E-01"),
        FIXED,
        (b":OUTP?", b"1"),
        FIXED,
        (b":FORM:ELEM?", b"CURR"),
        (b":READ?", b"+5.0E-02"),
        (b":SENS:VOLT:PROT?", b"2.100000E+01"),
        (b":SENS:VOLT:PROT:TRIP?", b"1"),
        (b":SYST:ERR?", b'803,"Not permitted with OUTPUT off"'),
        NO_ERROR,
    ) as session:
        assert Keithley2400("x", session, {}).state() == MagnetState(
            current_A=0.05,
            setpoint_A=0.1,
            output_on=True,
            status=("sourcing current",),
            errors=("803 Not permitted with OUTPUT off",),
            faults=("at its voltage limit of 21 V",),
            inputs=(("voltage limit", "at its voltage limit of 21 V"),),
        )


def test_a_2450_reads_its_state_and_the_read_back_of_its_source():
    with transcript(
        (b":SOUR:FUNC?", b"CURR"),
        (b":OUTP?", b"1"),
        (b":SOUR:CURR?", b"0.1"),
        (b":OUTP?", b"1"),
        (b':READ? "defbuffer1", SOUR', b"9.9987E-02"),
        (b":SOUR:CURR:VLIM?", b"21"),
        (b":SOUR:CURR:VLIM:TRIP?", b"0"),
        (b":SYST:ERR?", b'0,"No error;0;0 0"'),
    ) as session:
        state = Keithley2450("x", session, {}).state()
        assert (state.current_A, state.setpoint_A, state.output_on) == (0.099987, 0.1, True)
        assert state.faults == state.errors == ()


def test_a_state_with_the_output_off_asks_for_no_reading():
    with transcript(
        (b":SOUR:FUNC?", b"VOLT"), (b":OUTP?", b"0"), (b":SOUR:CURR?", b"0"),
        (b":SENS:VOLT:PROT?", b"21"), NO_ERROR,
    ) as session:  # fmt: skip
        state = Keithley2400("x", session, {}).state()
        assert (state.current_A, state.output_on, state.faults) == (0.0, False, ())
        assert state.status == ("sourcing voltage",)


def test_control_that_is_there_is_not_taken():
    with transcript((b":SOUR:FUNC?", b"CURR"), *ONE_READING, (b":SOUR:CLE:AUTO?", b"0")) as session:
        assert Keithley2400("x", session, {}).take_control(0.1) == ()
    with transcript((b":SOUR:FUNC?", b"CURR"), (b":SOUR:CURR:READ:BACK?", b"1")) as session:
        assert Keithley2450("x", session, {}).take_control(0.1) == ()


def test_a_2400_that_is_off_becomes_a_current_source_whose_output_stays_on():
    with transcript(
        (b":SOUR:FUNC?", b"VOLT"), (b":OUTP?", b"0"), (b":SOUR:CURR 0.000000", b""),
        (b":SOUR:FUNC CURR", b""), *ONE_READING,
        (b":SOUR:CLE:AUTO?", b"1"), (b":SOUR:CLE:AUTO OFF", b""),
    ) as session:  # fmt: skip
        assert Keithley2400("x", session, {}).take_control(0.1) == (
            "changed from sourcing voltage to current",
            "automatic output-off was switched off",
        )


def test_a_2400_is_made_to_measure_its_current_and_not_to_sweep_it():
    with transcript(
        (b":SOUR:FUNC?", b"CURR"), SWEEP, (b":OUTP?", b"0"),
        (b":SOUR:CURR:MODE FIX", b""), (b":ARM:COUN?", b"1"), (b":TRIG:COUN?", b"51"),
        (b":TRIG:COUN 1", b""), (b":SENS:FUNC?", b'"VOLT:DC"'), (b":SENS:FUNC:CONC ON", b""),
        (b":SENS:FUNC 'CURR'", b""), (b":SOUR:CLE:AUTO?", b"0"),
    ) as session:  # fmt: skip
        assert Keithley2400("x", session, {}).take_control(0.1) == (
            "changed from a sweep to a fixed current",
            ":TRIG:COUN was set to one reading",
            "its current is measured from now on (it had answered the one set)",
        )


def test_a_2400s_sweep_is_never_started_by_a_look_at_its_current():
    with (
        transcript((b":OUTP?", b"1"), CURRENT, SWEEP, SWEEP) as session,
        pytest.raises(RefusedError, match=r"a sweep.*would start.*front panel"),
    ):
        Keithley2400("x", session, {}).measured_A()
    voltages = (b":SOUR:VOLT:MODE?", b"SWE")
    with (
        transcript((b":OUTP?", b"1"), VOLTAGE, voltages, voltages) as session,
        pytest.raises(RefusedError, match=r"a sweep.*would start.*front panel"),
    ):
        Keithley2400("x", session, {}).measured_A()
    with (
        transcript(VOLTAGE, voltages, voltages) as session,
        pytest.raises(RefusedError, match=r"a sweep.*would start.*front panel"),
    ):
        Keithley2400("x", session, {}).load_VA()
    with (
        transcript((b":SOUR:FUNC?", b"CURR"), SWEEP, (b":OUTP?", b"1"), SWEEP) as session,
        pytest.raises(RefusedError, match=r"a sweep.*would start.*front panel"),
    ):
        Keithley2400("x", session, {}).take_control(0.1)


def test_a_2450_is_made_to_read_its_source_back():
    with transcript(
        (b":SOUR:FUNC?", b"CURR"), (b":SOUR:CURR:READ:BACK?", b"0"),
        (b":SOUR:CURR:READ:BACK ON", b""),
    ) as session:  # fmt: skip
        assert Keithley2450("x", session, {}).take_control(0.1) == (
            "source read-back was switched on",
        )


def test_a_2400_measures_volts_and_amperes_before_its_voltage_is_walked():
    with transcript(
        VOLTAGE, (b":SOUR:VOLT:MODE?", b"FIX"), (b":ARM:COUN?", b"1"), (b":TRIG:COUN?", b"1"),
        (b":SENS:FUNC?", b'"RES"'), (b":SENS:FUNC:CONC ON", b""), (b":SENS:FUNC 'CURR'", b""),
        (b":SOUR:CLE:AUTO?", b"1"), (b":SOUR:CLE:AUTO OFF", b""),
        (b":SENS:FUNC?", b'"CURR:DC"'), (b":SENS:FUNC:CONC ON", b""), (b":SENS:FUNC 'VOLT'", b""),
        (b":FORM:ELEM VOLT,CURR,RES,TIME,STAT", b""), (b":FORM:ELEM?", FIVE),
        (b":READ?", b"+1.0E+00,-9.98E-02,+9.91E+37,+4.4E+01,+2.1532E+04"),
        (b":SOUR:VOLT?", b"1.500000E+00"), (b":SOUR:VOLT 0.01200", b""),
    ) as session:  # fmt: skip
        source = Keithley2400("x", session, {})
        assert source.load_VA() == (1.0, -0.0998)
        assert source.sourced_V() == 1.5
        source.set_voltage_V(0.012)


def test_a_2450_measures_its_current_while_it_sources_a_voltage():
    read = (b':MEAS:CURR? "defbuffer1", SOUR, READ', b"1.0E+00,-9.98E-02")
    with transcript(
        (b":OUTP?", b"1"), VOLTAGE, (b":SOUR:VOLT:READ:BACK?", b"0"),
        (b":SOUR:VOLT:READ:BACK ON", b""), read, (b":SOUR:VOLT:READ:BACK?", b"1"), read,
    ) as session:  # fmt: skip
        source = Keithley2450("x", session, {})
        assert source.measured_A() == -0.0998
        assert source.load_VA() == (1.0, -0.0998)


@BOTH
def test_a_memory_sweep_that_is_on_is_not_taken_over(driver):
    with (
        transcript((b":SOUR:FUNC?", b"MEM"), (b":OUTP?", b"1")) as session,
        pytest.raises(ElsewhereError, match=r"sources memory with its output on") as caught,
    ):
        driver("x", session, {}).take_control(0.1)
    assert not isinstance(caught.value, SourcesVoltageError)  # there is no voltage to walk


@BOTH
def test_a_voltage_source_that_is_on_is_not_taken_over(driver):
    with (
        transcript((b":SOUR:FUNC?", b"VOLT"), (b":OUTP?", b"1")) as session,
        pytest.raises(SourcesVoltageError, match=r"sources voltage.*on.*front panel"),
    ):
        driver("x", session, {}).take_control(0.1)


def test_prepare_leaves_a_coil_closed_when_the_output_is_off():
    with transcript(
        (b":OUTP:SMOD?", b"NORM"), (b":OUTP:SMOD ZERO", b""), (b":OUTP:SMOD?", b"ZERO"),
        (b":SENS:VOLT:PROT?", b"2.100000E+01"), (b":SENS:VOLT:PROT 10", b""),
    ) as session:  # fmt: skip
        assert Keithley2400("x", session, {"compliance_V": 10.0}).prepare() == (
            "output-off state changed from NORM to ZERO (a coil is on it)",
            "voltage limit changed from 21 V to 10 V",
        )
    with transcript((b":OUTP:CURR:SMOD?", b"ZERO"), (b":SOUR:CURR:VLIM?", b"10")) as session:
        assert Keithley2450("x", session, {"compliance_V": 10.0}).prepare() == ()


def test_an_off_state_that_stays_is_an_error():
    normal = (b":OUTP:CURR:SMOD?", b"NORM")
    with (
        transcript(normal, (b":OUTP:CURR:SMOD ZERO", b""), normal) as session,
        pytest.raises(TwinrigError, match=r"output-off state stays NORM.*choose ZERO"),
    ):
        Keithley2450("x", session, {}).prepare()


def test_a_voltage_limit_that_is_changed_behind_our_back_is_a_fault():
    with transcript(
        (b":OUTP:SMOD?", b"ZERO"), (b":SENS:VOLT:PROT?", b"10"),
        (b":SOUR:FUNC?", b"CURR"), (b":OUTP?", b"0"), (b":SOUR:CURR?", b"0"),
        (b":SENS:VOLT:PROT?", b"21"), NO_ERROR,
    ) as session:  # fmt: skip
        source = Keithley2400("x", session, {"compliance_V": 10.0})
        source.prepare()
        assert source.state().faults == ("at a voltage limit of 21 V that the bench did not set",)


def test_settings_are_those_a_measurement_rests_on():
    with transcript(
        (b":SOUR:FUNC?", b"CURR"), (b":SOUR:CURR:RANG?", b"1.0E+00"),
        (b":SOUR:CURR:RANG:AUTO?", b"0"), (b":SENS:VOLT:PROT?", b"2.1E+01"),
        (b":SENS:VOLT:NPLC?", b"1.00"), (b":OUTP:SMOD?", b"ZERO"), (b":SOUR:CLE:AUTO?", b"0"),
        (b":ROUT:TERM?", b"FRON"),
    ) as session:  # fmt: skip
        assert Keithley2400("x", session, {}).settings() == {
            "function": "CURR", "range_A": 1.0, "auto_range": False, "compliance_V": 21.0,
            "nplc": 1.0, "off_state": "ZERO", "auto_off": False, "terminals": "FRON",
        }  # fmt: skip
    with transcript(
        (b":SOUR:FUNC?", b"CURR"), (b":SOUR:CURR:RANG?", b"1"), (b":SOUR:CURR:RANG:AUTO?", b"1"),
        (b":SOUR:CURR:VLIM?", b"21"), (b":SOUR:CURR:READ:BACK?", b"1"),
        (b":OUTP:CURR:SMOD?", b"NORM"), (b":ROUT:TERM?", b"REAR"),
    ) as session:  # fmt: skip
        settings = Keithley2450("x", session, {}).settings()
        assert settings["auto_range"] is settings["read_back"] is True
        assert settings["terminals"] == "REAR"


@BOTH
def test_the_key_of_a_bench_file_is_the_voltage_limit(driver):
    problems = []
    assert driver.options(Table({}, "magnet.x", problems)) == {"compliance_V": None}
    assert driver.options(Table({"compliance_V": 5}, "magnet.x", problems)) == {"compliance_V": 5.0}
    assert problems == []
    driver.options(Table({"compliance_V": 0}, "magnet.x", problems))
    assert problems == ["[magnet.x] compliance_V = 0 must be above 0"]
    assert driver.KEYS == ("compliance_V",)


@pytest.mark.parametrize(
    ("ask", "command", "reply"),
    [
        (lambda source: source.setpoint_A(), b":SOUR:CURR?", b"nan"),
        (lambda source: source.output_on(), b":OUTP?", b"2"),
        (lambda source: source.take_control(0.1), b":SOUR:FUNC?", b"RES"),
        (lambda source: source.errors(), b":SYST:ERR?", b"No error"),
    ],
)
@BOTH
def test_an_impossible_answer_is_an_error_that_quotes_it(driver, ask, command, reply):
    with transcript((command, reply)) as session:
        with pytest.raises(LinkError, match="answered") as caught:
            ask(driver("x", session, {}))
        assert caught.value.command == command.decode()
