"""Ramp rates of the virtual AMI 430, told as current or as field, by segment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instruments.virtual.ami_errors import AmiError, number, whole
from instruments.virtual.scpi import spellings

if TYPE_CHECKING:
    from instruments.virtual.ami_430 import Ami430

SLOWEST_A_PER_S, FASTEST_A_PER_S = 1e-6, 10.0
QUERIES = {
    **dict.fromkeys(spellings("RAMP:RATE:CURRent"), False),
    **dict.fromkeys(spellings("RAMP:RATE:FIELD"), True),
}
"""Stem of a rate's query (a segment's number follows) → whether it is told as field."""


def set_segments(unit: Ami430, text: str) -> None:
    """`CONF:RAMP:RATE:SEG n`."""
    count = whole(text, 1, 10)
    last = unit.segments[-1]
    unit.segments = (unit.segments + [last] * count)[:count]
    unit.apply_rates()


def set_current_rate(unit: Ami430, text: str) -> None:
    """`CONF:RAMP:RATE:CURR n,rate,upper`, the rate in the present unit of time."""
    _set_rate(unit, text, 1.0)


def set_field_rate(unit: Ami430, text: str) -> None:
    """`CONF:RAMP:RATE:FIELD n,rate,upper`, in the present units of field and time."""
    _set_rate(unit, text, unit.coil_constant())


def ask_rate(unit: Ami430, segment: int, as_field: bool) -> str:
    """`RAMP:RATE:CURR:n?`, `RAMP:RATE:FIELD:n?`: the rate, and up to where it holds."""
    if not 1 <= segment <= len(unit.segments):
        raise AmiError(-105)
    per_A = unit.coil_constant() if as_field else 1.0
    rate_A_per_s, upper_A = unit.segments[segment - 1]
    seconds = 60.0 if unit.per_minute else 1.0
    return f"{rate_A_per_s * per_A * seconds:.4f},{upper_A * per_A:.4f}"


def _set_rate(unit: Ami430, text: str, per_A: float) -> None:
    parts = text.split(",")
    if len(parts) < 2:
        raise AmiError(-104)
    segment, rate = whole(parts[0], 1, len(unit.segments)), number(parts[1]) / per_A
    _, upper_A = unit.segments[segment - 1]
    if len(parts) > 2 and number(parts[2]) > 0:
        upper_A = number(parts[2]) / per_A
    rate_A_per_s = rate / 60.0 if unit.per_minute else rate
    if not SLOWEST_A_PER_S <= rate_A_per_s <= FASTEST_A_PER_S:
        raise AmiError(-105)
    unit.segments[segment - 1] = (rate_A_per_s, upper_A)
    unit.apply_rates()
