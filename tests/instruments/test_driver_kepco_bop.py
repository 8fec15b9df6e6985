"""The Kepco driver says what its manual says: transcripts of bytes sent and answered."""

from __future__ import annotations

import math

import pytest
from scripted import transcript

from instruments.drivers.kepco_bop import KepcoBop
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.protocols import MagnetState, SourcesVoltageError

IDENTITY = b"KEPCO,BIT 4886 36-12  08-04-2023,H249977,4.04-1.82"


def test_identifies_and_reads_its_rating():
    with transcript((b"*IDN?", IDENTITY)) as session:
        kepco = KepcoBop("x", session, {})
        assert kepco.identify() == IDENTITY.decode()
        assert (kepco.rated_voltage_V, kepco.rated_current_A) == (36.0, 12.0)


@pytest.mark.parametrize(
    ("identity", "rating"),
    [
        (b"KEPCO,BIT 802E 20-20 08-04-2023,1,2.0", (20.0, 20.0)),
        (b"KEPCO,BIT 4882 72-6M 08-04-2003,1,2.0", (72.0, 6.0)),
        (b"KEPCO,BOP1KW 36-28MG,E1234,3.04", (36.0, 28.0)),
        (b"KEPCO,BIT 4886,H249977,4.04-1.82", (math.inf, math.inf)),  # says none
    ],
)
def test_other_cards_are_known_and_their_ratings_too(identity, rating):
    with transcript((b"*IDN?", identity)) as session:
        kepco = KepcoBop("x", session, {})
        assert kepco.identify() == identity.decode()
        assert (kepco.rated_voltage_V, kepco.rated_current_A) == rating


def test_the_voltage_limit_is_an_input_of_an_interlock():
    on = ((b"OUTP?", b"1"), (b"FUNC:MODE?", b"1"))
    with transcript(
        (b"OUTP?", b"0"),
        (b"OUTP?", b"1"), (b"FUNC:MODE?", b"0"),
        *on, (b"MEAS:VOLT?", b"5.00E0"), (b"VOLT?", b"2.0E1"),
        *on, (b"MEAS:VOLT?", b"-1.99E1"), (b"VOLT?", b"2.0E1"),
    ) as session:  # fmt: skip
        found = [KepcoBop("x", session, {}).status_problem("voltage limit") for _ in range(4)]
    assert found == [None, None, None, "at its voltage limit of 20 V"]


@pytest.mark.parametrize("reply", ["LSCI,MODEL643,123,1.0", "KEPCO BIT 4886 36-12"])
def test_another_model_is_an_error_that_says_what_answered(reply):
    with transcript((b"*IDN?", reply.encode())) as session:
        with pytest.raises(WrongInstrumentError, match=rf"{reply}.*expected KEPCO") as caught:
            KepcoBop("x", session, {}).identify()
        assert caught.value.reply == reply


def test_another_unit_at_the_same_address_is_an_error():
    other = IDENTITY.replace(b"H249977", b"H111111")
    with transcript((b"*IDN?", IDENTITY), (b"*IDN?", other)) as session:
        kepco = KepcoBop("x", session, {})
        kepco.identify()
        with pytest.raises(WrongInstrumentError, match="H111111"):
            kepco.identify()


def test_an_identity_that_was_cut_short_at_first_goes_on_and_keeps_no_supply_from_its_way():
    with transcript(
        (b"*IDN?", IDENTITY[:14]), (b"*IDN?", IDENTITY), (b"*IDN?", IDENTITY[:40])
    ) as session:
        kepco = KepcoBop("x", session, {})
        kepco.identify()
        assert (kepco.identify(), kepco.identity) == (IDENTITY.decode(), IDENTITY.decode())
        assert kepco.rated_current_A == 12.0
        with pytest.raises(WrongInstrumentError):  # and a later one that is cut is none
            kepco.identify()


@pytest.mark.parametrize(
    ("current_A", "message"),
    [
        (1.5, b"CURR 1.500000"),
        (-11.0, b"CURR -11.000000"),
        (0.0000034567, b"CURR 0.000003"),  # never an exponent: "3.4e-6" would be cut to 3.4
        (1e-9, b"CURR 0.000000"),
    ],
)
def test_sets_plain_fixed_point_numbers(current_A, message):
    with transcript((message, b"")) as session:
        KepcoBop("x", session, {}).set_current_A(current_A)


def test_switches_the_output():
    with transcript((b"OUTP ON", b""), (b"OUTP OFF", b"")) as session:
        kepco = KepcoBop("x", session, {})
        kepco.output(True)
        kepco.output(False)


