"""SCPI spellings, paths, compound messages and the error queue."""

from __future__ import annotations

import pytest

from instruments.virtual.scpi import (
    QUEUE_LENGTH,
    ScpiError,
    StatusRegisters,
    boolean,
    carry_out,
    command_table,
    integer,
    spellings,
)


def test_a_header_is_known_in_its_long_and_short_form_with_and_without_optional_nodes():
    assert set(spellings("[SOURce:]CURRent[:LEVel]?")) == {
        *("CURR?", "CURRENT?", "CURR:LEV?", "CURR:LEVEL?", "CURRENT:LEV?", "CURRENT:LEVEL?"),
        *("SOUR:CURR?", "SOUR:CURRENT?", "SOUR:CURR:LEV?", "SOUR:CURR:LEVEL?"),
        *("SOUR:CURRENT:LEV?", "SOUR:CURRENT:LEVEL?"),
        *("SOURCE:CURR?", "SOURCE:CURRENT?", "SOURCE:CURR:LEV?", "SOURCE:CURR:LEVEL?"),
        *("SOURCE:CURRENT:LEV?", "SOURCE:CURRENT:LEVEL?"),
    }


def test_a_common_command_has_one_spelling():
    assert list(spellings("*IDN?")) == ["*IDN?"]


class Recorder:
    """Keeps what it was asked to do."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.status = StatusRegisters()

    def carry_out(self, message: str) -> list[str]:
        return carry_out(self, message, TABLE, self.status)


def note(name: str, answer: str | None = None):
    def handler(recorder: Recorder, text: str) -> str | None:
        recorder.done.append((name, text))
        return answer

    return handler


def refuse(_recorder: Recorder, _text: str) -> None:
    raise ScpiError(-222)


TABLE = command_table(
    {
        "*CLS": note("clear"),
        "LIST:CLEar": note("list clear"),
        "LIST:CURRent": note("list current"),
        "CURRent": note("current"),
        "CURRent?": note("ask", "1.0"),
        "VOLTage": refuse,
        "VOLTage?": note("ask volts", "2.0"),
    }
)


@pytest.mark.parametrize(
    ("message", "done"),
    [
        ("CURR 1", [("current", "1")]),
        ("current   1 ", [("current", "1")]),
        (":CURR 1", [("current", "1")]),
        ("LIST:CLE;CURR 1,2", [("list clear", ""), ("list current", "1,2")]),
        ("LIST:CLE;:CURR 1", [("list clear", ""), ("current", "1")]),
        ("LIST:CLE;*CLS;CURR 1", [("list clear", ""), ("clear", ""), ("list current", "1")]),
        ("CURR?MAX", [("ask", "MAX")]),
        (" ; ;CURR 1;", [("current", "1")]),
        ("", []),
    ],
)
def test_a_message_is_carried_out_unit_by_unit_along_its_path(message, done):
    recorder = Recorder()
    recorder.carry_out(message)
    assert recorder.done == done
    assert recorder.status.next_error() == '0,"No error"'


def test_answers_come_in_order():
    assert Recorder().carry_out("CURR?;VOLT?") == ["1.0", "2.0"]


def test_an_execution_error_does_not_end_the_message_but_an_unknown_header_does():
    recorder = Recorder()
    assert recorder.carry_out("VOLT 99;CURR?;NOPE;CURR?") == ["1.0"]
    assert recorder.status.next_error() == '-222,"Data out of range"'
    assert recorder.status.next_error() == '-113,"Undefined header"'
    assert recorder.status.next_error() == '0,"No error"'


def test_an_error_sets_its_event_bit_and_reading_clears_it():
    status = StatusRegisters()
    assert status.read_event() == "128"  # power on
    status.report(-222)
    status.report(-113)
    assert status.read_event() == "48"
    assert status.read_event() == "0"
    assert status.status_byte() == "4"
    status.clear()
    assert status.status_byte() == "0"


def test_an_enabled_event_shows_in_the_status_byte():
    status = StatusRegisters()
    status.event_enable = 16
    status.clear()
    status.report(-222)
    assert status.status_byte() == "36"


def test_a_full_queue_ends_in_overflow_and_keeps_the_oldest():
    status = StatusRegisters()
    for _ in range(QUEUE_LENGTH + 3):
        status.report(-113)
    found = [status.next_error() for _ in range(QUEUE_LENGTH)]
    assert found[0] == '-113,"Undefined header"'
    assert found[-1] == '-350,"Queue overflow"'
    assert status.next_error() == '0,"No error"'


@pytest.mark.parametrize(
    ("text", "value"), [("ON", True), ("off", False), ("1", True), ("0", False)]
)
def test_a_switch_takes_words_and_digits(text, value):
    assert boolean(text) is value


@pytest.mark.parametrize(("text", "code"), [("", -109), ("maybe", -224)])
def test_a_switch_refuses_anything_else(text, code):
    with pytest.raises(ScpiError) as caught:
        boolean(text)
    assert caught.value.code == code


@pytest.mark.parametrize(("text", "code"), [("", -109), ("x", -104), ("11", -222)])
def test_a_whole_number_has_limits(text, code):
    with pytest.raises(ScpiError) as caught:
        integer(text, 0, 10)
    assert caught.value.code == code
