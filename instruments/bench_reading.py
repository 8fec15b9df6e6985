"""What a bench's read-outs say together: channel names, units, values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from instruments.protocols import Readout


@dataclass(frozen=True)
class BenchReading:
    """What the rig is doing now: field from the measured current, set-point, channels `(C,)`."""

    field_T: float
    setpoint_T: float
    current_A: float
    output_on: bool
    values: NDArray[np.float64]


def joined(values: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The values of all read-outs, one after another; empty on a bench without any."""
    return values[0] if len(values) == 1 else np.concatenate([np.empty(0), *values])


def channels_of(readouts: dict[str, Readout]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and units over all read-outs; a name has its read-out's where two would clash."""
    plain = [channel for readout in readouts.values() for channel in readout.channels]
    names = [
        channel if plain.count(channel) == 1 else f"{name}.{channel}"
        for name, readout in readouts.items()
        for channel in readout.channels
    ]
    units = [unit for readout in readouts.values() for unit in readout.units]
    return tuple(names), tuple(units)
