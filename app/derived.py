"""What follows from the channels of a bench: amplitude and phase of each pair of X and Y."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

AMPLITUDES, PHASES = ("R", "r", "amplitude"), ("θ", "theta", "Theta", "phase")


@dataclass(frozen=True)
class Derived:
    """One derived quantity: `R` or `θ` of the channels at `x` and `y`; its unit."""

    name: str
    unit: str
    x: int
    y: int

    @property
    def is_phase(self) -> bool:
        """Whether it is the phase, in degrees."""
        return self.unit == "°"

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Its values `(…)` from channels `(C, …)`."""
        x, y = values[self.x], values[self.y]
        made: NDArray[np.float64] = (
            np.degrees(np.arctan2(y, x)) if self.is_phase else np.hypot(x, y)
        )
        return made


def derived_of(channels: Sequence[str], units: Sequence[str]) -> tuple[Derived, ...]:
    """R and θ of every pair `…X`, `…Y` of one unit, where they aren't channels themselves."""
    found = []
    for x, name in enumerate(channels):
        stem, twin = name[:-1], name[:-1] + "Y"
        if not name.endswith("X") or twin not in channels:
            continue
        y = channels.index(twin)
        if units[x] != units[y]:
            continue
        if not any(stem + one in channels for one in AMPLITUDES):
            found.append(Derived(f"{stem}R", units[x], x, y))
        if not any(stem + one in channels for one in PHASES):
            found.append(Derived(f"{stem}θ", "°", x, y))
    return tuple(found)
