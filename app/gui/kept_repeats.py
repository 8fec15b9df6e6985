"""The newest repeats of one sequence, in one piece of memory; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Set

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


class KeptRepeats:
    """A ring of responses and their positions in the run's order.

    Decision: all of its memory is taken, and written to, with the first repeat. Kept one by one,
    the arrays lay scattered among what each frame makes and lets go, so that the heap had to grow
    by more than they take, for hours after a run began.

    Parameters
    ----------
    most
        How many are kept at most; at least 1.
    shape
        Steps and channels `(T, C)` of each.

    Attributes
    ----------
    count
        Repeats so far, those that are no longer kept included.
    """

    def __init__(self, most: int, shape: tuple[int, ...]) -> None:
        self._responses = np.full((most, *shape), np.nan)
        self._positions = np.full(most, -1, dtype=np.int64)
        self.count = 0

    def add(self, position: int, response: FloatArray) -> None:
        """Take a repeat `(T, C)`; the oldest makes room."""
        here = self.count % len(self._positions)
        self._positions[here], self._responses[here] = position, response
        self.count += 1

    def traces(self, channel: int, bad: Set[int]) -> FloatArray:
        """Responses `(R, T)` of a channel in the order they came, less those at `bad` positions."""
        return self._responses[self._good(bad), :, channel]

    def good(self, bad: Set[int]) -> FloatArray:
        """Responses `(R, T, C)` of all channels, as `traces`."""
        return self._responses[self._good(bad)]

    def _good(self, bad: Set[int]) -> NDArray[np.int64]:
        most = len(self._positions)
        order = np.arange(max(0, self.count - most), self.count) % most
        return order[~np.isin(self._positions[order], sorted(bad))]

    def at(self, position: int) -> FloatArray | None:
        """The response `(T, C)` at a position; None where it isn't kept."""
        found = np.flatnonzero(self._positions == position)
        return self._responses[found[0]] if found.size else None
