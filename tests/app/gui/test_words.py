from __future__ import annotations

import math

import pytest

from app.gui.words import (
    brief_paths,
    count,
    joined_words,
    minus,
    prefix,
    reading,
    score,
    short,
    shown_name,
    size,
)
from app.words import duration, with_unit


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0.4 s"),
        (9.97, "10 s"),
        (41.2, "41 s"),
        (59.6, "1 min 0 s"),
        (128, "2 min 8 s"),
        (4440, "1 h 14 min"),
        (3599.7, "1 h 0 min"),
        (None, "—"),
        (math.inf, "—"),
    ],
)
def test_durations(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(900, "900 B"), (24_000, "24 kB"), (1.9e6, "1.9 MB"), (215e6, "215 MB"), (2e9, "2.0 GB")],
)
def test_sizes(value: float, words: str) -> None:
    assert size(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0054, "0.0054"), (0.42, "0.42"), (11.3, "11"), (1.04, "1.0"), (0.0, "0"), (None, "—"),
     (1.2e-7, "0.00000012"), (3e-10, "3e−10")],
)  # fmt: skip
def test_scores_have_two_digits_and_no_exponent(value: float | None, words: str) -> None:
    assert score(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (29.69, "29.69"),
        (9.899, "9.899"),
        (-0.0163, "−0.016"),
        (-0.0002, "0.000"),
        (None, "—"),
        (math.nan, "—"),
    ],
)
def test_readings_keep_their_width_and_say_what_is_missing(value: float, words: str) -> None:
    assert reading(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(9.62e-5, "9.62e−5"), (-9.62e-5, "−9.62e−5"), (2e10, "2e10"), (0.0043219, "0.00432")],
)
def test_short_numbers_have_a_minus_sign_and_no_zeros_in_their_exponent(value, words) -> None:
    assert short(value) == words


def test_a_minus_sign_leaves_other_words_alone() -> None:
    assert minus("-0.5 ± 1e-05 nose+0") == "−0.5 ± 1e−5 nose+0"


def test_prefixes_follow_the_size_of_a_value() -> None:
    factor, unit = prefix(3e-5, "V")
    assert unit == "µV"
    assert factor == pytest.approx(1e6)
    assert prefix(0.5, "") == prefix(0.5, "1") == (1.0, "")
    assert (joined_words("S21[0]", ""), joined_words("X", "mV")) == ("S21[0]", "X, mV")
    assert (with_unit("S21[0]", "1"), with_unit("X", "mV")) == ("S21[0]", "X (mV)")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ar-18", "AR-18"),
        ("esn-48 with 5 % state noise", "ESN-48 (5 % noise)"),
        ("untrained network", "Untrained network"),
    ],
)
def test_baselines_are_written_as_in_the_literature(name: str, words: str) -> None:
    assert shown_name(name) == words


def test_one_is_singular() -> None:
    assert count(1, "repeat") == "1 repeat"
    assert count(32, "repeat") == "32 repeats"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/home/ann/rig/day 3/x: disk is full", "…/rig/day 3/x: disk is full"),
        ("can't read /home/ann/runs/a/twin.json, line 3", "can't read …/a/twin.json, line 3"),
        (r"C:\Users\ann\runs\a: in use by 12", "…/runs/a: in use by 12"),
        ("10 V/A/s at tcp://127.0.0.1:80", "10 V/A/s at tcp://127.0.0.1:80"),
        ("runs/a and /tmp/a stay as they are", "runs/a and /tmp/a stay as they are"),
    ],
)
def test_long_paths_are_told_by_their_ends(text: str, words: str) -> None:
    assert brief_paths(text) == words
