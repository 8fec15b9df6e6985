"""The AMI 430 driver says what its manual says: transcripts of bytes sent and answered."""

from __future__ import annotations

import pytest
from scripted import scripted, transcript

from instruments.clock import Stop
from instruments.drivers.ami_430 import Ami430
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.protocols import MagnetState
from instruments.visa import VisaSession, resource_manager
from models.errors import RefusedError, TwinrigError

IDENTITY = b"AMERICAN MAGNETICS INC.,MODEL 430,2.01"
GREETING = b"American Magnetics Model 430 IP Interface\r\nHello.\r\n"
FREE = ((b"QU?", b"0"), (b"PERS?", b"0"), (b"PS:INST?", b"0"))  # neither quench nor switch


def answer(message: bytes) -> bytes:
    return {b"*IDN?": IDENTITY + b"\r\n", b"CURR:LIM?": b"80.0000\r\n"}[message]


@pytest.mark.parametrize(
    "greeting", [GREETING, b"", [0.15, GREETING], [GREETING[:9], 0.05, GREETING[9:]]]
)
def test_the_two_lines_that_it_says_unasked_are_dropped_after_connect_and_reconnect(greeting):
    with scripted(answer, b"\r\n", greeting=greeting) as instrument:
        session = VisaSession(
            instrument.resource, rm=resource_manager(), name="x", stop=Stop(),
            read_termination="\r\n", write_termination="\r\n",
        )  # fmt: skip
        try:
            magnet = Ami430("x", session, {})
            assert magnet.identify() == IDENTITY.decode()
            assert magnet.rated_current_A == 80.0
            session.reconnect()
            assert instrument.connections == 2
            assert session.query("CURR:LIM?") == "80.0000"
        finally:
            session.close()


@pytest.mark.parametrize(
    "identity", [b"AMERICAN MAGNETICS INC.,MODEL 420,1.0", b"LSCI,MODEL643,123,1.0"]
)
def test_another_model_is_an_error_that_says_what_answered(identity):
    with transcript((b"*IDN?", identity)) as session, pytest.raises(WrongInstrumentError):
        Ami430("x", session, {}).identify()


def test_a_ramp_is_a_target_that_was_taken_and_a_start():
    with transcript(
        (b"STATE?", b"2"), *FREE,
        (b"CONF:CURR:TARG 12.3450", b""), (b"CURR:TARG?", b"12.3450"), (b"RAMP", b""),
    ) as session:  # fmt: skip
        Ami430("x", session, {}).ramp_to_A(12.345)


def test_a_ramp_under_way_is_paused_before_another_target():
    with transcript(
        (b"STATE?", b"1"), *FREE, (b"PAUSE", b""), (b"STATE?", b"3"),
        (b"CONF:CURR:TARG -1.0000", b""), (b"CURR:TARG?", b"-1.0000"), (b"RAMP", b""),
    ) as session:  # fmt: skip
        Ami430("x", session, {}).ramp_to_A(-1.0)


def test_a_target_that_was_ignored_is_no_ramp():
    with (
        transcript(
            (b"STATE?", b"3"), *FREE,
            (b"CONF:CURR:TARG 5.0000", b""), (b"CURR:TARG?", b"1.0000"),
            (b"SYST:ERR?", b'-303,"Input overflow"'), (b"SYST:ERR?", b'0,"No errors"'),
        ) as session,
        pytest.raises(TwinrigError, match=r"target is 1 A after 5 A.*-303 Input overflow.*no ramp"),
    ):  # fmt: skip
        Ami430("x", session, {}).ramp_to_A(5.0)


