"""What an array's name says of it: that it is a drive, hold times, an axis; its field's unit."""

from __future__ import annotations

import re

from app.importing.words import TESLA

AXIS_WORDS = {
    "sequence": (
        "sequence", "seq", "pattern", "signal", "drive_id", "protocol", "sequenz", "folge",
        "muster",
    ),
    "repeat": (
        "repeat", "rep", "trial", "run", "realization", "realisation", "replicate", "iteration",
        "iter", "sweep", "scan", "meas", "wiederholung", "wdh", "durchlauf", "lauf", "messung",
    ),
    "step": (
        "step", "pulse", "puls", "time", "t", "n", "cycle", "rotation", "point", "index", "x_value",
        "schritt", "zeit",
    ),
    "channel": ("channel", "ch", "frequency", "freq", "feature", "output", "quadrature", "kanal"),
}  # fmt: skip
CLOCKS = ("timestamp", "elapsed", "elapsed_time", "clock", "date", "datetime", "datum", "uhrzeit")
NUMBER_WORD = re.compile(r"(?<=\w)[\W_]*(?:no|nr|num|number|id|idx|index|count)?[\W_]*$")
"""Of a column that counts: `Repeat No.`, `trial_id`, `Pulse #`."""
GROUP = re.compile(r"/|\.(?=\w)(?!_)")  # no `Rep._No.`
AGAIN = re.compile(r"\.\d+$")  # of columns of one name: `X_Value.2`
TIME_UNIT = re.compile(r"_(?:s|sec|ms|us|min|h)$")
SET_WORDS = re.compile(r"set|soll|nominal|target|appl|cmd|command", re.IGNORECASE)
RUNS = (*AXIS_WORDS["sequence"], *AXIS_WORDS["repeat"])
OF_RUN = re.compile(rf"(?<=\w)_(?:{'|'.join(RUNS)})_?\d*$", re.IGNORECASE)
HOLD_WORDS = ("hold", "holds", "hold_s", "dwell", "dwell_s", "hold_time", "dwell_time", "duration")
DRIVE_WORDS = ("drive", "input", "field", "feld", "amplitude", "u", "h", "b", "stimulus")
NUMBER = re.compile(r"(?<=[^\W_])[\W_]+N$|(?<=[a-z])N$|(?<=^[A-Z])N$|(?<=/[A-Z])N$")
"""Of arrays that count: `field_N`, `HN`."""
FIELD_UNIT = re.compile(rf"(?<=[^\W_])[\W_]+({'|'.join(u for u in TESLA if '/' not in u)})[\W_]*$")


def _bare(name: str) -> str:
    """Without what counts at its end: `field_mT` of `field_mT_seqN`."""
    return NUMBER.sub("", OF_RUN.sub("", NUMBER.sub("", name)))


def says_drive(name: str) -> bool:
    """Whether it begins with a drive's word (`field_mT`); a letter only alone: not `harmonic`.

    `field_seq3` is one, too: the word behind it counts.
    """
    bare = _bare(FIELD_UNIT.sub("", _bare(name)))
    last = re.split(r"[/._]", bare.lower().rstrip("._ "))[-1]
    return any(last == w or (len(w) > 1 and last.startswith(w)) for w in DRIVE_WORDS)


def says_holds(name: str) -> bool:
    """Whether it is a word for hold times."""
    return last_word(name) in HOLD_WORDS


def named_unit(name: str) -> str:
    """The unit of a field that an array's name ends with, `field_mT`; empty: none."""
    named = FIELD_UNIT.search(_bare(name))
    return named[1] if named else ""


def stem_of(column: str) -> str:
    """Its last word without a plural's s, a time's unit and a word for number."""
    word = TIME_UNIT.sub("", last_word(AGAIN.sub("", column)))
    bare = NUMBER_WORD.sub("", word) or word
    return bare if any(bare in names for names in AXIS_WORDS.values()) else bare.rstrip("s_")


def last_word(name: str) -> str:
    """Of an array's name with its groups, in small letters, without LabVIEW's quotes."""
    return GROUP.split(NUMBER.sub("", name).lower().rstrip(". "))[-1].strip("'")
