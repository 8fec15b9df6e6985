"""The virtual Oxford Mercury iPS: one axis, sets that answer, units glued on, a switch heater.

Commands: Mercury iPS Operator's Manual, issue 14 (2016), chapter 10, as in QCoDeS'
MercuryiPS_VISA.py. What no source states is marked "judgement".
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from instruments.virtual.coil import CoilParameters
from instruments.virtual.instrument import VirtualInstrument
from instruments.virtual.ramped_supply import RampedSupply

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.virtual.instrument import DeviceTime

AXIS = "GRPZ"
CURRENT_LIMIT_A, VOLTAGE_LIMIT_V = 110.0, 10.0
FASTEST_A_PER_MIN = 60.0
WORDS = {"HOLD", "RTOS", "RTOZ", "CLMP"}


class RefusedNounError(Exception):
    """A word of the manual's table of invalid responses."""


class MercuryIps(VirtualInstrument):
    """A Mercury iPS, clamped at zero as at power-up, its switch heater on.

    Parameters
    ----------
    device_time
        The rig's time.
    coil
        The magnet: superconducting, whatever resistance it gives.
    firmware
        From 2.6 on the supply is spelled `SPSU`.
    inductance_H
        Of the magnet; the coil's own would be a normal one's.

    Attributes
    ----------
    heater_on
        The persistent switch's heater.
    locked
        Sets are DENIED: it is in local mode.
    """

    model = "mercury-ips"

    def __init__(
        self,
        device_time: DeviceTime,
        coil: CoilParameters | None = None,
        firmware: str = "2.6.04.000",
        inductance_H: float = 5.0,
    ) -> None:
        super().__init__(device_time)
        magnet = replace(coil or CoilParameters(), inductance_H=inductance_H)
        self.supply = RampedSupply(device_time, magnet, 0.1, resistive=False)
        self.heater_on = True
        self.locked = False
        self.setpoint_A = 0.0
        self.alarms: dict[str, str] = {}  # by board, what `READ:SYS:ALRM` lists
        self._firmware = firmware
        newer = tuple(int(part) for part in firmware.split(".")[:2]) >= (2, 6)
        self.spelling = "SPSU" if newer else "PSU"
        self._action = "CLMP"
        self._persistent_A = 0.0

    def answers(self, message: str) -> bool:
        """Everything is answered, a set too."""
        return True

    def respond(self, message: str) -> str:
        """Carry a line out; case counts."""
        if message == "*IDN?":
            return f"IDN:OXFORD INSTRUMENTS:MERCURY iPS:154350041:{self._firmware}\n"
        verb, _, rest = message.partition(":")
        try:
            if verb == "READ":
                noun = rest.removesuffix("?")  # other programs send one (judgement)
                return f"STAT:{noun}:{self._read(noun)}\n"
            if verb == "SET":
                noun, _, value = rest.rpartition(":")
                self._set(noun, value)
                return f"STAT:SET:{rest}:VALID\n"
        except RefusedNounError as refusal:
            return f"STAT:{'SET:' if verb == 'SET' else ''}{rest}:{refusal}\n"
        return f"{verb}:INVALID\n"

    @property
    def action(self) -> str:
        """What it does; a ramp that is done holds."""
        self.supply.follow()
        if self._action in {"RTOS", "RTOZ"} and not self.supply.ramping:
            self._action = "HOLD"
        return self._action

    def _key(self, noun: str) -> str:
        """The part of a noun behind its device."""
        parts = noun.split(":")
        if noun in {"SYS:CAT", "SYS:ALRM"}:
            return noun
        if parts[0] != "DEV" or len(parts) < 4 or any(len(part) > 4 for part in parts[2:]):
            raise RefusedNounError("INVALID")
        if parts[1] != AXIS:
            raise RefusedNounError("NOT_FOUND")
        if parts[2] != self.spelling:
            raise RefusedNounError("INVALID")
        return ":".join(parts[3:])

    def _read(self, noun: str) -> str:
        key = self._key(noun)
        if key not in _READS:
            raise RefusedNounError("INVALID")
        self.supply.follow()
        return _READS[key](self)

    def _set(self, noun: str, value: str) -> None:
        key = self._key(noun)
        if key not in _SETS:
            raise RefusedNounError("INVALID")
        if self.locked:
            raise RefusedNounError("DENIED")
        self.supply.follow()
        _SETS[key](self, value)

    # ---- what is set

    def set_current(self, text: str) -> None:
        """`SIG:CSET x`."""
        self.setpoint_A = _number(text, CURRENT_LIMIT_A)
        if self.action == "RTOS":
            self.supply.walk_to(self.setpoint_A)

    def set_field(self, text: str) -> None:
        """`SIG:FSET x`, through the ratio `ATOB`."""
        self.set_current(str(_number(text, math.inf) * self.ampere_per_tesla))

    def set_rate(self, text: str) -> None:
        """`SIG:RCST x`, A/min."""
        rate = _number(text, FASTEST_A_PER_MIN)
        if rate < 0:
            raise RefusedNounError("INVALID")
        self.supply.segments = [(math.inf, rate / 60.0)]

    def set_field_rate(self, text: str) -> None:
        """`SIG:RFST x`, T/min."""
        self.set_rate(str(_number(text, math.inf) * self.ampere_per_tesla))

    def act(self, text: str) -> None:
        """`ACTN HOLD|RTOS|RTOZ|CLMP`; from CLMP only HOLD."""
        if text not in WORDS or (self.action == "CLMP" and text in {"RTOS", "RTOZ"}):
            raise RefusedNounError("INVALID")
        if text == "CLMP" and self.supply.demand_A != 0:
            raise RefusedNounError("INVALID")  # judgement: it clamps at zero only
        self._action = text
        if text == "RTOS":
            self.supply.walk_to(self.setpoint_A)
        elif text == "RTOZ":
            self.supply.walk_to(0.0)
        else:
            self.supply.stop()

    def heat(self, text: str) -> None:
        """`SIG:SWHT ON|OFF`: refused where the magnet has another current."""
        if text not in {"ON", "OFF"}:
            raise RefusedNounError("INVALID")
        if text == "ON" and abs(self.persistent_A - self.supply.coil.current_A) > 0.01:
            raise RefusedNounError("INVALID")
        if text == "OFF":
            self._persistent_A = self.supply.coil.current_A
        self.heater_on = text == "ON"

    # ---- what is read

    @property
    def persistent_A(self) -> float:
        """The magnet's current."""
        return self.supply.coil.current_A if self.heater_on else self._persistent_A

    @property
    def ampere_per_tesla(self) -> float:
        """`ATOB`."""
        return 1.0 / self.supply.coil.parameters.tesla_per_ampere

    @property
    def rate_A_per_min(self) -> float:
        """`SIG:RCST`."""
        return self.supply.segments[0][1] * 60.0