@pytest.mark.parametrize(
    ("exchanges", "words"),
    [
        ([(b"STATE?", b"7")], "in a quench"),
        ([(b"STATE?", b"3"), (b"QU?", b"1")], "in a quench"),
        ([(b"STATE?", b"9")], "heating its persistent switch"),
        ([(b"STATE?", b"10")], "cooling its persistent switch"),
        ([(b"STATE?", b"11")], "in an external rampdown"),
        ([(b"STATE?", b"2"), (b"QU?", b"0"), (b"PERS?", b"1")], "in persistent mode"),
        (
            [(b"STATE?", b"8"), *FREE[:2], (b"PS:INST?", b"1"), (b"PS?", b"0")],
            "behind a cold persistent switch",
        ),
    ],
)
def test_what_must_be_left_alone_is_not_ramped(exchanges, words):
    with (
        transcript(*exchanges) as session,
        pytest.raises(TwinrigError, match=f"{words}.*nothing was sent"),
    ):
        Ami430("x", session, {}).ramp_to_A(1.0)


def test_each_segment_is_slowed_down_in_the_unit_that_it_has_and_none_is_made_faster():
    with transcript(
        (b"RAMP:RATE:UNITS?", b"1"),  # per minute
        (b"RAMP:RATE:UNITS?", b"1"),
        (b"RAMP:RATE:SEG?", b"3"),
        (b"RAMP:RATE:CURR:1?", b"12.0000,50.0000"),
        (b"RAMP:RATE:CURR:2?", b"6.0000,70.0000"),
        (b"RAMP:RATE:CURR:3?", b"1.5000,80.0000"),
        (b"CONF:RAMP:RATE:CURR 1,6.0000,50.0000", b""),
        (b"RAMP:RATE:CURR:1?", b"6.0000,50.0000"),
    ) as session:
        assert Ami430("x", session, {}).set_ramp_A_per_s(0.1) == pytest.approx(0.025)


def test_a_segment_that_stays_too_fast_is_refused():
    with (
        transcript(
            (b"RAMP:RATE:UNITS?", b"0"),
            (b"RAMP:RATE:UNITS?", b"0"),
            (b"RAMP:RATE:SEG?", b"1"),
            (b"RAMP:RATE:CURR:1?", b"0.2000,80.0000"),
            (b"CONF:RAMP:RATE:CURR 1,0.1000,80.0000", b""),
            (b"RAMP:RATE:CURR:1?", b"0.2000,80.0000"),
            (b"SYST:ERR?", b'-105,"Out of range"'),
            (b"SYST:ERR?", b'0,"No errors"'),
        ) as session,
        pytest.raises(RefusedError, match=r"keeps 0\.2 A/s.*-105 Out of range"),
    ):
        Ami430("x", session, {}).set_ramp_A_per_s(0.1)


def test_a_ramp_that_rounds_to_none_is_refused():
    with transcript((b"RAMP:RATE:UNITS?", b"0")) as session, pytest.raises(RefusedError):
        Ami430("x", session, {}).set_ramp_A_per_s(5e-5)


def test_halting_is_pause_and_a_look():
    with transcript((b"PAUSE", b""), (b"STATE?", b"3")) as session:
        Ami430("x", session, {}).halt()
    with (
        transcript((b"PAUSE", b""), (b"STATE?", b"1")) as session,
        pytest.raises(LinkError, match="paused"),
    ):
        Ami430("x", session, {}).halt()


@pytest.mark.parametrize(
    ("state", "more", "setpoint_A"),
    [
        (b"1", [(b"CURR:TARG?", b"5.0000")], 5.0),
        (b"2", [(b"CURR:TARG?", b"5.0000")], 5.0),
        (b"3", [(b"CURR:MAG?", b"1.2000")], 1.2),  # paused: the target is not where it goes
        (b"8", [], 0.0),
    ],
)
def test_the_set_point_is_where_it_goes_or_where_it_stands(state, more, setpoint_A):
    with transcript((b"STATE?", state), *more) as session:
        assert Ami430("x", session, {}).setpoint_A() == setpoint_A


@pytest.mark.parametrize(
    ("state", "there"), [(b"1", False), (b"2", True), (b"3", True), (b"6", False), (b"8", True)]
)
def test_it_has_arrived_where_it_rests(state, there):
    with transcript((b"STATE?", state)) as session:
        assert Ami430("x", session, {}).arrived() is there


def test_a_quench_on_the_way_is_an_error():
    with transcript((b"STATE?", b"7")) as session, pytest.raises(TwinrigError, match="quench"):
        Ami430("x", session, {}).arrived()


