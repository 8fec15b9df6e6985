"""Alarms of a monitor: out of its band or without a value, a channel is said once, and its end."""

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
GONE = "gone"
GONE_S, LONGEST_GONE_S = 10.0, 120.0
"""Judgement: so long without a value a channel is not watched. A run that rests longer between two
values has shown so: it is waited twice as long as before, up to the second."""


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
    """A change: `side` `below` or `above` its band, `gone` without a value, empty: it is back."""

    alarm: Alarm
    side: str
    value: float


@dataclass
class Alarms:
    """The alarms in force, by channel; `out` holds those raised now and their side.

    `seen_s`: when each had its last value, in s of the clock that `overdue` is asked by;
    `patience_s`: how long the next may take.
    """

    by_channel: dict[str, Alarm] = field(default_factory=dict)
    out: dict[str, str] = field(default_factory=dict)
    seen_s: dict[str, float] = field(default_factory=dict)
    patience_s: dict[str, float] = field(default_factory=dict)

    def put(self, alarm: Alarm) -> None:
        """Set a channel's alarm, in place of another of it."""
        self.by_channel[alarm.channel] = alarm
        self.out.pop(alarm.channel, None)

    def remove(self, channel: str) -> None:
        """Take a channel's alarm away."""
        self.by_channel.pop(channel, None)
        self.out.pop(channel, None)
        self.seen_s.pop(channel, None)
        self.patience_s.pop(channel, None)

    def look(self, values: Mapping[str, float], now_s: float) -> list[Raised]:
        """What has changed with these values; a missing one is `overdue`'s."""
        changed = []
        for channel, alarm in self.by_channel.items():
            value = values.get(channel, math.nan)
            if math.isnan(value):
                continue
            waited_s = now_s - self.seen_s.get(channel, now_s)
            longest_s = min(2.0 * waited_s, LONGEST_GONE_S)
            self.patience_s[channel] = max(self.patience_s.get(channel, GONE_S), longest_s)
            self.seen_s[channel] = now_s
            side = alarm.problem(value, self.out.get(channel, ""))
            if side != self.out.get(channel, ""):
                changed.append(Raised(alarm, side, value))
            if side:
                self.out[channel] = side
            else:
                self.out.pop(channel, None)
        return changed

    def overdue(self, now_s: float) -> list[Raised]:
        """The alarms that watch nothing any more: too long without a value, whoever failed."""
        gone = []
        for channel, alarm in self.by_channel.items():
            waited_s = now_s - self.seen_s.setdefault(channel, now_s)
            late = waited_s >= self.patience_s.get(channel, GONE_S)
            if late and self.out.get(channel) != GONE:
                self.out[channel] = GONE
                gone.append(Raised(alarm, GONE, math.nan))
        return gone
