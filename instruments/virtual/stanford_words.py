"""What Stanford Research lock-ins read of a message, and how one that they can't carry out ends."""

from __future__ import annotations

import math

COMMAND_ERROR, EXECUTION_ERROR, POWER_ON = 32, 16, 128  # bits of *ESR?


class CommandError(Exception):
    """The message can't be carried out; `bit` is set in the event register."""

    def __init__(self, bit: int) -> None:
        super().__init__(bit)
        self.bit = bit


def number(text: str) -> float:
    """Read a number; a text that is none is a command error."""
    try:
        value = float(text)
    except ValueError:
        raise CommandError(COMMAND_ERROR) from None
    if not math.isfinite(value):
        raise CommandError(COMMAND_ERROR)
    return value


def integers(text: str) -> list[int]:
    """Read whole numbers, separated by commas."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise CommandError(COMMAND_ERROR) from None


def one_of(text: str, low: int, high: int) -> int:
    """Read one whole number within limits."""
    value = number(text)
    if value != int(value) or not low <= value <= high:
        raise CommandError(EXECUTION_ERROR)
    return int(value)


def taken(status: int, text: str) -> tuple[str, int]:
    """The reply of a status that reading clears, and what is left: one bit of it, or all."""
    if not text:
        return str(status), 0
    bit = 1 << one_of(text, 0, 7)
    return "1" if status & bit else "0", status & ~bit
