"""The Mercury iPS driver says what its manual says: transcripts of bytes sent and answered."""

from __future__ import annotations

from functools import partial

import pytest
from scripted import transcript

from instruments.drivers.mercury_ips import MercuryIps
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.protocols import MagnetState
from instruments.toml_table import Table
from models.errors import RefusedError, TwinrigError

OLD = b"IDN:OXFORD INSTRUMENTS:MERCURY iPS:154350041:2.5.08.000"
NEW = b"IDN:OXFORD INSTRUMENTS:MERCURY iPS:154350041:2.6.04.000"


def read(noun: str, value: str, device: str = "GRPZ:PSU") -> tuple[bytes, bytes]:
    return f"READ:DEV:{device}:{noun}".encode(), f"STAT:DEV:{device}:{noun}:{value}".encode()


def write(noun: str, value: str, device: str = "GRPZ:PSU") -> tuple[bytes, bytes]:
    message = f"SET:DEV:{device}:{noun}:{value}"
    return message.encode(), f"STAT:{message}:VALID".encode()


def test_older_firmware_spells_a_supply_psu():
    with transcript((b"*IDN?", OLD), read("ACTN", "HOLD"), read("CLIM", "110.0000A")) as session:
        magnet = MercuryIps("x", session, {})
        assert magnet.identify() == OLD.decode()
        assert magnet.rated_current_A == 110.0


def test_firmware_from_2_6_on_spells_it_spsu():
    spelled = partial(read, device="GRPZ:SPSU")
    with transcript(
        (b"*IDN?", NEW), spelled("ACTN", "CLMP"), spelled("CLIM", "110.0000A"),
        spelled("SIG:CURR", "250.0000mA"),
    ) as session:  # fmt: skip
        magnet = MercuryIps("x", session, {})
        magnet.identify()
        assert magnet.measured_A() == 0.25


@pytest.mark.parametrize(
    "refusal", [b"STAT:DEV:GRPZ:SPSU:INVALID", b"READ:DEV:GRPZ:SPSU:ACTN:INVALID"]
)
def test_a_firmware_that_spells_it_otherwise_than_its_number_says_is_found_out(refusal):
    with transcript(
        (b"*IDN?", NEW), (b"READ:DEV:GRPZ:SPSU:ACTN", refusal), read("ACTN", "HOLD"),
        read("CLIM", "110.0000A"),
    ) as session:  # fmt: skip
        MercuryIps("x", session, {}).identify()


def test_a_supply_without_a_persistent_switch_may_ramp_and_tells_its_settings():
    with transcript(
        read("SIG:SWHT", "N/A"), read("SIG:RCST", "6.0000A/m"), read("CLIM", "110.0000A"),
        read("VLIM", "10.0000V"), read("ATOB", "25.0000A/T"), read("SIG:SWHT", "N/A"),
    ) as session:  # fmt: skip
        magnet = MercuryIps("x", session, {})
        assert magnet.blocked() is None
        assert magnet.settings()["switch_heater_on"] == "not fitted"


def test_an_axis_that_it_does_not_have_is_refused_with_what_it_said():
    with (
        transcript(
            (b"*IDN?", OLD),
            (b"READ:DEV:GRPX:PSU:ACTN", b"STAT:DEV:GRPX:PSU:ACTN:NOT_FOUND"),
            (b"READ:DEV:GRPX:SPSU:ACTN", b"STAT:DEV:GRPX:SPSU:ACTN:NOT_FOUND"),
        ) as session,
        pytest.raises(RefusedError, match=r"no supply at axis GRPX.*NOT_FOUND.*SYS:CAT.*`axis`"),
    ):
        MercuryIps("x", session, {"axis": "GRPX"}).identify()


@pytest.mark.parametrize(
    "identity",
    [b"IDN:OXFORD INSTRUMENTS:MERCURY ITC:1:2.0", b"LSCI,MODEL643,123,1.0", b"STAT:INVALID"],
)
def test_another_model_is_an_error_that_says_what_answered(identity):
    with transcript((b"*IDN?", identity)) as session, pytest.raises(WrongInstrumentError):
        MercuryIps("x", session, {}).identify()


