"""What the SR860 makes of X, Y and R for its analogue outputs: offset, expand, ratio.

Commands as public drivers send them, for 0, 1, 2 (X, Y, R): `COFA j,i` (the offset off, on),
`COFP j,x` (in % of the sensitivity), `CEXP j,i` (1, 10, 100 times), `CRAT j,i` (over Aux In 3).
Judgement: a number on the bus has none of them, as it has no sensitivity; nothing is connected to
the outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from instruments.virtual.stanford_words import (
    COMMAND_ERROR,
    EXECUTION_ERROR,
    CommandError,
    number,
    one_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HIGHEST_PERCENT = 999.99
HIGHEST = {"COFA": 1, "CEXP": 2, "CRAT": 1}


class ChannelOutputs:
    """The settings of the outputs by mnemonic, three numbers each; none is on at first."""

    def __init__(self) -> None:
        self._set: dict[str, list[float]] = {name: [0.0] * 3 for name in ("COFP", *HIGHEST)}

    def commands(self) -> dict[str, Callable[[str], str | None]]:
        """The handlers of each mnemonic and of its query."""

        def setter(name: str) -> Callable[[str], None]:
            return lambda text: self._change(name, text)

        def query(name: str) -> Callable[[str], str]:
            return lambda text: f"{self._set[name][one_of(text, 0, 2)]:.9g}"

        return {name: setter(name) for name in self._set} | {
            f"{name}?": query(name) for name in self._set
        }

    def _change(self, name: str, text: str) -> None:
        quantity, comma, value = text.partition(",")
        if not comma:
            raise CommandError(COMMAND_ERROR)
        found = number(value) if name == "COFP" else one_of(value, 0, HIGHEST[name])
        if abs(found) > HIGHEST_PERCENT:
            raise CommandError(EXECUTION_ERROR)
        self._set[name][one_of(quantity, 0, 2)] = found
