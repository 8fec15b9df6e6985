"""The SR830's output offsets and expands: `OEXP i,x,j` of X, Y and R (manual, chapter 5).

An offset is taken off what is displayed, stored and answered; an expand concerns the displays'
digits and the analogue outputs, which nothing is connected to. Judgement: R is made of X and Y as
they are without their offsets.
"""

from __future__ import annotations

from instruments.virtual.stanford_words import (
    COMMAND_ERROR,
    EXECUTION_ERROR,
    CommandError,
    number,
    one_of,
)

HIGHEST_PERCENT = 105.0


class OutputOffsets:
    """Of X, Y, R (1, 2, 3); none at first.

    Attributes
    ----------
    percent, expand
        Of full scale, what is taken off; 0, 1, 2 for 1, 10, 100.
    """

    def __init__(self) -> None:
        self.percent: dict[int, float] = {}
        self.expand: dict[int, int] = {}
        self.clear()

    def clear(self) -> None:
        """As behind `*RST`."""
        self.percent = dict.fromkeys((1, 2, 3), 0.0)
        self.expand = dict.fromkeys((1, 2, 3), 0)

    def set(self, text: str) -> None:
        """`OEXP i,x,j`."""
        parts = text.split(",")
        if len(parts) != 3:
            raise CommandError(COMMAND_ERROR)
        quantity, percent, expand = one_of(parts[0], 1, 3), number(parts[1]), one_of(parts[2], 0, 2)
        if abs(percent) > HIGHEST_PERCENT:
            raise CommandError(EXECUTION_ERROR)
        self.percent[quantity], self.expand[quantity] = percent, expand

    def ask(self, text: str) -> str:
        """`OEXP? i`."""
        quantity = one_of(text, 1, 3)
        return f"{self.percent[quantity]:.2f},{self.expand[quantity]}"
