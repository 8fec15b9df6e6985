"""The Lake Shore 643 driver says what its manual says: transcripts of bytes sent and answered."""

from __future__ import annotations

import pytest
from scripted import transcript

from instruments.drivers.lakeshore_643 import LakeShore643
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.protocols import ElsewhereError, MagnetState
from models.errors import RefusedError, TwinrigError

IDENTITY = b"LSCI,MODEL643,1234567,1.2"
LIMIT = (b"LIMIT?; *ESR?", b"70.1000,50.0000; 0")


def test_identifies_and_knows_its_rating():
    with transcript((b"*IDN?", IDENTITY), LIMIT) as session:
        supply = LakeShore643("x", session, {})
        assert supply.identify() == IDENTITY.decode()
        assert (supply.rated_current_A, supply.rated_voltage_V) == (70.1, 35.0)


def test_a_648_is_served_too_and_is_larger():
    with transcript((b"*IDN?", b"LSCI,MODEL648,1,1.0"), LIMIT) as session:
        supply = LakeShore643("x", session, {})
        supply.identify()
        assert supply.rated_current_A == 70.1  # its limit is that of a 643
        assert supply.accuracy_A == pytest.approx(5e-4 * 135.1)


def test_a_limit_set_at_it_is_its_rating_and_somebody_s_error_is_told_once():
    with transcript(
        (b"*IDN?", IDENTITY),
        (b"LIMIT?; *ESR?", b"3.0000,10.0000; 16"),  # somebody had asked for more than 3 A
    ) as session:
        supply = LakeShore643("x", session, {})
        supply.identify()
        assert supply.rated_current_A == 3.0
        assert supply.accuracy_A == pytest.approx(5e-4 * 70.1)
        assert supply.errors() == ("execution error of an earlier message",)
        assert supply.errors() == ()


@pytest.mark.parametrize("identity", [b"LSCI,MODEL647,1,1.0", b"KEPCO,BIT 4886 36-12  1,2,3"])
def test_another_model_is_an_error_that_says_what_answered(identity):
    with transcript((b"*IDN?", identity)) as session, pytest.raises(WrongInstrumentError):
        LakeShore643("x", session, {}).identify()


def test_every_set_is_answered_by_the_event_register():
    with transcript(
        (b"SETI 45.8000; *ESR?", b"0"),
        (b"SETI -0.0001; *ESR?", b"128"),  # power was switched on since: no error
    ) as session:
        supply = LakeShore643("x", session, {})
        supply.ramp_to_A(45.8)
        supply.set_current_A(-0.0001)


@pytest.mark.parametrize(
    ("event", "words"), [(b"4", "query"), (b"16", "execution"), (b"160", "command")]
)
def test_a_set_that_is_refused_is_an_error(event, words):
    with (
        transcript((b"SETI 71.0000; *ESR?", event)) as session,
        pytest.raises(TwinrigError, match=f"'SETI 71.0000.*{words} error"),
    ):
        LakeShore643("x", session, {}).ramp_to_A(71.0)


def test_the_ramp_is_set_rounded_down_and_read_back():
    with transcript(
        (b"LIMIT?; *ESR?", b"70.1000,50.0000; 0"),
        (b"RATE 0.1234; *ESR?", b"0"),
        (b"RATE?; *ESR?", b"0.1234; 0"),
    ) as session:
        assert LakeShore643("x", session, {}).set_ramp_A_per_s(0.12349) == 0.1234


def test_the_ramp_stays_below_the_supplys_own_limit():
    with transcript(
        (b"LIMIT?; *ESR?", b"33.333, 4.444; 0"),  # Lake Shore's own example
        (b"RATE 4.4440; *ESR?", b"0"),
        (b"RATE?; *ESR?", b"4.4440; 0"),
    ) as session:
        assert LakeShore643("x", session, {}).set_ramp_A_per_s(10.0) == 4.444


def test_a_ramp_slower_than_the_supply_has_is_refused():
    with transcript() as session, pytest.raises(RefusedError, match=r"0\.0001 A/s"):
        LakeShore643("x", session, {}).set_ramp_A_per_s(5e-5)


