"""When something was by the clock on the wall, kept through days in which that clock may be set.

Readings are stamped in monotonic time, which no daylight saving, time server or hand moves. But it
stands still while the computer sleeps, and a rig's computer often gets its date from the network
only some time after it has booted: what is written as a date follows the wall clock's own jumps.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

JUMP_S = 0.5  # judgement: less is a clock that is slewed, and no reading's date is better known
MOST_JUMPS = 1000


class CivilTime:
    """Seconds since 1970 of monotonic moments; `look` notices where the wall clock jumped."""

    def __init__(self) -> None:
        self._looked_s = time.monotonic()
        offset_s = time.time() - self._looked_s
        self._jumps: deque[tuple[float, float]] = deque([(-np.inf, offset_s)], MOST_JUMPS)

    def look(self) -> None:
        """Hold both clocks against each other; what comes from here on follows the wall clock."""
        now_s = time.monotonic()
        offset_s = time.time() - now_s
        if abs(offset_s - self._jumps[-1][1]) > JUMP_S:
            self._jumps.append((self._looked_s, offset_s))
        self._looked_s = now_s

    def of(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """Seconds since 1970 of monotonic times in s, in their shape."""
        times = np.asarray(times_s, dtype=np.float64)
        since, offsets = (np.array(column) for column in zip(*self._jumps, strict=True))
        at = np.searchsorted(since, times, side="left") - 1
        return np.asarray(times + offsets[np.maximum(at, 0)], dtype=np.float64)
