"""The Lake Shore 335/336 driver says what its manual says: transcripts of bytes."""

from __future__ import annotations

import pytest
from scripted import transcript

from instruments.drivers.lakeshore_336 import LakeShore336
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.protocols import SensorError

IDENTITY = b"LSCI,MODEL336,LSA2833/LSA1234,2.9"


@pytest.mark.parametrize("identity", [IDENTITY, b"LSCI,MODEL335,LSA11E1/#######,1.0"])
def test_identifies_both_models(identity):
    with transcript((b"*IDN?", identity)) as session:
        assert LakeShore336("coil", session, {}).identify() == identity.decode()


@pytest.mark.parametrize("identity", [b"LSCI,MODEL643,123,1.0", b"KEPCO,BIT 4886 36-12,1,2"])
def test_another_model_is_an_error_that_says_what_answered(identity):
    with transcript((b"*IDN?", identity)) as session, pytest.raises(WrongInstrumentError):
        LakeShore336("coil", session, {}).identify()


@pytest.mark.parametrize(
    ("reply", "kelvin"),
    [(b"+295.123", 295.123), (b"+4.23210", 4.2321), (b"+77.3500", 77.35), (b"+1200.50", 1200.5)],
)
def test_a_reading_counts_where_its_status_is_zero(reply, kelvin):
    with transcript((b"RDGST? B", b"000"), (b"KRDG? B", reply)) as session:
        assert LakeShore336("coil", session, {}).kelvin("B") == kelvin


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (b"001", "input A: invalid reading"),
        (b"016", "temperature under range"),
        (b"032", "temperature over range"),
        (b"064", "sensor units zero"),
        (b"129", "invalid reading, sensor units over range"),
        (b"004", "status 4"),
    ],
)
def test_a_status_that_is_not_zero_is_no_reading(status, words):
    with transcript((b"RDGST? A", status)) as session, pytest.raises(SensorError, match=words):
        LakeShore336("coil", session, {}).kelvin("A")


@pytest.mark.parametrize(
    "reply", [b"+295.12", b"+295", b"295.123", b"+2951.2", b"+295.1234", b"nan", b"", b"+29.5E1"]
)
def test_a_reading_that_was_cut_is_an_error(reply):
    with (
        transcript((b"RDGST? A", b"000"), (b"KRDG? A", reply or b" ")) as session,
        pytest.raises(LinkError, match="answered"),
    ):
        LakeShore336("coil", session, {}).kelvin("A")


@pytest.mark.parametrize(
    ("name", "exchange", "words"),
    [
        ("alarm A", (b"ALARMST? A", b"0,0"), None),
        ("alarm B", (b"ALARMST? B", b"1,0"), "ringing alarm B (high)"),
        ("alarm B", (b"ALARMST? B", b"0,1"), "ringing alarm B (low)"),
        ("relay 2", (b"RELAYST? 2", b"1"), "keeping relay 2 on"),
        ("relay 1", (b"RELAYST? 1", b"0"), None),
    ],
)
def test_alarms_and_relays_are_inputs_of_an_interlock(name, exchange, words):
    with transcript(exchange) as session:
        assert name in LakeShore336.status_inputs
        assert LakeShore336("coil", session, {}).status_problem(name) == words


@pytest.mark.parametrize("reply", [b"0", b"0,", b"2,0", b"0,0,0"])
def test_an_alarm_that_was_cut_is_an_error(reply):
    with (
        transcript((b"ALARMST? A", reply)) as session,
        pytest.raises(LinkError, match="2 of 0 or 1"),
    ):
        LakeShore336("coil", session, {}).status_problem("alarm A")


def test_settings_show_the_temperature_or_why_there_is_none():
    with transcript((b"RDGST? A", b"000"), (b"KRDG? A", b"+295.000")) as session:
        assert LakeShore336("coil", session, {}).settings() == {"temperature_A_K": 295.0}
    with transcript((b"RDGST? C", b"128")) as session:
        settings = LakeShore336("coil", session, {"input": "C"}).settings()
        assert "sensor units over range" in settings["temperature_C_K"]


def test_errors_are_those_of_the_event_register():
    with transcript((b"*ESR?", b"48")) as session:
        assert LakeShore336("coil", session, {}).errors() == ("execution error", "command error")
