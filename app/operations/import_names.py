"""What an array's name says of it: that it is a drive, hold times, an axis; its field's unit."""

from __future__ import annotations

import re

from app.operations.import_words import TESLA

AXIS_WORDS = {
    "sequence": ("sequence", "seq", "pattern", "signal", "drive_id", "sequenz", "folge"),
    "repeat": ("repeat", "rep", "trial", "run", "realization", "realisation", "wiederholung"),
    "step": ("step", "time", "t", "n", "cycle", "rotation", "index", "x_value", "schritt", "zeit"),
    "channel": ("channel", "ch", "frequency", "freq", "feature", "output", "kanal"),
}
HOLD_WORDS = ("hold", "holds", "hold_s", "dwell", "dwell_s", "hold_time", "dwell_time", "duration")
DRIVE_WORDS = ("drive", "input", "field", "feld", "amplitude", "u", "h", "b", "stimulus")
NUMBER = re.compile(r"(?<=[^\W_])[\W_]+N$|(?<=[a-z])N$")  # of arrays that count: `field_N`
FIELD_UNIT = re.compile(rf"(?<=[^\W_])[\W_]+({'|'.join(u for u in TESLA if '/' not in u)})[\W_]*$")


def says_drive(name: str) -> bool:
    """Whether it begins with a drive's word (`field_mT`); a letter only alone: not `harmonic`."""
    last = re.split(r"[/._]", FIELD_UNIT.sub("", NUMBER.sub("", name)).lower())[-1]
    return any(last == w or (len(w) > 1 and last.startswith(w)) for w in DRIVE_WORDS)


def says_holds(name: str) -> bool:
    """Whether it is a word for hold times."""
    return last_word(name) in HOLD_WORDS


def named_unit(name: str) -> str:
    """The unit of a field that an array's name ends with, `field_mT`; empty: none."""
    named = FIELD_UNIT.search(NUMBER.sub("", name))
    return named[1] if named else ""


def stem_of(column: str) -> str:
    """Its last word without a plural's s."""
    return last_word(column).rstrip("s_")


def last_word(name: str) -> str:
    """Of an array's name with its groups, in small letters, without LabVIEW's quotes."""
    return re.split(r"[/.]", NUMBER.sub("", name).lower())[-1].strip("'")
