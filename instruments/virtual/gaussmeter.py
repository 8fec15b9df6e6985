"""The virtual Lake Shore 425 and 475 gaussmeters in the gap of a coil: units, ranges, quirks.

Commands: `shared/rig.md` 3.3 and the manuals' pages named in the drivers. Both keep what somebody
chose on the front panel: they are found in gauss. Quirks: the 425 reads garbage where a message
comes less than 30 ms behind the one before (host time, times `accelerate`: a polite client never
sees it), a field beyond the range is told in the status (475) and as the range's end; `*ESR?` is
the 475's only. What no source states is judgement: range factors, noise, reading time.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, ClassVar

from instruments.virtual.electronics import Normals
from instruments.virtual.instrument import VirtualInstrument

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from instruments.virtual.instrument import DeviceTime

PER_TESLA = {1: 1.0e4, 2: 1.0, 3: 1.0e4, 4: 1.0 / 1.25663706e-6}  # UNIT: G, T, Oe, A/m
LOWEST_RANGE_T = 3.5e-3  # RANGE 1 of a high-sensitivity probe on the 425; each next ten times more
OVERRANGE = 1.05
NOISE_T = 1.0e-7  # judgement: three-and-three-quarter digits of the lowest range
GAP_S = 0.03
COMMAND_ERROR, EXECUTION_ERROR, POWER_ON = 32, 16, 128  # bits of *ESR?
NO_PROBE, OVERLOAD, NEW_READING = 1, 2, 4  # bits of OPST?


class Gaussmeter(VirtualInstrument):
    """What both models have; a field from the rig, seen through a probe.

    Parameters
    ----------
    device_time
        The rig's time.
    field_T
        The field at the probe now; called at each reading.
    seed
        Of the read-out noise.

    Attributes
    ----------
    probe
        Whether one is plugged in.
    """

    terminator: ClassVar[bytes] = b"\r\n"
    identity: ClassVar[str]
    modes: ClassVar[tuple[tuple[int, int], ...]]  # lowest and highest of each number of RDGMODE
    ranges: ClassVar[int]

    def __init__(
        self, device_time: DeviceTime, field_T: Callable[[], float], seed: np.random.SeedSequence
    ) -> None:
        super().__init__(device_time)
        self.unit = 1
        self.range = 1
        self.auto = True
        self.mode = [low for low, _ in self.modes]
        self.probe = True
        self._field_T = field_T
        self._noise = Normals(seed)
        self._zero_T = 0.0
        self._event = POWER_ON
        self._status = 0

    def respond(self, message: str) -> str:
        """Carry a line out; the answers of its queries in one line, joined by `;`."""
        replies = []
        for part in message.split(";"):
            reply = self._carry_out(part.strip()) if part.strip() else None
            if reply is not None:
                replies.append(reply)
        return ";".join(replies) + "\r\n" if replies else ""

    def _carry_out(self, command: str) -> str | None:
        name, _, text = command.partition(" ")
        name = name.upper()
        if name.endswith("?"):
            answer = self._answers().get(name)
            if answer is None:
                self._event |= COMMAND_ERROR
                return None
            return answer()
        try:
            self._change(name, [int(part) for part in text.split(",")] if text else [])
        except (KeyError, ValueError):
            self._event |= COMMAND_ERROR if name not in self._changes() else EXECUTION_ERROR
        return None

    def _answers(self) -> dict[str, Callable[[], str]]:
        return {
            "*IDN?": lambda: self.identity,
            "RDGFIELD?": lambda: self._shown(self._reading_T()),
            "UNIT?": lambda: str(self.unit),
            "RANGE?": lambda: str(self.range),
            "AUTO?": lambda: "1" if self.auto else "0",
            "RDGMODE?": lambda: ",".join(map(str, self.mode)),
            "TYPE?": lambda: "40",
        }

    def _changes(self) -> dict[str, tuple[tuple[int, int], ...]]:
        """What can be set, and the limits of its numbers."""
        return {
            "UNIT": ((1, 4),),
            "RANGE": ((1, self.ranges),),
            "AUTO": ((0, 1),),
            "RDGMODE": self.modes,
            "ZPROBE": (),
        }

    def _change(self, name: str, values: list[int]) -> None:
        limits = self._changes()[name]
        if name == "AUTO" and not values:
            values = [1]  # as PyMeasure's driver sends it
        if len(values) != len(limits):
            raise ValueError(values)
        for value, (low, high) in zip(values, limits, strict=True):
            if not low <= value <= high:
                raise ValueError(value)
        if name == "UNIT":
            self.unit = values[0]
        elif name == "RANGE":
            self.range, self.auto = values[0], False
        elif name == "AUTO":
            self.auto = bool(values[0])
        elif name == "RDGMODE":
            self.mode = values
        else:
            self._zero_T = self._field_T()

    def _reading_T(self) -> float:
        """The field as the probe gives it, within the range."""
        if not self.probe:
            self._status = NO_PROBE
            return 0.0
        field_T = self._field_T() - self._zero_T + NOISE_T * self._noise.pair()[0]
        if self.auto:
            fitting = (n for n in range(1, self.ranges + 1) if abs(field_T) <= self._full_T(n))
            self.range = next(fitting, self.ranges)
        limit_T = OVERRANGE * self._full_T(self.range)
        self._status = NEW_READING | (OVERLOAD if abs(field_T) > limit_T else 0)
        return math.copysign(min(abs(field_T), limit_T), field_T)

    @staticmethod
    def _full_T(number: int) -> float:
        return LOWEST_RANGE_T * 10.0 ** (number - 1)

    def _shown(self, field_T: float) -> str:
        """The form `±nnn.nnnE±nn` of the manuals, in the unit of the front panel."""
        value = field_T * PER_TESLA[self.unit]
        power = int(f"{value:.5e}".partition("e")[2])  # as rounded to six digits
        exponent = 3 * (power // 3)
        return f"{value / 10.0**exponent:+08.3f}E{exponent:+03d}"


class LakeShore425(Gaussmeter):
    """A 425; it wants 30 ms between messages."""

    model = "lakeshore-425"
    identity = "LSCI,MODEL425,4250022,1.0"
    modes = ((1, 2), (0, 1), (1, 2))
    ranges = 4
    processing_s = 0.005

    _heard_at_s = -math.inf

    def respond(self, message: str) -> str:
        """As its family, and garbage to an impatient client."""
        now_s = time.monotonic()
        gap_s = now_s - self._heard_at_s
        self._heard_at_s = now_s
        reply = super().respond(message)
        hurried = self.time.accelerate != math.inf and gap_s * self.time.accelerate < GAP_S
        return f"?{reply[1:-2:2]}\r\n" if hurried and reply else reply


class LakeShore475(Gaussmeter):
    """A 475, with the status registers that the 425 lacks."""

    model = "lakeshore-475"
    identity = "LSCI,MODEL475,4750042,1.0"
    modes = ((1, 3), (1, 3), (1, 3), (1, 2), (1, 3))
    ranges = 5

    def _answers(self) -> dict[str, Callable[[], str]]:
        return super()._answers() | {
            "OPST?": lambda: str(self._status if self.probe else NO_PROBE),
            "*ESR?": self._ask_event,
            "*OPC?": lambda: "1",
        }

    def _ask_event(self) -> str:
        event, self._event = self._event, 0
        return str(event)
