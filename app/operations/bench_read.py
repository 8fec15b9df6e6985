"""One look at the rig as an event: what `twinrig monitor`, the strip and the Monitor page show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.operations.events import Event

if TYPE_CHECKING:
    from instruments.bench import Bench


@dataclass(frozen=True)
class BenchRead(Event):
    """One look at the rig, `time_s` after the first: supply, field, and the latest values.

    `field_T` follows from the measured current; `measured_field_T` is the field probe's, NaN
    without one. `forbids`: what forbids current now, a sentence for each guard that does.
    `temperatures_K`: of the bench's thermometers; NaN where one gives none. `others`: each magnet
    besides the drive's that is energised, and its current, in words; `others_A`: what is measured
    of each.
    """

    time_s: float
    field_T: float
    setpoint_T: float
    current_A: float
    output_on: bool
    values: tuple[float, ...]
    channels: tuple[str, ...]
    units: tuple[str, ...]
    measured_field_T: float = math.nan
    forbids: tuple[str, ...] = ()
    temperatures_K: tuple[float, ...] = ()
    others: tuple[str, ...] = ()
    others_A: tuple[float, ...] = ()


def look(bench: Bench, time_s: float) -> BenchRead:
    """One look, told as at `time_s`; queries only."""
    now = bench.monitor()
    return BenchRead(
        time_s,
        now.field_T,
        now.setpoint_T,
        now.current_A,
        now.output_on,
        tuple(float(value) for value in now.values),
        tuple(bench.live_channels),
        tuple(bench.live_units),
        now.measured_field_T,
        now.forbids,
        now.temperatures_K,
        now.others,
        now.others_A,
    )
