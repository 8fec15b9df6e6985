"""What to do about what an instrument says of itself."""

from __future__ import annotations

import pytest

from instruments.link_errors import LinkError
from instruments.magnet_limits import MagnetLimits
from instruments.remedies import reported, with_faults, with_remedy


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("-222 Data out of range", "refused a value"),
        ("-221 Settings conflict", "another setting forbids it"),
        ("-350 Queue overflow", "older errors are lost"),
        ("-100 Command error", "a message: look for a line that garbles"),
        ("-113 Undefined header", "a message: look for a line that garbles"),
        ("-199 Whatever", "a message: look for a line that garbles"),
        ("-200 Execution error", "could not do what a message asked"),
        ("-299 Whatever", "could not do what a message asked"),
        ("-300 Device-specific error", "a fault of its own"),
        ("-399 Whatever", "a fault of its own"),
        ("-410 Query INTERRUPTED", "an answer was lost"),
        ("-499 Whatever", "an answer was lost"),
    ],
)
def test_an_error_of_a_queue_is_told_with_what_to_do(error, words):
    assert reported(error).startswith(f"reports {error} (")
    assert words in reported(error)
    (said,) = with_remedy("meter", [error])
    assert said.startswith(f"meter: {error} (")
    assert words in said


def test_an_error_whose_code_says_nothing_is_told_as_it_is():
    for error in ("803 Not permitted with OUTPUT off", "-99 ?", "-500 Power on", "garbled", ""):
        assert reported(error) == f"reports {error}"
    assert reported("803 No", "2 A was sent") == "reports 803 No (2 A was sent)"


def test_an_error_is_told_with_what_was_sent_and_what_may_be():
    limits = MagnetLimits(4e-4, 11.0, 5.0)
    assert limits.sent_words(7.5, 12.0) == (
        "7.5 A was the last set-point sent, the bench allows 11 A, it is rated 12 A"
    )
    assert limits.sent_words(None, 12.0) == ""
    assert limits.sent_words(-7.5, float("inf")).endswith("the bench allows 11 A")


class Silent:
    def faults(self):
        raise LinkError("lockin", "no reply within 3 s", resource="GPIB0::8", hint="Is it on?")


class Overloaded:
    def faults(self):
        return ("input overload",)


def test_silence_hides_nothing_that_was_found_before():
    found = with_faults(["x: its output went off"], {"dmm": Overloaded(), "lockin": Silent()})
    assert found[0] == "x: its output went off"
    assert found[1].startswith("dmm: input overload (")
    assert found[2].startswith("lockin: no reply within 3 s")
    with pytest.raises(LinkError, match="no reply"):
        with_faults([], {"lockin": Silent()})