def test_reads_its_state_and_drains_its_errors():
    with transcript(
        (b"FUNC:MODE?", b"1"),
        (b"OUTP?", b"1"),
        (b"CURR?", b"5.0E0"),
        (b"MEAS:CURR?", b"4.99E-3"),
        (b"MEAS:VOLT?", b"3.5E1"),
        (b"VOLT?", b"3.5E1"),
        (b"SYST:ERR?", b'-222,"Data out of range"'),
        (b"SYST:ERR?", b'-221,"Settings conflict"'),
        (b"SYST:ERR?", b'0,"No error"'),
    ) as session:
        assert KepcoBop("x", session, {}).state() == MagnetState(
            current_A=0.00499,
            setpoint_A=5.0,
            output_on=True,
            status=("current mode", "35 V"),
            errors=("-222 Data out of range", "-221 Settings conflict"),
            faults=("at its voltage limit of 35 V",),
            inputs=(("voltage limit", "at its voltage limit of 35 V"),),
        )


def test_voltage_mode_with_the_output_on_is_a_fault():
    with transcript(
        (b"FUNC:MODE?", b"0"), (b"OUTP?", b"1"), (b"CURR?", b"1E0"), (b"MEAS:CURR?", b"5E-1"),
        (b"MEAS:VOLT?", b"5E-1"), (b"VOLT?", b"5E-1"), (b"SYST:ERR?", b'0,"No error"'),
    ) as session:  # fmt: skip
        state = KepcoBop("x", session, {}).state()
        assert state.status[0] == "voltage mode"
        assert "voltage mode" in state.faults[0]


def test_prepare_sends_nothing_where_all_is_as_wanted():
    with transcript((b"VOLT?", b"2.0E1")) as session:
        assert KepcoBop("x", session, {"compliance_V": 20.0}).prepare() == ()


def test_prepare_brings_another_voltage_limit_to_the_benchs():
    with transcript((b"VOLT?", b"3.6E1"), (b"VOLT 20.0000", b"")) as session:
        changed = KepcoBop("x", session, {"compliance_V": 20.0}).prepare()
        assert changed == ("voltage limit changed from 36 V to 20 V",)


def test_a_voltage_limit_that_is_changed_behind_our_back_is_a_fault():
    with transcript(
        (b"VOLT?", b"2.0E1"),
        (b"FUNC:MODE?", b"1"), (b"OUTP?", b"1"), (b"CURR?", b"1E0"), (b"MEAS:CURR?", b"1E0"),
        (b"MEAS:VOLT?", b"1E0"), (b"VOLT?", b"3.6E1"), (b"SYST:ERR?", b'0,"No error"'),
    ) as session:  # fmt: skip
        kepco = KepcoBop("x", session, {"compliance_V": 20.0})
        kepco.prepare()
        assert "36 V that the bench did not set" in kepco.state().faults[0]


def test_a_small_voltage_limit_is_the_benchs_though_a_card_of_12_bits_rounds_it():
    with transcript(
        (b"*IDN?", b"KEPCO,BIT 4882 36-12,1,1"), (b"VOLT?", b"3.6E1"), (b"VOLT 3.0000", b""),
        (b"FUNC:MODE?", b"1"), (b"OUTP?", b"0"), (b"CURR?", b"0.0E0"), (b"MEAS:CURR?", b"0.0E0"),
        (b"MEAS:VOLT?", b"0.0E0"), (b"VOLT?", b"2.9971E0"), (b"SYST:ERR?", b'0,"No error"'),
        (b"FUNC:MODE?", b"1"), (b"OUTP?", b"0"), (b"CURR?", b"0.0E0"), (b"MEAS:CURR?", b"0.0E0"),
        (b"MEAS:VOLT?", b"0.0E0"), (b"VOLT?", b"2.9883E0"), (b"SYST:ERR?", b'0,"No error"'),
    ) as session:  # fmt: skip
        kepco = KepcoBop("x", session, {"compliance_V": 3.0})
        kepco.identify()
        kepco.prepare()
        assert kepco.state().faults == ()
        assert kepco.state().faults == ()  # a step of it, 8.8 mV, below


def test_control_that_is_there_is_not_taken():
    with transcript((b"FUNC:MODE?", b"1"), (b"CURR:MODE?", b"FIX")) as session:
        assert KepcoBop("x", session, {}).take_control(0.1) == ()


