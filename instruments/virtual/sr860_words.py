"""How the SR860 reads a message: mnemonic, values with units, parameters by number or name."""

from __future__ import annotations

import re

from instruments.virtual.stanford_words import COMMAND_ERROR, EXECUTION_ERROR, CommandError, number

_UNITS = {"HZ": 1.0, "KHZ": 1e3, "V": 1.0, "MV": 1e-3, "UV": 1e-6, "DEG": 1.0}
MESSAGE = re.compile(r"(\*?[A-Za-z]+)\s*(\??)\s*(.*)", re.DOTALL)
_VALUE = re.compile(r"([-+0-9.eE]+?)\s*([A-Za-z]*)")
_PARAMETERS = (
    "X", "Y", "R", "THETA", "IN1", "IN2", "IN3", "IN4", "XNOISE", "YNOISE", "OUT1", "OUT2",
    "PHASE", "SAMP", "LEVEL", "FINT", "FEXT",
)  # fmt: skip
_SHORT = {"TH": 3, "XNO": 8, "YNO": 9, "PHA": 12, "SAM": 13, "LEV": 14, "FI": 15, "FE": 16}


def quantity(text: str) -> float:
    """A number with or without a unit, such as `1.5 kHz`; another text is a command error."""
    parts = _VALUE.fullmatch(text)
    if parts is None or parts[2].upper() not in {"", *_UNITS}:
        raise CommandError(COMMAND_ERROR)
    return number(parts[1]) * _UNITS.get(parts[2].upper(), 1.0)


def parameter(text: str) -> int:
    """The number of a parameter, given as such or by its name."""
    word = text.strip().upper()
    if word.isdigit() and int(word) < len(_PARAMETERS):
        return int(word)
    if word in _PARAMETERS:
        return _PARAMETERS.index(word)
    if word in _SHORT:
        return _SHORT[word]
    raise CommandError(EXECUTION_ERROR if word.isdigit() else COMMAND_ERROR)