def test_reads_its_state_and_drains_its_errors():
    with transcript(
        (b"STATE?", b"1"),
        (b"VOLT:SUPP?", b"0.5000"),
        *FREE,
        (b"CURR:TARG?", b"5.0000"),
        (b"CURR:MAG?", b"2.5000"),
        (b"SYST:ERR?", b'-101,"Unrecognized command"'),
        (b"SYST:ERR?", b'0,"No errors"'),
    ) as session:
        assert Ami430("x", session, {}).state() == MagnetState(
            current_A=2.5,
            setpoint_A=5.0,
            output_on=True,
            status=("ramping", "0.5 V"),
            errors=("-101 Unrecognized command",),
        )


def test_taking_control_pauses_what_runs_and_nothing_else():
    with transcript((b"STATE?", b"4"), (b"PAUSE", b""), (b"STATE?", b"3")) as session:
        said = Ami430("x", session, {}).take_control(0.1)
        assert said == ("ramping in MANUAL UP, which was paused",)
    with transcript((b"STATE?", b"2")) as session:
        assert Ami430("x", session, {}).take_control(0.1) == ()


@pytest.mark.parametrize(
    ("name", "exchanges", "words"),
    [
        ("quench", [(b"STATE?", b"7")], "in a quench"),
        ("quench", [(b"STATE?", b"3"), (b"QU?", b"1")], "in a quench"),
        ("quench", [(b"STATE?", b"2"), *FREE], None),
        ("external rampdown", [(b"STATE?", b"11")], "in an external rampdown"),
        ("persistent switch", [(b"STATE?", b"11")], None),
        ("persistent switch", [(b"STATE?", b"7")], None),
        ("persistent switch", [(b"STATE?", b"9")], "heating its persistent switch"),
        ("persistent switch", [(b"STATE?", b"2"), (b"QU?", b"0"), (b"PERS?", b"1")], "persistent"),
    ],
)
def test_what_it_must_be_left_alone_for_is_an_input_of_an_interlock(name, exchanges, words):
    with transcript(*exchanges) as session:
        found = Ami430("x", session, {}).status_problem(name)
    assert (found is None) == (words is None)
    assert words is None or words in found


def test_settings_say_the_units_that_they_are_in():
    with transcript(
        (b"RAMP:RATE:UNITS?", b"1"),
        (b"RAMP:RATE:SEG?", b"1"),
        (b"RAMP:RATE:CURR:1?", b"6.0000,80.0000"),
        (b"CURR:LIM?", b"80.0000"),
        (b"VOLT:LIM?", b"2.2000"),
        (b"FIELD:UNITS?", b"0"),
        (b"COIL?", b"1.182"),
        (b"RAMP:RATE:UNITS?", b"1"),
        (b"PS:INST?", b"0"),
    ) as session:
        assert Ami430("x", session, {}).settings() == {
            "current_limit_A": 80.0,
            "voltage_limit_V": 2.2,
            "field_unit": "kG",
            "coil_constant_per_A": 1.182,
            "rate_unit": "per minute",
            "ramp_A_per_s": [0.1],
            "ramp_up_to_A": [80.0],
            "switch_installed": False,
        }


@pytest.mark.parametrize(
    ("ask", "command", "reply"),
    [
        (lambda magnet: magnet.measured_A(), b"CURR:MAG?", b"1.23"),  # cut: four digits, always
        (lambda magnet: magnet.measured_A(), b"CURR:MAG?", b"Hello."),
        (lambda magnet: magnet.setpoint_A(), b"STATE?", b"0"),
        (lambda magnet: magnet.arrived(), b"STATE?", b"12"),
        (lambda magnet: magnet.blocked(), b"STATE?", b""),
    ],
)
def test_an_impossible_answer_is_an_error_that_quotes_it(ask, command, reply):
    with transcript((command, reply or b" ")) as session:
        with pytest.raises(LinkError, match="answered") as caught:
            ask(Ami430("x", session, {}))
        assert caught.value.command == command.decode()
