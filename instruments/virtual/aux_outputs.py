"""The four voltages that a Stanford Research lock-in gives at its rear."""

from __future__ import annotations

from instruments.virtual.stanford_words import EXECUTION_ERROR, CommandError, number, one_of

MOST_V = 10.5


class AuxOutputs:
    """Voltages `volts` of the outputs; commands number them from `first` on."""

    def __init__(self, first: int) -> None:
        self._first = first
        self.volts = [0.0] * 4

    def set(self, text: str) -> None:
        """`AUXV i,x`."""
        index, _, volts = text.partition(",")
        value = number(volts)
        if abs(value) > MOST_V:
            raise CommandError(EXECUTION_ERROR)
        self.volts[self.place(index)] = value

    def asked(self, text: str) -> float:
        """`AUXV? i`, in V."""
        return self.volts[self.place(text)]

    def place(self, text: str) -> int:
        """Which of the four a number in a command means, counted from 0."""
        return one_of(text, self._first, self._first + 3) - self._first
