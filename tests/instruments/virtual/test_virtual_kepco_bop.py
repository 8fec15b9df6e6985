"""The virtual Kepco BOP, by transcripts: what is sent, what comes back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.virtual.coil import CoilParameters
from instruments.virtual.instrument import DeviceTime
from instruments.virtual.kepco_bop import IDENTITY, LINE_LIMIT, MEASURE_S, KepcoBop
from instruments.virtual.kepco_bop_mg import KepcoBopMg
from instruments.virtual.kepco_list import LIST_LIMIT, exponent_form, kept_digits
from instruments.virtual.scpi import ScpiError

NO_ERROR = '0,"No error"'


@pytest.fixture
def kepco() -> KepcoBop:
    return KepcoBop(DeviceTime())


def ask(kepco: KepcoBop, message: str) -> str:
    kepco.receive(message.encode() + b"\n")
    reply = kepco.transmit().decode()
    assert reply.endswith("\n")
    return reply[:-1]


def tell(kepco: KepcoBop, *messages: str) -> None:
    for message in messages:
        kepco.receive(message.encode() + b"\n")
        assert kepco.transmit() == b""


def errors(kepco: KepcoBop) -> list[str]:
    found = []
    while (reply := ask(kepco, "SYST:ERR?")) != NO_ERROR:
        found.append(reply.partition(",")[0])
    return found


def test_it_names_itself_with_two_blanks_inside(kepco):
    assert ask(kepco, "*IDN?") == "KEPCO,BIT 4886 36-12  08-04-2023,H249977,4.04-1.82" == IDENTITY


def test_it_is_found_in_current_mode_at_zero_with_its_output_off(kepco):
    assert ask(kepco, "FUNC:MODE?;:CURR?;VOLT?;:OUTP?") == "1;0.0E0;3.6E1;0"
    assert errors(kepco) == []


@pytest.mark.parametrize(
    ("sent", "question", "answer"),
    [
        ("FUNC:MODE VOLT", "FUNC:MODE?", "0"),
        ("FUNCtion:MODE CURRent", "FUNCtion:MODE?", "1"),
        ("CURR 5.5", "CURR?", "5.5E0"),
        ("SOURce:CURRent:LEVel:IMMediate:AMPLitude -0.00499", "curr?", "-4.99E-3"),
        ("VOLT 21", "VOLT?", "2.1E1"),
        ("OUTP ON", "OUTP?", "1"),
        ("OUTP 1;OUTP OFF", "OUTP:STAT?", "0"),
        ("CURR:RANG 4", "CURR:RANG?", "4"),
        ("CURR 6", "CURR:RANG?", "1"),
        ("CURR:RANG:AUTO OFF", "CURR:RANG:AUTO?", "0"),
        ("CURR MAX", "CURR?", "1.2E1"),
        ("VOLT MIN", "VOLT?", "-3.6E1"),
        ("*ESE 60", "*ESE?", "60"),
        ("*SRE 32", "*SRE?", "32"),
        ("SYST:REM ON", "SYST:VERS?", "1997.0"),
        ("*OPC", "*OPC?", "1"),
    ],
)
def test_a_setting_reads_back(kepco, sent, question, answer):
    tell(kepco, sent)
    assert ask(kepco, question) == answer
    assert errors(kepco) == []


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("CURR 12.1", "-222"),
        ("CURR -12.1", "-222"),
        ("VOLT 36.5", "-222"),
        ("CURR", "-109"),
        ("CURR five", "-120"),
        ("CURR:RANG 2", "-224"),
        ("FUNC:MODE OHMS", "-224"),
        ("CURRY 1", "-113"),
        ("DIAG:TST?", "-113"),
        ("CURR:RANG 4;:CURR 3.1", "-222"),
        ("CURR 5;CURR:RANG 4", "-221"),
        ("LIST:DWEL 0.0001", "-222"),
        ("CURR:MODE LIST", "-221"),
        ("*ESE 300", "-222"),
    ],
)
def test_what_it_can_not_do_is_queued_and_nothing_is_answered(kepco, sent, code):
    tell(kepco, "CURR 1;CURR:RANG:AUTO ON", sent)
    assert errors(kepco) == [code]


def test_out_of_range_leaves_set_point_and_current_as_they_were(kepco):
    tell(kepco, "CURR 2", "OUTP ON")
    kepco.time.advance(1.0)
    tell(kepco, "CURR 99")
    assert ask(kepco, "CURR?") == "2.0E0"
    assert float(ask(kepco, "MEAS:CURR?")) == pytest.approx(2.0, abs=1e-3)
    assert errors(kepco) == ["-222"]


def test_errors_come_out_first_in_first_out_and_set_their_event_bits(kepco):
    tell(kepco, "*CLS", "CURR 99", "FOO")
    assert ask(kepco, "*ESR?") == "48"
    assert ask(kepco, "*STB?") == "4"
    assert ask(kepco, "SYST:ERR?") == '-222,"Data out of range"'
    assert ask(kepco, "SYSTem:ERRor:NEXT?") == '-113,"Undefined header"'
    assert ask(kepco, "SYST:ERR?") == NO_ERROR


def test_a_line_beyond_253_characters_is_not_carried_out(kepco):
    fits = "CURR 1" + " " * (LINE_LIMIT - 6)
    tell(kepco, fits, fits.replace("1", "2") + " ")
    assert ask(kepco, "CURR?") == "1.0E0"
    assert errors(kepco) == ["-363"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10345.2e-1", 34.52),
        ("0.0000034567e6", 3.45),
        ("12345", 2345.0),
        ("0.123456789", 0.12345678),
        ("-3.5", -3.5),
        ("+.5", 0.5),
        ("5.", 5.0),
        ("1E1", 10.0),
    ],
)
def test_the_number_parser_keeps_four_digits_before_and_eight_after_the_point(text, value):
    assert kept_digits(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "text", ["", ".", "-", "1.2.3", "1e+", "1e999", "0x10", "nan", "--1", "1\xb2"]
)
def test_the_number_parser_refuses_what_is_no_number(text):
    with pytest.raises(ScpiError):
        kept_digits(text)


@given(st.floats(-12.0, 12.0))
def test_a_fixed_point_current_survives_the_parser_and_the_print(current_A):
    assert kept_digits(f"{current_A:.6f}") == pytest.approx(current_A, abs=1e-6)
    assert float(exponent_form(current_A, 7)) == pytest.approx(current_A, rel=1e-6)


@pytest.mark.parametrize(
    ("value", "text"), [(4.99e-3, "4.99E-3"), (21.0, "2.1E1"), (0.0, "0.0E0"), (-0.0, "0.0E0")]
)
def test_a_measured_value_is_always_in_exponent_form(value, text):
    assert exponent_form(value, 5) == text


# ---- the coil behind it


def test_the_real_current_lags_and_is_there_when_a_measurement_ends(kepco):
    tell(kepco, "OUTP ON", "CURR 4")
    kepco.time.advance(kepco.supply.coil.parameters.loop_s)
    kepco.supply.follow()
    assert kepco.supply.coil.current_A == pytest.approx(4 * (1 - math.exp(-1)), rel=1e-3)
    assert float(ask(kepco, "MEAS:CURR?")) == pytest.approx(4.0, abs=2e-3)
    assert float(ask(kepco, "MEAS:VOLT?")) == pytest.approx(4.0, abs=5e-3)


def test_a_measurement_takes_one_period_and_a_setting_no_time(kepco):
    before_s = kepco.time.now_s
    tell(kepco, "CURR 1")
    assert kepco.time.now_s == before_s
    ask(kepco, "MEAS:CURR?")
    assert kepco.time.now_s - before_s == pytest.approx(MEASURE_S + kepco.processing_s)


def test_output_off_lets_the_current_die_away_with_the_coil(kepco):
    tell(kepco, "OUTP ON", "CURR 8")
    kepco.time.advance(0.1)
    tell(kepco, "OUTP OFF")
    kepco.time.advance(kepco.supply.coil.parameters.decay_s)
    kepco.supply.follow()
    assert kepco.supply.coil.current_A == pytest.approx(8 * math.exp(-1), rel=1e-3)
    kepco.time.advance(1.0)
    assert ask(kepco, "MEAS:CURR?") == "0.0E0"
    assert ask(kepco, "CURR?") == "8.0E0"


def test_the_compliance_voltage_holds_the_current_back_and_shows(kepco):
    tell(kepco, "VOLT 3", "OUTP ON", "CURR 5")
    kepco.time.advance(1.0)
    assert float(ask(kepco, "MEAS:CURR?")) == pytest.approx(3.0, abs=2e-3)
    assert ask(kepco, "STAT:OPER:COND?") == "256"
    tell(kepco, "VOLT 10")
    kepco.time.advance(1.0)
    assert float(ask(kepco, "MEAS:CURR?")) == pytest.approx(5.0, abs=2e-3)
    assert ask(kepco, "STAT:OPER:COND?") == "1024"


def test_in_voltage_mode_the_current_set_point_is_a_limit():
    kepco = KepcoBop(DeviceTime(), CoilParameters(inductance_H=1e-3, resistance_Ohm=0.5))
    tell(kepco, "FUNC:MODE VOLT", "VOLT 2", "CURR 9", "OUTP ON")
    kepco.time.advance(1.0)
    assert float(ask(kepco, "MEAS:CURR?")) == pytest.approx(4.0, abs=2e-3)
    tell(kepco, "CURR 1")
    kepco.time.advance(1.0)
    assert float(ask(kepco, "MEAS:CURR?")) == pytest.approx(1.0, abs=2e-3)
    assert ask(kepco, "STAT:OPER:COND?") == "256"


def test_reset_is_a_hard_step_to_off_zero_and_voltage_mode(kepco):
    tell(kepco, "OUTP ON", "CURR 8")
    kepco.time.advance(0.1)
    tell(kepco, "*RST")
    assert ask(kepco, "FUNC:MODE?;:CURR?;VOLT?;:OUTP?") == "0;0.0E0;0.0E0;0"


# ---- lists


def test_a_list_walks_the_current_through_its_points_and_stays_at_the_last(kepco):
    tell(kepco, "OUTP ON", "LIST:CLE", "LIST:CURR 1,2", "LIST:CURR 3", "LIST:DWEL 0.1")
    tell(kepco, "LIST:COUN 2", "CURR:MODE LIST")
    assert ask(kepco, "CURR:MODE?") == "LIST"
    for expected_A in (1.0, 2.0, 3.0, 1.0, 2.0, 3.0):
        kepco.time.advance(0.05)
        kepco.supply.follow()
        assert kepco.supply.coil.current_A == pytest.approx(expected_A, abs=1e-3)
        kepco.time.advance(0.05)
    assert ask(kepco, "CURR:MODE?") == "FIX"
    assert float(ask(kepco, "MEAS:CURR?")) == pytest.approx(3.0, abs=1e-3)
    assert errors(kepco) == []


def test_while_a_list_runs_sets_and_list_commands_are_refused(kepco):
    tell(kepco, "LIST:CURR 1,2", "LIST:DWEL 1", "LIST:COUN 0", "CURR:MODE LIST")
    tell(kepco, "CURR 1", "LIST:CURR 3", "LIST:CLE", "LIST:DWEL 1", "CURR:MODE LIST", "LIST:CURR?")
    assert errors(kepco) == ["-221"] * 6
    tell(kepco, "CURR:MODE FIX", "CURR 1")
    assert errors(kepco) == []


def test_output_off_ends_a_list(kepco):
    tell(kepco, "OUTP ON", "LIST:CURR 1,2", "LIST:DWEL 1", "CURR:MODE LIST", "OUTP OFF")
    assert ask(kepco, "CURR:MODE?") == "FIX"


def test_a_list_of_currents_excludes_one_of_voltages(kepco):
    tell(kepco, "LIST:CURR 1", "LIST:VOLT 1")
    assert errors(kepco) == ["-221"]
    tell(kepco, "LIST:CLE", "LIST:VOLT 1", "LIST:CURR 1")
    assert errors(kepco) == ["-221"]


def test_list_query_answers_sixteen_points_from_where_it_was_told(kepco):
    tell(kepco, "LIST:CURR " + ",".join(str(i / 10) for i in range(20)))
    assert ask(kepco, "LIST:CURR:POIN?") == "20"
    assert ask(kepco, "LIST:CURR?").count(",") == 15
    tell(kepco, "LIST:QUER 18")
    assert ask(kepco, "LIST:CURR?") == "1.8E0,1.9E0"


def test_a_list_has_a_longest_length(kepco):
    for _ in range(LIST_LIMIT // 6):
        tell(kepco, "LIST:CURR 1,1,1,1,1,1")
    assert ask(kepco, "LIST:CURR:POIN?") == str(LIST_LIMIT)
    tell(kepco, "LIST:CURR 1")
    assert errors(kepco) == ["-223"]


# ---- bytes


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (("LIST:TRIG 1",), "-221"),
        (("LIST:SET:TRIG .001,ON", "LIST:CURR 1,2", "LIST:DWEL .001", "LIST:TRIG 1"), "-226"),
        (("LIST:SET:TRIG .001,ON", "LIST:CURR 1", "LIST:DWEL .001", "LIST:TRIG 1,2"), "-108"),
    ],
)
def test_a_mg_takes_one_pulse_behind_currents_and_dwells_of_the_same_number(sent, code):
    supply = KepcoBopMg(DeviceTime())
    tell(supply, *sent)
    assert errors(supply) == [code]


def test_bytes_may_come_in_any_pieces_and_with_any_line_end(kepco):
    for piece in (b"CUR", b"R 1.", b"5\r", b"\nCURR?\r\n*ID", b"N?", b"\n"):
        kepco.receive(piece)
    assert kepco.transmit() == b"1.5E0\n" + IDENTITY.encode() + b"\n"


@given(st.binary(max_size=200))
def test_no_bytes_can_bring_it_down(data):
    kepco = KepcoBop(DeviceTime())
    kepco.receive(data + b"\n")
    kepco.transmit()
    assert ask(kepco, "*IDN?") == IDENTITY