def test_a_ramp_holds_first_where_it_is_clamped():
    with transcript(
        read("SIG:SWHT", "ON"), write("SIG:CSET", "12.5000"), read("SIG:CSET", "12.5000A"),
        read("ACTN", "CLMP"), write("ACTN", "HOLD"), write("ACTN", "RTOS"),
    ) as session:  # fmt: skip
        MercuryIps("x", session, {}).ramp_to_A(12.5)


def test_a_ramp_starts_from_hold_at_once():
    with transcript(
        read("SIG:SWHT", "N/A"), write("SIG:CSET", "-1.0000"), read("SIG:CSET", "-1.0000A"),
        read("ACTN", "HOLD"), write("ACTN", "RTOS"),
    ) as session:  # fmt: skip
        MercuryIps("x", session, {}).ramp_to_A(-1.0)  # N/A: no switch is fitted


def test_behind_a_cold_switch_nothing_is_sent():
    with (
        transcript(read("SIG:SWHT", "OFF")) as session,
        pytest.raises(TwinrigError, match=r"persistent switch that is off.*nothing was sent"),
    ):
        MercuryIps("x", session, {}).ramp_to_A(1.0)


def test_a_set_point_that_was_not_taken_is_no_ramp():
    with (
        transcript(
            read("SIG:SWHT", "ON"), write("SIG:CSET", "5.0000"), read("SIG:CSET", "2.0000A")
        ) as session,
        pytest.raises(TwinrigError, match=r"set-point is 2 A after 5 A was sent; no ramp"),
    ):
        MercuryIps("x", session, {}).ramp_to_A(5.0)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (b"STAT:SET:DEV:GRPZ:PSU:ACTN:HOLD:INVALID", "doesn't know"),
        (b"STAT:SET:DEV:GRPZ:PSU:ACTN:HOLD:DENIED", "local mode"),
        (b"STAT:DEV:GRPZ:NOT_FOUND", "key `axis`"),
        (b"STAT:SET:DEV:GRPZ:PSU:ACTN:N/A", "doesn't have"),
    ],
)
def test_what_it_refuses_is_an_error_in_words(refusal, words):
    with (
        transcript((b"SET:DEV:GRPZ:PSU:ACTN:HOLD", refusal)) as session,
        pytest.raises(TwinrigError, match=words),
    ):
        MercuryIps("x", session, {}).halt()


def test_rates_are_per_minute_and_only_slowed_down():
    with transcript(
        read("SIG:RCST", "12.0000A/m"), write("SIG:RCST", "6.0000"), read("SIG:RCST", "6.0000A/m")
    ) as session:
        assert MercuryIps("x", session, {}).set_ramp_A_per_s(0.1) == 0.1
    with transcript(read("SIG:RCST", "600.0000mA/m")) as session:  # slower: left
        assert MercuryIps("x", session, {}).set_ramp_A_per_s(0.1) == pytest.approx(0.01)


@pytest.mark.parametrize(("rate", "exchanges"), [
    (1e-6, []), (0.1, [read("SIG:RCST", "0.0000A/m")]),
])  # fmt: skip
def test_no_ramp_at_all_is_refused(rate, exchanges):
    with transcript(*exchanges) as session, pytest.raises(RefusedError):
        MercuryIps("x", session, {}).set_ramp_A_per_s(rate)


def test_halting_is_hold_and_a_look():
    with transcript(write("ACTN", "HOLD"), read("ACTN", "HOLD")) as session:
        MercuryIps("x", session, {}).halt()
    with (
        transcript(write("ACTN", "HOLD"), read("ACTN", "RTOS")) as session,
        pytest.raises(LinkError, match="HOLD behind"),
    ):
        MercuryIps("x", session, {}).halt()


@pytest.mark.parametrize(
    ("action", "current", "setpoint_A"),
    [
        ("RTOS", "1.0000A", 5.0), ("HOLD", "5.0010A", 5.0), ("HOLD", "1.0000A", 1.0),
        ("RTOZ", "1.0000A", 0.0), ("CLMP", "0.0000A", 0.0),
    ],
)  # fmt: skip
def test_the_set_point_is_where_it_goes_or_where_it_stands(action, current, setpoint_A):
    with transcript(
        read("ACTN", action), read("SIG:CSET", "5.0000A"), read("SIG:CURR", current)
    ) as session:
        assert MercuryIps("x", session, {}).setpoint_A() == setpoint_A