@pytest.mark.parametrize(
    ("name", "exchange", "words"),
    [
        ("magnet water flow", (b"ERST?; *ESR?", b"000,032; 0"), "in magnet water flow fault"),
        ("magnet water flow", (b"ERST?; *ESR?", b"032,064; 0"), None),
        ("supply water flow", (b"ERST?; *ESR?", b"000,064; 0"), "in supply water flow fault"),
        ("remote enable", (b"ERST?; *ESR?", b"000,128; 0"), "in remote enable fault"),
        ("temperature high", (b"ERST?; *ESR?", b"000,004; 0"), "in temperature high"),
        ("voltage limit", (b"OPST?; *ESR?", b"003; 0"), "at its voltage limit"),
        ("power limit", (b"OPST?; *ESR?", b"002; 0"), None),
    ],
)
def test_each_input_of_an_interlock_is_a_bit_that_stands_now(name, exchange, words):
    with transcript(exchange) as session:
        assert name in LakeShore643.status_inputs
        assert LakeShore643("x", session, {}).status_problem(name) == words


def test_an_answer_that_was_cut_closes_no_interlock():
    with (
        transcript((b"ERST?; *ESR?", b"000,0")) as session,
        pytest.raises(LinkError, match="event register"),
    ):
        LakeShore643("x", session, {}).status_problem("magnet water flow")


@pytest.mark.parametrize("garbled", [b"1_0; 0", b"nan; 0", b"1,0; 0", b"; 0"])
def test_a_current_that_is_no_number_is_an_error(garbled):
    with (
        transcript((b"RDGI?; *ESR?", garbled)) as session,
        pytest.raises(LinkError, match=r"1 number\(s\)"),
    ):
        LakeShore643("x", session, {}).measured_A()  # 1_0 was 10 A, as Python reads it


def test_halting_at_its_limit_asks_for_no_more_than_that():
    with transcript(
        (b"*IDN?", b"LSCI,MODEL643,LSA1234,1.2"), (b"LIMIT?; *ESR?", b"60.0000,50.0000; 0"),
        (b"STOP; *ESR?", b"0"), (b"RDGI?; *ESR?", b"-60.0021; 0"), (b"SETI -60.0000; *ESR?", b"0"),
    ) as session:  # fmt: skip
        supply = LakeShore643("x", session, {})
        supply.identify()
        supply.halt()


def test_halting_stops_and_makes_the_set_point_where_it_stands():
    with transcript(
        (b"STOP; *ESR?", b"0"), (b"RDGI?; *ESR?", b"+3.2100; 0"), (b"SETI 3.2100; *ESR?", b"0")
    ) as session:
        LakeShore643("x", session, {}).halt()


def test_reads_its_state():
    with transcript(
        (b"SETI?; *ESR?", b"+5.0000; 0"),
        (b"RDGI?; *ESR?", b"+4.9000; 0"),
        (b"RDGV?; *ESR?", b"+4.9000; 0"),
        (b"OPST?; *ESR?", b"001; 0"),
        (b"XPGM?; *ESR?", b"0; 0"),
        (b"ERST?; *ESR?", b"001,032; 0"),
    ) as session:
        assert LakeShore643("x", session, {}).state() == MagnetState(
            current_A=4.9,
            setpoint_A=5.0,
            output_on=True,
            status=("4.9 V", "ramping"),
            faults=(
                "in output control failure", "in magnet water flow fault", "at its voltage limit"
            ),
            inputs=(
                ("magnet water flow", "in magnet water flow fault"),
                ("voltage limit", "at its voltage limit"),
            ),
        )  # fmt: skip


def test_control_that_is_there_is_not_taken():
    with transcript(
        (b"XPGM?; *ESR?", b"0; 0"), (b"OPST?; *ESR?", b"002; 0"), (b"RSEG?; *ESR?", b"0; 0")
    ) as session:
        assert LakeShore643("x", session, {}).take_control(0.02) == ()


