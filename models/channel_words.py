"""Channels as people read them: those of a spectrum with the frequency that each one is at."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OF_SPECTRUM = re.compile(r"S21\[(\d+)\]")
AXIS = ("start_Hz", "stop_Hz", "points")  # settings of a read-out that sweeps a linear axis
MANY = 6  # channels: beyond them curves are no picture any more, and a map is one
UNITS = ((1e9, "GHz"), (1e6, "MHz"), (1e3, "kHz"))


def unit_of_all(units: Sequence[str]) -> str:
    """The unit that all channels have; empty where they differ."""
    return str(units[0]) if len(set(units)) == 1 else ""


def channel_words(
    channels: Sequence[str], settings: Mapping[str, Mapping[str, Any]]
) -> tuple[str, ...]:
    """`S21[21] at 4.25 GHz` where the settings say the axis; other channels by their names.

    Parameters
    ----------
    channels
        Names, as files and `use=` have them.
    settings
        Every instrument's, of a recording, a twin or a device; of two spectra none is told.
    """
    axes = [one for one in settings.values() if _is_axis(one)]
    if len(axes) != 1:
        return tuple(channels)
    start_Hz, stop_Hz, points = (float(axes[0][name]) for name in AXIS)
    step_Hz = (stop_Hz - start_Hz) / (points - 1)
    scale, unit = next((one for one in UNITS if stop_Hz >= one[0]), (1.0, "Hz"))
    digits = max(0, 1 - math.floor(math.log10(step_Hz / scale)))

    def named(name: str) -> str:
        found = OF_SPECTRUM.fullmatch(name)
        if found is None or int(found[1]) >= points:
            return name
        return f"{name} at {(start_Hz + int(found[1]) * step_Hz) / scale:.{digits}f} {unit}"

    return tuple(named(name) for name in channels)


def _is_axis(settings: Mapping[str, Any]) -> bool:
    """Whether they are of a sweep over frequencies that are evenly apart."""
    known = [one for one in map(settings.get, AXIS) if isinstance(one, (int, float))]
    if settings.get("sweep_type") != "linear" or len(known) < len(AXIS):
        return False
    start_Hz, stop_Hz, points = known
    return 0 < start_Hz < stop_Hz < math.inf and points >= 2
