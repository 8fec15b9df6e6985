"""The past of many channels in bounded memory: exact near the end, lows and highs further back.

Decision: a ring for each power of `FACTOR`, each a fixed number of buckets that hold the lowest and
the highest value since. So days of readings take the same memory as minutes, a spike is never lost
by thinning, and any stretch of time is drawn from a few thousand buckets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

CAPACITY = 1 << 14  # buckets a ring: four a pixel of the widest chart
FACTOR = 8
LEVELS = 6  # 8^5 samples a bucket of the last: 5·10^8 samples, half a year of 30 a second


@dataclass(frozen=True)
class View:
    """A stretch of time: times `(N,)` in s, lowest and highest values `(C, N)`.

    `factor` samples are in each; where it is 1 low and high are the sample.
    """

    times_s: FloatArray
    low: FloatArray
    high: FloatArray
    factor: int


class _Ring:
    """The last `capacity` buckets of one size, always contiguous in memory."""

    def __init__(self, channels: int, capacity: int, factor: int, *, exact: bool) -> None:
        self.factor = factor
        self.times_s = np.zeros(2 * capacity)
        kind = np.float64 if exact else np.float32
        self.low = np.zeros((channels, 2 * capacity), kind)
        self.high = self.low if exact else np.zeros_like(self.low)
        self.capacity, self.end = capacity, 0
        self.lost = False  # whether buckets have left the ring

    def push(self, times_s: FloatArray, low: FloatArray, high: FloatArray) -> None:
        self.lost = self.lost or self.end + times_s.size > self.capacity
        times_s, low, high = (a[..., -self.capacity :] for a in (times_s, low, high))
        count = times_s.size
        if self.end + count > self.times_s.size:
            keep = self.capacity - count
            tail = slice(self.end - keep, self.end)
            self.times_s[:keep] = self.times_s[tail]
            for rows in {id(a): a for a in (self.low, self.high)}.values():
                rows[:, :keep] = rows[:, tail]
            self.end = keep
        here = slice(self.end, self.end + count)
        self.times_s[here] = times_s
        self.low[:, here] = low
        if self.high is not self.low:
            self.high[:, here] = high
        self.end += count

    @property
    def begin(self) -> int:
        return max(0, self.end - self.capacity)

    def view(self, from_s: float, until_s: float) -> View:
        times_s = self.times_s[self.begin : self.end]
        first = max(0, int(np.searchsorted(times_s, from_s)) - 1)
        last = int(np.searchsorted(times_s, until_s, side="right"))
        here = slice(self.begin + first, self.begin + last)
        high = self.high[:, here]
        return View(self.times_s[here], self.low[:, here], high, self.factor)


class TraceStore:
    """What some channels have read since the start.

    Parameters
    ----------
    channels
        How many.
    capacity
        Buckets of each ring.

    Attributes
    ----------
    count
        Samples that have been pushed.
    """

    def __init__(self, channels: int, capacity: int = CAPACITY) -> None:
        self.channels, self.count = channels, 0
        self._rings = [
            _Ring(channels, capacity, FACTOR**level, exact=level == 0) for level in range(LEVELS)
        ]
        empty = np.zeros((channels, 0))
        self._rest = [(np.zeros(0), empty, empty) for _ in range(LEVELS - 1)]

    @property
    def nbytes(self) -> int:
        """Memory of the rings; it never changes."""
        return sum(
            r.times_s.nbytes + r.low.nbytes + (r.high.nbytes if r.high is not r.low else 0)
            for r in self._rings
        )

    @property
    def last_s(self) -> float:
        """Time of the last sample; NaN before the first."""
        ring = self._rings[0]
        return float(ring.times_s[ring.end - 1]) if ring.end else float("nan")

    def push(self, times_s: ArrayLike, values: ArrayLike) -> None:
        """Add samples.

        Parameters
        ----------
        times_s
            `(N,)`, rising, none before those that are there.
        values
            `(C, N)`; NaN is a gap.
        """
        times = np.asarray(times_s, dtype=float)
        low = np.asarray(values, dtype=float).reshape(self.channels, times.size)
        self.count += times.size
        high = low
        for level, ring in enumerate(self._rings):
            if not times.size:
                return
            ring.push(times, low, high)
            if level < LEVELS - 1:
                times, low, high = self._gathered(level, times, low, high)

    def _gathered(
        self, level: int, times: FloatArray, low: FloatArray, high: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Whole buckets of the next level; what is left waits for more."""
        rest = self._rest[level]
        times = np.concatenate([rest[0], times])
        low = np.concatenate([rest[1], low], axis=1)
        high = np.concatenate([rest[2], high], axis=1)
        whole = times.size // FACTOR
        cut = whole * FACTOR
        self._rest[level] = times[cut:].copy(), low[:, cut:].copy(), high[:, cut:].copy()
        shape = (self.channels, whole, FACTOR)
        return (
            times[:cut:FACTOR],
            np.fmin.reduce(low[:, :cut].reshape(shape), axis=2),
            np.fmax.reduce(high[:, :cut].reshape(shape), axis=2),
        )

    def view(self, from_s: float, until_s: float) -> View:
        """The finest that is kept of a stretch of time, one sample before it if there is one."""
        for ring in self._rings:
            if not ring.lost or (ring.end and ring.times_s[ring.begin] <= from_s):
                return ring.view(from_s, until_s)
        return self._rings[-1].view(from_s, until_s)

    def exact(self, most: int) -> View:
        """The last samples themselves, at most so many."""
        ring = self._rings[0]
        here = slice(max(ring.begin, ring.end - most), ring.end)
        return View(ring.times_s[here], ring.low[:, here], ring.high[:, here], 1)


def columns(view: View, from_s: float, until_s: float, pixels: int) -> View:
    """A view with at most two buckets a pixel column, lows and highs kept.

    Parameters
    ----------
    view
        As from `TraceStore.view`.
    from_s, until_s
        What the columns span.
    pixels
        How many there are.
    """
    count = view.times_s.size
    if count <= 2 * pixels or until_s <= from_s:
        return view
    width_s = (until_s - from_s) / (2 * pixels)
    edges_s = from_s + width_s * np.arange(2 * pixels + 1)
    starts = np.unique(np.searchsorted(view.times_s, edges_s))
    starts = starts[starts < count]
    if starts[0] != 0:
        starts = np.concatenate([[0], starts])
    return View(
        view.times_s[starts],
        np.fmin.reduceat(view.low, starts, axis=1),
        np.fmax.reduceat(view.high, starts, axis=1),
        view.factor,
    )


def polyline(view: View, channel: int) -> tuple[FloatArray, FloatArray]:
    """Times and values of one channel as one line: up and down within each bucket."""
    if np.may_share_memory(view.low, view.high):  # the samples themselves
        return view.times_s, np.asarray(view.low[channel], dtype=float)
    low, high = view.low[channel], view.high[channel]
    values = np.empty(2 * view.times_s.size)
    # from low to high and back: neighbours touch where they overlap
    values[0::4], values[1::4] = low[0::2], high[0::2]
    values[2::4], values[3::4] = high[1::2], low[1::2]
    return np.repeat(view.times_s, 2), values
