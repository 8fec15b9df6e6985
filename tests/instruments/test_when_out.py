"""`when_out` and `hold_at_most_s` of a bench file's guards."""

from __future__ import annotations

import pytest

from instruments.bench_file import parse_bench, read_bench
from models.errors import InputError

GUARDS = """
[thermometer.coil]
driver = "lakeshore-336"
resource = "TCPIP0::virtual-lakeshore-336::7777::SOCKET"
max_K = 330.0
when_out = "hold"
[interlock.water]
instrument = "lockin"
input = "aux1"
above_V = 2.0
when_out = "hold"
hold_at_most_s = 90
[interlock.door]
instrument = "lockin"
input = "aux2"
above_V = 2.0
"""


def parsed(*change):
    text = read_bench("virtual").text + GUARDS
    if change:
        assert change[0] in text
        text = text.replace(*change)
    return parse_bench(text, "guards")


def test_a_guard_holds_an_hour_where_it_says_hold_and_ends_where_it_says_nothing():
    spec = parsed()
    assert spec.thermometers["coil"].hold_at_most_s == 3600
    assert spec.interlocks["water"].hold_at_most_s == 90
    assert spec.interlocks["door"].hold_at_most_s is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('when_out = "hold"\n[', 'when_out = "holt"\n[', "'holt' is unknown; did you mean 'hold'"),
        ('when_out = "hold"\nh', "h", 'hold_at_most_s needs when_out = "hold"'),
        ("= 90", "= 0", "hold_at_most_s"),
        ("= 90", "= inf", "must be finite"),
    ],
)
def test_what_makes_no_sense_is_refused(old, new, words):
    with pytest.raises(InputError, match=words):
        parsed(old, new)