def test_taking_control_stops_a_ramp_and_ends_segments_and_external_programming_at_zero():
    with transcript(
        (b"XPGM?; *ESR?", b"1; 0"),
        (b"RDGI?; *ESR?", b"+0.0010; 0"),
        (b"SETI?; *ESR?", b"+0.0010; 0"),
        (b"XPGM 0; *ESR?", b"0"),
        (b"OPST?; *ESR?", b"000; 0"),
        (b"STOP; *ESR?", b"0"),
        (b"RDGI?; *ESR?", b"+0.0010; 0"),
        (b"SETI 0.0010; *ESR?", b"0"),
        (b"RSEG?; *ESR?", b"1; 0"),
        (b"RSEG 0; *ESR?", b"0"),
    ) as session:
        assert LakeShore643("x", session, {}).take_control(0.02) == (
            "external programming was switched off",
            "a ramp under way was stopped",
            "ramp segments were switched off",
        )


@pytest.mark.parametrize(
    ("setpoint", "ramping", "words"),
    [
        (b"+3.0000; 0", [], r"5 A flow.*sum of internal and external.*2 A away.*front panel"),
        # on its way: what SETI? answers isn't where it stands
        (b"+5.0000; 0", [(b"OPST?; *ESR?", b"000; 0")], r"0 A away.*nothing was sent"),
    ],
)
def test_a_current_that_another_input_programs_is_not_taken_over(setpoint, ramping, words):
    with (
        transcript(
            (b"XPGM?; *ESR?", b"2; 0"),
            (b"RDGI?; *ESR?", b"+5.0000; 0"),
            (b"SETI?; *ESR?", setpoint),
            *ramping,
        ) as session,
        pytest.raises(ElsewhereError, match=words),
    ):
        LakeShore643("x", session, {}).take_control(0.02)


def test_internal_programming_is_chosen_where_the_set_point_is_what_flows():
    with transcript(
        (b"XPGM?; *ESR?", b"1; 0"), (b"RDGI?; *ESR?", b"+5.0000; 0"),
        (b"SETI?; *ESR?", b"+5.0000; 0"), (b"OPST?; *ESR?", b"002; 0"), (b"XPGM 0; *ESR?", b"0"),
        (b"OPST?; *ESR?", b"002; 0"), (b"RSEG?; *ESR?", b"0; 0"),
    ) as session:  # fmt: skip
        changed = LakeShore643("x", session, {}).take_control(0.02)
        assert changed == ("external programming was switched off",)


def test_settings_are_those_a_measurement_rests_on():
    with transcript(
        (b"LIMIT?; *ESR?", b"70.1000,50.0000; 0"),
        (b"RATE?; *ESR?", b"1.0000; 0"),
        (b"RSEG?; *ESR?", b"0; 0"),
        (b"XPGM?; *ESR?", b"0; 0"),
        (b"INTWTR?; *ESR?", b"2; 0"),
        (b"MAGWTR?; *ESR?", b"3; 0"),
    ) as session:
        assert LakeShore643("x", session, {}).settings() == {
            "ramp_A_per_s": 1.0,
            "limit_A": 70.1,
            "limit_A_per_s": 50.0,
            "ramp_segments": False,
            "programming": "internal",
            "internal_water": 2,
            "magnet_water": 3,
        }


def test_there_is_no_output_switch_and_nothing_is_sent_for_it():
    with transcript() as session:
        supply = LakeShore643("x", session, {})
        supply.output(False)
        supply.output(True)
        assert supply.output_on()
        assert supply.prepare() == ()
        assert supply.blocked() is None
        assert supply.errors() == ()


@pytest.mark.parametrize(
    ("ask", "command", "reply"),
    [
        (lambda supply: supply.setpoint_A(), b"SETI?; *ESR?", b"+4.9000"),
        (lambda supply: supply.setpoint_A(), b"SETI?; *ESR?", b"abc; 0"),
        (lambda supply: supply.measured_A(), b"RDGI?; *ESR?", b"nan; 0"),
        (lambda supply: supply.arrived(), b"OPST?; *ESR?", b"-1; 0"),
        (lambda supply: supply.arrived(), b"OPST?; *ESR?", b"2; x"),
        (lambda supply: supply.ramp_to_A(1.0), b"SETI 1.0000; *ESR?", b" "),
    ],
)
def test_an_impossible_answer_is_an_error_that_quotes_it(ask, command, reply):
    with transcript((command, reply)) as session:
        with pytest.raises(LinkError, match="answered") as caught:
            ask(LakeShore643("x", session, {}))
        assert caught.value.resource.endswith("SOCKET")
