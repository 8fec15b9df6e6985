"""What a bench's read-outs say together: channel names, units, values."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import TwinrigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from instruments.protocols import Readout, Thermometer


@dataclass(frozen=True)
class BenchReading:
    """What the rig is doing now: field from the measured current, set-point, channels `(C,)`.

    `measured_field_T` is the field probe's; NaN without one, and where it gives none. `forbids` is
    what forbids current now, a sentence for each guard that does. `temperatures_K` are those of the
    bench's thermometers, in its order; NaN where one gives none. `others`: each magnet besides the
    drive's that is energised, and its current, in words; `others_A`: the measured current of each
    of them, energised or not, in the bench's order.
    """

    field_T: float
    setpoint_T: float
    current_A: float
    output_on: bool
    values: NDArray[np.float64]
    measured_field_T: float = math.nan
    forbids: tuple[str, ...] = ()
    temperatures_K: tuple[float, ...] = ()
    others: tuple[str, ...] = ()
    others_A: tuple[float, ...] = ()


@dataclass(frozen=True)
class StepReading:
    """One step that was set and read.

    Attributes
    ----------
    current_A
        What was set.
    values
        Channels `(C,)`.
    set_s
        Device time at which the step's last set-point had been sent and its walk was over.
    read_s
        Device time at which the reading was there.
    measured_field_T
        Of the field probe, right after the read-out; NaN on a bench without one.
    looked_s
        Device time by which the step came later because supply or guards were due before it.
    """

    current_A: float
    values: NDArray[np.float64]
    set_s: float
    read_s: float
    measured_field_T: float = math.nan
    looked_s: float = 0.0


def kelvin_of(thermometer: Thermometer, input_name: str) -> float:
    """A temperature for a display, in K; NaN where none can be read: guards say why."""
    try:
        return thermometer.kelvin(input_name)
    except TwinrigError:
        return math.nan


def joined(values: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The values of all read-outs, one after another; empty on a bench without any."""
    return values[0] if len(values) == 1 else np.concatenate([np.empty(0), *values])


def channels_of(readouts: dict[str, Readout]) -> tuple[str, ...]:
    """Names over all read-outs; a name has its read-out's where two would clash."""
    plain = Counter(channel for readout in readouts.values() for channel in readout.channels)
    return tuple(
        channel if plain[channel] == 1 else f"{name}.{channel}"
        for name, readout in readouts.items()
        for channel in readout.channels
    )
