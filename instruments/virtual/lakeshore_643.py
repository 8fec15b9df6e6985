"""The virtual Lake Shore 643: 35 V, 70 A, a ramp of its own, no output switch.

Commands: Model 643/648 manual, chapter 5, as in Lake Shore's own Python driver
(lakeshorecryotronics/python-driver, lakeshore/em_power_supply.py). What no source states is marked
"judgement".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from instruments.virtual.coil import CoilParameters
from instruments.virtual.instrument import VirtualInstrument
from instruments.virtual.ramped_supply import RampedSupply

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.virtual.instrument import DeviceTime

IDENTITY = "LSCI,MODEL643,LSA1234,1.2"
MAX_A, MAX_V = 70.1, 35.0
SLOWEST_A_PER_S, FASTEST_A_PER_S = 1e-4, 50.0
SEGMENTS = 5
POWER_ON, COMMAND_ERROR, EXECUTION_ERROR, QUERY_ERROR = 128, 32, 16, 4  # bits of *ESR?
COMPLIANCE, RAMP_DONE = 1, 2  # bits of OPST?
MAGNET_WATER = 32  # bit of the operational errors of ERST?
STOP_S = 0.3  # judgement: a STOP acts after so long; the manual promises 2 s


class LakeShore643(VirtualInstrument):
    """A 643 on a coil, found at zero with internal programming.

    Parameters
    ----------
    device_time
        The rig's time.
    coil
        What is connected to the output.

    Attributes
    ----------
    hardware, operational
        Error bits of `ERST?`; whoever holds the rig may set them (water that is lost).
    external_A
        What its programming input asks for.
    set_A, rate_A_per_s, limits, segmented, segments, programming, water
        Its settings, as their queries answer them.
    """

    model = "lakeshore-643"
    terminator = b"\r\n"

    def __init__(self, device_time: DeviceTime, coil: CoilParameters | None = None) -> None:
        super().__init__(device_time)
        self.supply = RampedSupply(device_time, coil or CoilParameters(), 1.0, limit_V=MAX_V)
        self.hardware = self.operational = 0
        self.external_A = 0.0
        self._event = POWER_ON
        self._latched = 0
        self._water_back_s = 0.0
        self.set_A = 0.0
        self.rate_A_per_s = 1.0
        self.limits = (MAX_A, FASTEST_A_PER_S)
        self.segmented = False
        self.segments = [(MAX_A, 1.0)] * SEGMENTS
        self.programming = 0
        self.water = {"INTWTR": 2, "MAGWTR": 3}

    def respond(self, message: str) -> str:
        """Carry a line out; the answers of its queries, joined by `; `, in one reply."""
        replies = []
        for part in message.split(";"):
            header, _, argument = part.strip().partition(" ")
            try:
                reply = self._carry_out(header.upper(), argument.strip())
            except ValueError:
                self._event |= EXECUTION_ERROR
            else:
                replies += [] if reply is None else [reply]
        return "; ".join(replies) + "\r\n" if replies else ""

    def _carry_out(self, header: str, argument: str) -> str | None:
        if header in _QUERIES:
            return _QUERIES[header](self, argument)
        if header in _SETTINGS:
            _SETTINGS[header](self, argument)
        elif header in {"INTWTR", "MAGWTR"}:
            self.water[header] = _whole(argument, 3)
        elif header:
            self._event |= COMMAND_ERROR
        return None

    def lose_water(self, seconds: float) -> None:
        """The magnet's flow switch opens for so long, 0: for good; the current goes on (judgement).

        No source says what the unit does about it by itself; a program must not rely on that.
        """
        self._water_back_s = self.time.now_s + seconds if seconds else math.inf

    def errors(self) -> str:
        """`ERST?`: what stands now."""
        dry = MAGNET_WATER if self.time.now_s < self._water_back_s else 0
        return f"{self.hardware:03d},{self.operational | dry:03d}"

    # ---- current and ramp

    def set_current(self, text: str) -> None:
        """`SETI x`: it ramps there; beyond `LIMIT` an execution error."""
        self.set_A = _within(text, -self.limits[0], self.limits[0])
        if self.programming != 1:
            self._walk()

    def set_rate(self, text: str) -> None:
        """`RATE r`; beyond `LIMIT` an execution error (judgement)."""
        self.rate_A_per_s = _within(text, SLOWEST_A_PER_S, self.limits[1])
        self._apply_rates()

    def set_limits(self, text: str) -> None:
        """`LIMIT imax, rmax`."""
        current, rate = text.split(",")
        self.limits = _within(current, 0.0, MAX_A), _within(rate, SLOWEST_A_PER_S, FASTEST_A_PER_S)

    def set_segmented(self, text: str) -> None:
        """`RSEG 0|1`."""
        self.segmented = bool(_whole(text, 1))
        self._apply_rates()

    def set_segment(self, text: str) -> None:
        """`RSEGS n, i, r`."""
        number, current, rate = text.split(",")
        self.segments[_whole(number, SEGMENTS, 1) - 1] = (
            _within(current, 0.0, MAX_A),
            _within(rate, SLOWEST_A_PER_S, self.limits[1]),
        )
        self._apply_rates()

    def stop(self, _: str) -> None:
        """`STOP`: the ramp ends soon; `SETI?` still answers what was set (judgement)."""
        self.supply.stop(STOP_S)

    def set_programming(self, text: str) -> None:
        """`XPGM 0|1|2`: internal, external, sum."""
        self.programming = _whole(text, 2)
        self._walk()

    def _walk(self) -> None:
        internal_A = 0.0 if self.programming == 1 else self.set_A
        external_A = 0.0 if self.programming == 0 else self.external_A
        self.supply.walk_to(internal_A + external_A)

    def _apply_rates(self) -> None:
        self.supply.follow()
        segments = self.segments if self.segmented else [(MAX_A, self.rate_A_per_s)]
        self.supply.segments = list(segments)

    def operation(self) -> int:
        """`OPST?`: compliance and ramp done."""
        held_back = COMPLIANCE if self.supply.at_compliance else 0
        condition = held_back | (0 if self.supply.ramping else RAMP_DONE)
        self._latched |= condition
        return condition

    def read_latched(self) -> str:
        """`OPSTR?`: what was seen since the last time, cleared by reading."""
        self.operation()
        latched, self._latched = self._latched, 0
        return f"{latched:03d}"

    def read_event(self) -> str:
        """`*ESR?`, cleared by reading."""
        event, self._event = self._event, 0
        return str(event)

    def clear(self) -> None:
        """`*CLS`."""
        self._event = 0

    def current(self) -> str:
        """`RDGI?`."""
        self.supply.follow()
        return f"{self.supply.coil.current_A:+.4f}"

    def voltage(self) -> str:
        """`RDGV?`."""
        self.supply.follow()
        return f"{self.supply.coil.voltage_V:+.4f}"


def _within(text: str, low: float, high: float) -> float:
    value = float(text)
    if not low <= value <= high:
        raise ValueError(text)
    return value


def _whole(text: str, high: int, low: int = 0) -> int:
    value = int(text)
    if not low <= value <= high:
        raise ValueError(text)
    return value


def _segment(unit: LakeShore643, text: str) -> str:
    current_A, rate_A_per_s = unit.segments[_whole(text, SEGMENTS, 1) - 1]
    return f"{current_A:.4f},{rate_A_per_s:.4f}"


_SETTINGS: dict[str, Callable[[LakeShore643, str], None]] = {
    "SETI": LakeShore643.set_current,
    "RATE": LakeShore643.set_rate,
    "LIMIT": LakeShore643.set_limits,
    "RSEG": LakeShore643.set_segmented,
    "RSEGS": LakeShore643.set_segment,
    "STOP": LakeShore643.stop,
    "XPGM": LakeShore643.set_programming,
    "*CLS": lambda unit, _: unit.clear(),
}
_QUERIES: dict[str, Callable[[LakeShore643, str], str]] = {
    "*IDN?": lambda _unit, _: IDENTITY,
    "*ESR?": lambda unit, _: unit.read_event(),
    "*OPC?": lambda _unit, _: "1",
    "SETI?": lambda unit, _: f"{unit.set_A:+.4f}",
    "RDGI?": lambda unit, _: unit.current(),
    "RDGV?": lambda unit, _: unit.voltage(),
    "RATE?": lambda unit, _: f"{unit.rate_A_per_s:.4f}",
    "LIMIT?": lambda unit, _: "{:.4f},{:.4f}".format(*unit.limits),
    "RSEG?": lambda unit, _: str(int(unit.segmented)),
    "RSEGS?": _segment,
    "XPGM?": lambda unit, _: str(unit.programming),
    "INTWTR?": lambda unit, _: str(unit.water["INTWTR"]),
    "MAGWTR?": lambda unit, _: str(unit.water["MAGWTR"]),
    "OPST?": lambda unit, _: f"{unit.operation():03d}",
    "OPSTR?": lambda unit, _: unit.read_latched(),
    "ERST?": lambda unit, _: unit.errors(),
    "ERSTR?": lambda unit, _: unit.errors(),
}
