"""The virtual Lake Shore 336: the temperature of the coils, and inputs with nothing on them.

Commands: Lake Shore 335/336 manuals, chapter 6. Inputs A, B, … sit on the coils of the rig's
supplies, in their order; the others are open. An open input answers 0 K and says so in `RDGST?`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from instruments.virtual.instrument import VirtualInstrument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instruments.virtual.bipolar import BipolarSupply
    from instruments.virtual.instrument import DeviceTime

IDENTITY = "LSCI,MODEL336,LSA2833/LSA1234,2.9"
INPUTS = "ABCD"
INVALID, OPEN = 1, 128  # bits of RDGST?
COMMAND_ERROR, EXECUTION_ERROR, POWER_ON = 32, 16, 128  # bits of *ESR?
ROOM_K = 295.0


class LakeShore336(VirtualInstrument):
    """A Model 336 with sensors glued to the coils.

    Parameters
    ----------
    device_time
        The rig's time.
    supplies
        Whose coils the inputs sit on.

    Attributes
    ----------
    room_K
        What a cold coil shows; whoever holds the rig may change it (cooling water that is lost).
    broken
        Status bits that an input shows instead of a temperature, by letter; empty: none does.
    """

    model = "lakeshore-336"
    terminator = b"\r\n"

    def __init__(self, device_time: DeviceTime, supplies: Sequence[BipolarSupply]) -> None:
        super().__init__(device_time)
        self.room_K = ROOM_K
        self.broken: dict[str, int] = {}
        self._supplies = dict(zip(INPUTS, supplies, strict=False))
        self._event = POWER_ON

    def respond(self, message: str) -> str:
        """Carry a line out; the answers of its queries, joined by `;`, in one reply."""
        replies = [r for part in message.split(";") if (r := self._carry_out(part.strip()))]
        return ";".join(replies) + "\r\n" if replies else ""

    def _carry_out(self, command: str) -> str:
        header, _, argument = command.partition(" ")
        header, letter = header.upper(), argument.strip().upper()
        if header == "*IDN?":
            return IDENTITY
        if header == "*ESR?":
            event, self._event = self._event, 0
            return str(event)
        if header in {"KRDG?", "RDGST?", "CRDG?"}:
            if letter not in tuple(INPUTS):
                self._event |= EXECUTION_ERROR
                return ""
            if header == "RDGST?":
                return f"{self._status(letter):03d}"
            kelvin = self._kelvin(letter)
            return six_digits(kelvin if header == "KRDG?" or not kelvin else kelvin - 273.15)
        if header == "*CLS":
            self._event = 0
        elif header:
            self._event |= COMMAND_ERROR
        return ""

    def _status(self, letter: str) -> int:
        if letter in self.broken:
            return self.broken[letter]
        return 0 if letter in self._supplies else INVALID | OPEN

    def _kelvin(self, letter: str) -> float:
        if self._status(letter):
            return 0.0
        supply = self._supplies[letter]
        supply.follow()
        return self.room_K + supply.heat.rise_K


def six_digits(value: float) -> str:
    """A reading as the unit prints it: sign, six digits and a point (`+295.000`, `+4.23210`)."""
    whole = len(str(int(abs(value))))
    return f"{value:+.{max(0, 6 - whole)}f}"