def glued(value: float, unit: str, digits: int = 4) -> str:
    """A number with prefix and unit: small ones in milli (judgement: below 1)."""
    if 0 < abs(value) < 1:
        return f"{value * 1e3:.{digits}f}m{unit}"
    return f"{value:.{digits}f}{unit}"


def _number(text: str, limit: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise RefusedNounError("INVALID") from None
    if not abs(value) <= limit or math.isinf(value):
        raise RefusedNounError("INVALID")
    return value


_READS: dict[str, Callable[[MercuryIps], str]] = {
    "SYS:CAT": lambda unit: f"DEV:{AXIS}:{unit.spelling}",
    "SYS:ALRM": lambda unit: "".join(f"{board}\t{w};" for board, w in unit.alarms.items()),
    "ACTN": lambda unit: unit.action,
    "CLIM": lambda _unit: glued(CURRENT_LIMIT_A, "A"),
    "VLIM": lambda _unit: glued(VOLTAGE_LIMIT_V, "V"),
    "ATOB": lambda unit: glued(unit.ampere_per_tesla, "A/T"),
    "SIG:CURR": lambda unit: glued(unit.supply.coil.current_A, "A"),
    "SIG:PCUR": lambda unit: glued(unit.persistent_A, "A"),
    "SIG:VOLT": lambda unit: glued(unit.supply.coil.voltage_V, "V"),
    "SIG:FLD": lambda unit: glued(unit.supply.coil.current_A / unit.ampere_per_tesla, "T"),
    "SIG:PFLD": lambda unit: glued(unit.persistent_A / unit.ampere_per_tesla, "T"),
    "SIG:CSET": lambda unit: f"{unit.setpoint_A:.4f}A",
    "SIG:FSET": lambda unit: f"{unit.setpoint_A / unit.ampere_per_tesla:.4f}T",
    "SIG:RCST": lambda unit: f"{unit.rate_A_per_min:.4f}A/m",
    "SIG:RFST": lambda unit: f"{unit.rate_A_per_min / unit.ampere_per_tesla:.4f}T/m",
    "SIG:SWHT": lambda unit: "ON" if unit.heater_on else "OFF",
}
_SETS: dict[str, Callable[[MercuryIps, str], None]] = {
    "SIG:CSET": MercuryIps.set_current,
    "SIG:FSET": MercuryIps.set_field,
    "SIG:RCST": MercuryIps.set_rate,
    "SIG:RFST": MercuryIps.set_field_rate,
    "SIG:SWHT": MercuryIps.heat,
    "ACTN": MercuryIps.act,
}