def test_reads_its_state():
    with transcript(
        read("ACTN", "RTOS"), read("SIG:CSET", "5.0000A"), read("SIG:CURR", "2.5000A"),
        read("SIG:VOLT", "500.0000mV"), read("SIG:SWHT", "ON"),
    ) as session:  # fmt: skip
        assert MercuryIps("x", session, {}).state() == MagnetState(
            2.5, 5.0, output_on=True, status=("ramping to its set-point", "0.5 V")
        )


def test_taking_control_holds_what_runs_and_nothing_else():
    with transcript(read("ACTN", "RTOZ"), write("ACTN", "HOLD"), read("ACTN", "HOLD")) as session:
        said = MercuryIps("x", session, {}).take_control(0.1)
        assert said == ("ramping to zero, which was held",)
    with transcript(read("ACTN", "CLMP")) as session:
        assert MercuryIps("x", session, {}).take_control(0.1) == ()


def test_settings_are_those_a_measurement_rests_on():
    with transcript(
        read("SIG:RCST", "6.0000A/m"), read("CLIM", "110.0000A"), read("VLIM", "10.0000V"),
        read("ATOB", "12.3400A/T"), read("SIG:SWHT", "ON"),
    ) as session:  # fmt: skip
        assert MercuryIps("x", session, {}).settings() == {
            "axis": "GRPZ", "ramp_A_per_s": 0.1, "current_limit_A": 110.0,
            "voltage_limit_V": 10.0, "ampere_per_tesla": 12.34, "switch_heater_on": True,
        }  # fmt: skip


def test_the_key_of_a_bench_file_is_the_axis():
    problems = []
    assert MercuryIps.options(Table({}, "magnet.x", problems)) == {"axis": "GRPZ"}
    assert MercuryIps.options(Table({"axis": "PSU.M1"}, "m", problems)) == {"axis": "PSU.M1"}
    assert problems == []
    MercuryIps.options(Table({"axis": "Z"}, "magnet.x", problems))
    assert problems == ["[magnet.x] axis = 'Z' must be GRPX, GRPY or GRPZ (or a board: PSU.M1)"]


@pytest.mark.parametrize(
    ("ask", "noun", "value"),
    [
        (lambda magnet: magnet.measured_A(), "SIG:CURR", "1.25"),  # cut: the unit ends it
        (lambda magnet: magnet.measured_A(), "SIG:CURR", "1.25m"),
        (lambda magnet: magnet.measured_A(), "SIG:CURR", "1.25V"),
        (lambda magnet: magnet.measured_A(), "SIG:CURR", "N/A"),
        (lambda magnet: magnet.arrived(), "ACTN", "hold"),
        (lambda magnet: magnet.blocked(), "SIG:SWHT", ""),
    ],
)
def test_an_impossible_answer_is_an_error_that_quotes_it(ask, noun, value):
    with transcript(read(noun, value)) as session, pytest.raises(LinkError, match="answered"):
        ask(MercuryIps("x", session, {}))


def test_the_answer_to_another_question_is_an_error():
    with (
        transcript((b"READ:DEV:GRPZ:PSU:SIG:CURR", read("SIG:VOLT", "1.0V")[1])) as session,
        pytest.raises(LinkError, match="answered"),
    ):
        MercuryIps("x", session, {}).measured_A()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"STAT:SYS:ALRM:", None),
        (
            b"STAT:SYS:ALRM:MB1.T1\tOpen Circuit;DB1.L1\tShort Circuit;",
            "in alarm: MB1.T1 Open Circuit; DB1.L1 Short Circuit",
        ),
    ],
)
def test_every_alarm_that_stands_is_an_input_of_an_interlock(reply, words):
    with transcript((b"READ:SYS:ALRM", reply)) as session:
        assert MercuryIps("x", session, {}).status_problem("alarm") == words


@pytest.mark.parametrize("reply", [b"STAT:SYS:ALRM:N/A", b"STAT:SYS:AL", b"INVALID"])
def test_alarms_that_are_not_told_are_an_error(reply):
    with transcript((b"READ:SYS:ALRM", reply)) as session, pytest.raises(LinkError):
        MercuryIps("x", session, {}).status_problem("alarm")
