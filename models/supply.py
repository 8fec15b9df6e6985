"""What a supply can play of a drive: its resolution, and the largest change a step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

ROUNDING = 1e-9


@dataclass(frozen=True)
class Supply:
    """Resolution and largest change a step, as shares of the drive's window 0…1; 0: unlimited.

    A bench walks a larger step to its target and holds from there, so `slew` is only for devices
    that must not wait: what changes faster is not learned.
    """

    step: float = 0.0
    slew: float = 0.0

    def __post_init__(self) -> None:
        problems = [
            f"{name} {value} of the drive must be within 0…{most:g} (0: no limit)"
            for name, value, most in (("resolution", self.step, 0.5), ("slew", self.slew, 1.0))
            if not 0 <= value <= most
        ]
        raise_problems(InputError, "supply", problems)

    def grid(self, low: float, high: float) -> tuple[int, int]:
        """Lowest and highest multiple of `step` within `low`…`high`.

        Raises
        ------
        InputError
            There is none.
        """
        first = math.ceil(low / self.step - ROUNDING)
        last = math.floor(high / self.step + ROUNDING)
        if first > last:
            raise InputError(
                f"supply: a resolution of {self.step:g} has no value within the fitted drives "
                f"{low:g}…{high:g}"
            )
        return first, last

    def play(self, drive: FloatArray, low: float, high: float) -> FloatArray:
        """What becomes of drives `(T, nodes)` within `low`…`high`: first the slew, then the grid.

        The first step comes from the reset and is free.
        """
        played = np.array(drive, dtype=np.float64)
        if self.slew:
            for step in range(1, len(played)):
                change = np.clip(played[step] - played[step - 1], -self.slew, self.slew)
                played[step] = played[step - 1] + change
        if self.step:
            first, last = self.grid(low, high)
            played = np.clip(np.round(played / self.step), first, last) * self.step
        return played
