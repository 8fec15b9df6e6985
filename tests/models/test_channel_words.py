from __future__ import annotations

from typing import Any

import pytest

from models.channel_words import channel_words

AXIS = {"start_Hz": 4e9, "stop_Hz": 5e9, "points": 5, "sweep_type": "linear"}
NAMES = tuple(f"S21[{k}]" for k in range(5))


def test_a_spectrum_s_channels_are_told_by_their_frequencies() -> None:
    words = channel_words(NAMES, {"vna": AXIS, "supply": {"mode": "current"}})
    assert words[:2] == ("S21[0] at 4.00 GHz", "S21[1] at 4.25 GHz")
    assert words[4] == "S21[4] at 5.00 GHz"
    few = channel_words(("S21[3]", "X"), {"vna": AXIS})  # those that `use` took keep theirs
    assert few == ("S21[3] at 4.75 GHz", "X")


@pytest.mark.parametrize(
    ("start_Hz", "stop_Hz", "points", "last"),
    [
        (1e9, 1.0002e9, 201, "1.0002000 GHz"),
        (1e5, 2e6, 20, "2.00 MHz"),
        (18e3, 23e3, 6, "23.0 kHz"),
        (10.0, 500.0, 50, "500 Hz"),
    ],
)
def test_neighbours_are_never_rounded_to_one(start_Hz, stop_Hz, points, last) -> None:
    names = tuple(f"S21[{k}]" for k in range(points))
    axis = {"start_Hz": start_Hz, "stop_Hz": stop_Hz, "points": points, "sweep_type": "linear"}
    frequencies = [words.partition(" at ")[2] for words in channel_words(names, {"vna": axis})]
    assert frequencies[-1] == last
    assert len(set(frequencies)) == points


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lockin": {"frequency_Hz": 74.0}},
        {"vna": AXIS, "other": AXIS},
        {"vna": {**AXIS, "sweep_type": "logarithmic"}},
        {"vna": {**AXIS, "stop_Hz": None}},
        {"vna": {**AXIS, "stop_Hz": 1e9}},
        {"vna": {**AXIS, "points": 1}},
    ],
)
def test_where_no_axis_is_known_names_stay(settings: dict[str, dict[str, Any]]) -> None:
    assert channel_words(NAMES, settings) == NAMES
