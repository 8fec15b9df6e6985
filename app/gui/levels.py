"""The level of each repeat of a recording, in bounded memory however many there are.

Decision: every repeat's level is kept up to `KEPT`, more than its panel has pixels across. From
then on every second one is let go, again and again, so that those that are left stand evenly over
the run; the mean of each sequence goes on over all of them. A night of hundred thousands of repeats
takes the memory of its first minutes. (numpy keeps up to seven blocks of each size below 1024
bytes, so that masks that grow by one with each repeat take 2 MB until there are 1024.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Set

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

KEPT = 512


class Levels:
    """Positions, sequences and levels `(C,)` of repeats, in the order they came.

    Parameters
    ----------
    kept
        How many are kept at most; even.

    Attributes
    ----------
    count
        Repeats so far.
    newest
        The highest position so far; 0 before the first.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept, self._every = kept, 1
        self._position = np.zeros(kept, np.int64)
        self._sequence = np.zeros(kept, np.int64)
        self._level = np.zeros((kept, 0))
        self._end = self.count = self.newest = 0
        self._sums: dict[int, tuple[int, FloatArray]] = {}

    def __len__(self) -> int:
        return self.count

    def add(self, position: int, sequence: int, level: FloatArray) -> None:
        """Take a repeat's level."""
        if not self.count:
            self._level = np.zeros((self._kept, level.size))
        number, total = self._sums.get(sequence, (0, np.zeros(level.size + 1)))
        self._sums[sequence] = number + 1, total + np.append(level, position + 1.0)
        self.newest = max(self.newest, position)
        if self.count % self._every == 0:
            if self._end == self._kept:
                self._thin()
            here = self._end
            self._position[here], self._sequence[here] = position, sequence
            self._level[here] = level
            self._end += 1
        self.count += 1

    def _thin(self) -> None:
        """Let every second one go; the newest of all is the next to be kept."""
        half = self._kept // 2
        for rows in (self._position, self._sequence, self._level):
            rows[:half] = rows[::2].copy()
        self._end, self._every = half, 2 * self._every

    @property
    def repeated(self) -> bool:
        """Whether a sequence has come twice."""
        return len(self._sums) < self.count

    @property
    def positions(self) -> NDArray[np.int64]:
        """Positions `(K,)` of those that are kept."""
        return self._position[: self._end]

    def of(self, channel: int) -> FloatArray:
        """Levels `(K,)` of a channel, of those that are kept."""
        return self._level[: self._end, channel]

    def sequence_at(self, position: int) -> int:
        """The sequence of a kept repeat; −1 where it isn't."""
        found = np.flatnonzero(self.positions == position)
        return int(self._sequence[found[0]]) if found.size else -1

    def drift(self, channel: int, bad: Set[int]) -> FloatArray:
        """Levels `(K,)` less the mean of their sequence, plus the mean of all.

        Repeats that are `bad` (by position) are in no mean, where any other is left; of those that
        are no longer kept the sequence's mean still has its share.
        """
        level = self.of(channel)
        own, _ = self._own(level, channel, bad)
        return np.asarray(level - own + mean_of(level, self._fair(bad)), dtype=np.float64)

    def slope(self, channel: int, bad: Set[int]) -> tuple[float, float, float] | None:
        """Change a repeat, its standard error, the level at number 0; None where nothing is known.

        Repeats are compared with those of their own sequence only: one that is alone tells nothing
        of a drift, and would make it look small and certain.
        """
        fair, level = self._fair(bad), self.of(channel)
        number = self.positions.astype(np.float64) + 1.0
        own_level, share = self._own(level, channel, bad)
        own_number = self._own(number, -1, bad)[0]
        x, y = (number - own_number)[fair], (level - own_level)[fair]
        freedom = float((1 - 1 / share[fair]).sum()) - 1
        if freedom < 1 - 1e-9 or not (x**2).sum():
            return None
        rise = float((x * y).sum() / (x**2).sum())
        error = float(np.sqrt(((y - rise * x) ** 2).sum() / freedom / (x**2).sum()))
        return rise, error, float(level[fair].mean() - rise * number[fair].mean())

    def _fair(self, bad: Set[int]) -> NDArray[np.bool_]:
        return ~np.isin(self.positions, sorted(bad))

    def _own(self, values: FloatArray, column: int, bad: Set[int]) -> tuple[FloatArray, FloatArray]:
        """Of each kept repeat, the mean `(K,)` of its sequence, and of how many that is."""
        known, where = np.unique(self._sequence[: self._end], return_inverse=True)
        fair = self._fair(bad)
        number = np.array([self._sums[int(s)][0] for s in known], dtype=float)
        total = np.array([self._sums[int(s)][1][column] for s in known])
        out = np.bincount(where, ~fair, known.size)
        off = np.bincount(where, np.where(fair, 0.0, values), known.size)
        left = out < number
        share = np.where(left, number - out, number)
        return (np.where(left, total - off, total) / share)[where], share[where]


def mean_of(values: FloatArray, which: NDArray[np.bool_]) -> float:
    """Mean of these values, or of all where none is left."""
    return float((values[which] if which.any() else values).mean())