def test_taking_control_keeps_the_current_when_it_changes_the_mode():
    with transcript(
        (b"FUNC:MODE?", b"0"),
        (b"VOLT:MODE?", b"FIX"),
        (b"MEAS:CURR?", b"2.5E0"),
        (b"CURR 2.500000", b""),  # the limit of voltage mode is the set-point of current mode
        (b"CURR?", b"2.5E0"),
        (b"FUNC:MODE CURR", b""),
    ) as session:
        changed = KepcoBop("x", session, {}).take_control(0.1)
        assert changed == ("changed from voltage to current mode",)


@pytest.mark.parametrize("limit", [b"1.2E1", b"4.0E0"], ids=["refused", "without its sign"])
def test_a_mode_whose_change_would_be_a_jump_is_left_as_it_is(limit):
    with (
        transcript(
            (b"FUNC:MODE?", b"0"),
            (b"VOLT:MODE?", b"FIX"),
            (b"MEAS:CURR?", b"-4.0E0"),
            (b"CURR -4.000000", b""),
            (b"CURR?", limit),
            (b"OUTP?", b"1"),
        ) as session,
        pytest.raises(SourcesVoltageError, match=r"the -4 A that flow.*a jump.*front panel"),
    ):
        KepcoBop("x", session, {}).take_control(2.0)


def test_a_mode_is_changed_with_the_output_off_whatever_its_limit_was():
    with transcript(
        (b"VOLT?", b"-8.0E0"), (b"VOLT -4.0000", b""), (b"VOLT 0.0000", b""),
        (b"FUNC:MODE?", b"0"), (b"VOLT:MODE?", b"FIX"), (b"MEAS:CURR?", b"0.0E0"),
        (b"CURR 0.000000", b""), (b"CURR?", b"1.2E0"), (b"OUTP?", b"0"),
        (b"FUNC:MODE CURR", b""), (b"CURR 0.000000", b""), (b"VOLT 8.0000", b""),
    ) as session:  # fmt: skip
        kepco = KepcoBop("x", session, {})
        kepco.set_voltage_V(-4.0)
        kepco.set_voltage_V(0.0)
        assert kepco.take_control(0.1) == ("changed from voltage to current mode",)


def test_a_list_is_ended_when_it_passes_the_set_point_that_its_end_returns_to():
    with transcript(
        (b"FUNC:MODE?", b"1"),
        (b"CURR:MODE?", b"LIST"),
        (b"CURR?", b"1.0E0"),
        (b"MEAS:CURR?", b"3.0E0"),
        (b"MEAS:CURR?", b"2.0E0"),
        (b"MEAS:CURR?", b"1.05E0"),
        (b"CURR:MODE FIX", b""),
        (b"MEAS:CURR?", b"1.0E0"),
    ) as session:
        changed = KepcoBop("x", session, {}).take_control(0.1)
        assert changed == ("running a LIST program, which was ended (1.05 A → 1 A)",)


def test_a_current_that_is_programmed_from_outside_is_an_error():
    with (
        transcript((b"FUNC:MODE?", b"1"), (b"CURR:MODE?", b"EXT")) as session,
        pytest.raises(LinkError, match=r"'EXT' to 'CURR:MODE\?', expected FIX"),
    ):
        KepcoBop("x", session, {}).take_control(0.1)


def test_settings_are_those_a_measurement_rests_on():
    with transcript((b"FUNC:MODE?", b"1"), (b"VOLT?", b"3.6E1")) as session:
        assert KepcoBop("x", session, {}).settings() == {"mode": "current", "compliance_V": 36.0}


@pytest.mark.parametrize(
    ("ask", "command", "reply"),
    [
        (lambda kepco: kepco.setpoint_A(), b"CURR?", b"4.9\xffE0"),
        (lambda kepco: kepco.setpoint_A(), b"CURR?", b""),
        (lambda kepco: kepco.measured_A(), b"MEAS:CURR?", b"nan"),
        (lambda kepco: kepco.measured_A(), b"MEAS:CURR?", b"1.0,2.0"),
        (lambda kepco: kepco.settings(), b"FUNC:MODE?", b"CURR"),
        (lambda kepco: kepco.errors(), b"SYST:ERR?", b"No error"),
    ],
)
def test_an_impossible_answer_is_an_error_that_quotes_it(ask, command, reply):
    with transcript((command, reply or b" ")) as session:
        with pytest.raises(LinkError, match="answered") as caught:
            ask(KepcoBop("x", session, {}))
        assert caught.value.command == command.decode()
