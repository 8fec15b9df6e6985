"""Alarms of a monitor: a channel that leaves its band is said once, and again when it is back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

BACK_SHARE = 0.02
"""Of the band (of the bound, where there is one): what flutters about it must not be said a
thousand times in a night."""


@dataclass(frozen=True)
class Alarm:
    """The band of one channel, in its SI unit.

    Raises
    ------
    InputError
        No number, no bound at all, or the low one not below the high one.
    """

    channel: str
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high):
            raise InputError(f"alarm of {self.channel}: a bound is no number")
        if math.isinf(self.low) and math.isinf(self.high):
            raise InputError(f"alarm of {self.channel}: give one bound at least")
        if not self.low < self.high:
            raise InputError(
                f"alarm of {self.channel}: low {self.low:g} must be below high {self.high:g}"
            )

    def problem(self, value: float, before: str = "") -> str:
        """Which bound a value is beyond: `below` or `above`; empty inside, or without a value.

        `before`: what it was beyond when last asked; it is back where it is inside by `BACK_SHARE`.
        """
        ends = [abs(end) for end in (self.low, self.high) if math.isfinite(end)]
        width = self.high - self.low if len(ends) == 2 else ends[0]
        margin = BACK_SHARE * width
        if value < self.low + margin * (before == "below"):
            return "below"
        return "above" if value > self.high - margin * (before == "above") else ""


@dataclass(frozen=True)
class Raised:
    """A change: the channel left its band (`side` is `below` or `above`), or is back (empty)."""

    alarm: Alarm
    side: str
    value: float


@dataclass
class Alarms:
    """The alarms in force, by channel; `out` holds those raised now and their side."""

    by_channel: dict[str, Alarm] = field(default_factory=dict)
    out: dict[str, str] = field(default_factory=dict)

    def put(self, alarm: Alarm) -> None:
        """Set a channel's alarm, in place of another of it."""
        self.by_channel[alarm.channel] = alarm
        self.out.pop(alarm.channel, None)

    def remove(self, channel: str) -> None:
        """Take a channel's alarm away."""
        self.by_channel.pop(channel, None)
        self.out.pop(channel, None)

    def look(self, values: Mapping[str, float]) -> list[Raised]:
        """What has changed with these values; a missing one changes nothing."""
        changed = []
        for channel, alarm in self.by_channel.items():
            value = values.get(channel, math.nan)
            if math.isnan(value):
                continue
            side = alarm.problem(value, self.out.get(channel, ""))
            if side != self.out.get(channel, ""):
                changed.append(Raised(alarm, side, value))
            if side:
                self.out[channel] = side
            else:
                self.out.pop(channel, None)
        return changed
