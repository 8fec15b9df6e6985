"""The virtual Lake Shore 336: the temperature of the coils, and inputs with nothing on them.

Commands: Lake Shore 335/336 manuals, chapter 6; alarms and relays as in Lake Shore's own Python
driver (temperature_controllers.py, model_336.py). Inputs A, B, … sit on the coils of the rig's
supplies, in their order; the others are open. An open input answers 0 K and says so in `RDGST?`.
Alarms latch where they were told to. Deadband, beeper and display of an alarm are kept, and do
nothing; an input that is open rings no alarm (judgement).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from instruments.virtual.instrument import VirtualInstrument

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from instruments.virtual.bipolar import BipolarSupply
    from instruments.virtual.instrument import DeviceTime

IDENTITY = "LSCI,MODEL336,LSA2833/LSA1234,2.9"
INPUTS = "ABCD"
INVALID, OPEN = 1, 128  # bits of RDGST?
COMMAND_ERROR, EXECUTION_ERROR, POWER_ON = 32, 16, 128  # bits of *ESR?
ROOM_K = 295.0
ALARM_FIELDS = 7  # of ALARM, behind the input: on, high, low, deadband, latch, audible, visible
RELAY_ALARMS = 2  # mode of RELAY: 0 off, 1 on, 2 by an alarm: 0 low, 1 high, 2 both


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
        self._alarms = {letter: [0.0] * ALARM_FIELDS for letter in INPUTS}
        self._rung = dict.fromkeys(INPUTS, (False, False))
        self._relays = {"1": (0, "A", 2), "2": (0, "A", 2)}  # mode, input, type
        self._supplies = dict(zip(INPUTS, supplies, strict=False))
        self._event = POWER_ON

    def respond(self, message: str) -> str:
        """Carry a line out; the answers of its queries, joined by `;`, in one reply."""
        replies = [r for part in message.split(";") if (r := self._carry_out(part.strip()))]
        return ";".join(replies) + "\r\n" if replies else ""

    def _carry_out(self, command: str) -> str:
        header, _, argument = command.partition(" ")
        header, letter = header.upper(), argument.strip().upper()
        self._ring()
        if header in _WATCHING:
            try:
                return _WATCHING[header](self, letter)
            except (ValueError, KeyError):
                self._event |= EXECUTION_ERROR
                return ""
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

    # ---- alarms and relays

    def _ring(self) -> None:
        """Alarms as they are now; one that latches keeps what it was."""
        for letter, (on, high, low, _, latch, *_) in self._alarms.items():
            kelvin = self._kelvin(letter)
            known = on and not self._status(letter)
            now = (bool(known and kelvin > high), bool(known and kelvin < low))
            before = self._rung[letter] if on and latch else (False, False)
            self._rung[letter] = (now[0] or before[0], now[1] or before[1])

    def set_alarm(self, text: str) -> str:
        """`ALARM A,on,high,low,deadband,latch,audible,visible`, in kelvin."""
        letter, *values = [part.strip() for part in text.split(",")]
        if len(values) != ALARM_FIELDS:
            raise ValueError(text)
        numbers = [float(value) for value in values]
        if not all(map(math.isfinite, numbers)):
            raise ValueError(text)
        self._alarms[_input(letter)] = numbers
        return ""

    def alarm(self, letter: str) -> str:
        """`ALARM? A`."""
        on, high, low, deadband, *flags = self._alarms[_input(letter)]
        words = [six_digits(value) for value in (high, low, deadband)]
        return ",".join([f"{on:.0f}", *words, *(f"{flag:.0f}" for flag in flags)])

    def alarm_status(self, letter: str) -> str:
        """`ALARMST? A`: high, low."""
        high, low = self._rung[_input(letter)]
        return f"{high:d},{low:d}"

    def reset_alarms(self, _: str) -> str:
        """`ALMRST`: what had latched is forgotten."""
        self._rung = dict.fromkeys(INPUTS, (False, False))
        self._ring()
        return ""

    def set_relay(self, text: str) -> str:
        """`RELAY n,mode,input,type`."""
        number, mode, letter, kind = [part.strip() for part in text.split(",")]
        if number not in self._relays or int(mode) not in range(3) or int(kind) not in range(3):
            raise ValueError(text)
        self._relays[number] = (int(mode), _input(letter), int(kind))
        return ""

    def relay(self, number: str) -> str:
        """`RELAY? n`."""
        return ",".join(str(each) for each in self._relays[number])

    def relay_status(self, number: str) -> str:
        """`RELAYST? n`: 1 on."""
        mode, letter, kind = self._relays[number]
        high, low = self._rung[letter]
        rings = (low, high, high or low)[kind]
        return f"{mode == 1 or (mode == RELAY_ALARMS and rings):d}"

    # ---- temperatures

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


def _input(letter: str) -> str:
    if letter not in tuple(INPUTS):
        raise ValueError(letter)
    return letter


_WATCHING: dict[str, Callable[[LakeShore336, str], str]] = {
    "ALARM": LakeShore336.set_alarm,
    "ALARM?": LakeShore336.alarm,
    "ALARMST?": LakeShore336.alarm_status,
    "ALMRST": LakeShore336.reset_alarms,
    "RELAY": LakeShore336.set_relay,
    "RELAY?": LakeShore336.relay,
    "RELAYST?": LakeShore336.relay_status,
}
