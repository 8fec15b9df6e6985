"""The held-out sequences that a score sent, one of which is shown; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


@dataclass
class HeldOutSequences:
    """Repeats and samples `(N, R, T, C)`, NaN where a sequence has no more steps or repeats.

    Attributes
    ----------
    places
        `(N,)`: which of the `total` held-out sequences each is, from 0.
    total
        How many were held out.
    worst
        The place of the one whose mean is farthest off.
    at
        The one that is shown, of the N.
    """

    real: FloatArray
    twin: FloatArray
    places: NDArray[np.int64]
    total: int
    worst: int
    at: int = 0

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> HeldOutSequences | None:
        """Those of `TwinScored.details`; None where there are not several."""
        if "held_out_real" not in details:
            return None
        return cls(
            *(details[f"held_out_{n}"] for n in ("real", "twin", "places", "sequences", "worst"))
        )

    def hop(self, by: int) -> None:
        """Show another one; behind the last comes the first."""
        self.at = (self.at + by) % len(self.places)

    @property
    def shown(self) -> tuple[FloatArray, FloatArray]:
        """Repeats and samples `(R, T, C)` of the one that is shown, whole."""
        there = np.isfinite(self.real[self.at]).all(axis=2)
        length = int(there.any(axis=0).sum())
        real = self.real[self.at][there.any(axis=1), :length]
        return real, self.twin[self.at, :, :length]

    @property
    def words(self) -> str:
        """Which one is shown."""
        place = int(self.places[self.at])
        which = f"sequence {place + 1} of {self.total}"
        return f"{which}, worst" if place == self.worst else which

    @property
    def explained(self) -> str:
        """What the numbers count, which one to look at, and that not all of them are here."""
        said = [
            f"Of {self.total} held-out sequences; the twin's mean is farthest off in "
            f"{self.worst + 1}."
        ]
        if len(self.places) < self.total:
            said.append(f"{len(self.places)} of them can be shown.")
        return " ".join(said)
