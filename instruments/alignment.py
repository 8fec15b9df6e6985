"""Where a list began in a read-out's samples: by the counts, a trigger, a marker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.errors import TwinrigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

STANDS_SHARE = 0.25  # of the time that a value stands: how well its moment has to be known
SHARP = 5.0  # how many times the scatter beside it an edge has to be


class AlignmentError(TwinrigError):
    """A repeat that was played, and whose samples can't be told apart: it is void."""


@dataclass(frozen=True)
class Seen:
    """What was seen of a list's end.

    Attributes
    ----------
    count, at_s
        How many samples a buffer had behind it, and when it said so, on the bench's clock.
    ran_s, over_s
        When, on that clock, the list was last seen to run, and first seen to be over.
    """

    count: int
    at_s: float
    ran_s: float
    over_s: float


@dataclass(frozen=True)
class Bracket:
    """How many samples a buffer had before and after a list was seen to start.

    Sample number n (from 0) was taken at (n + 1) / rate after the buffer's start.
    """

    name: str
    rate_Hz: float
    before: int
    after: int

    @property
    def half_s(self) -> float:
        """How far the list's start may be from the middle of the bracket."""
        return (self.after + 1 - self.before) / 2 / self.rate_Hz

    def origin_s(self, stands_s: float) -> float:
        """The list's start on the buffer's time.

        Raises
        ------
        AlignmentError
            The bracket is too wide for values that stand so long.
        """
        if not 0 <= self.before <= self.after or self.half_s > STANDS_SHARE * stands_s:
            raise self.lost(
                f"the list began {self.before} to {self.after} samples after the buffer, and a "
                f"value stands for {stands_s * self.rate_Hz:.3g} samples: set marker_T, or longer "
                "steps"
            )
        return self.middle_s

    @property
    def middle_s(self) -> float:
        """The middle of the bracket."""
        return (self.before + self.after + 1) / 2 / self.rate_Hz

    def triggered(self, end: int) -> Bracket:
        """Around the edge that started the buffer, which was armed before the list began.

        `end`: the count when the list was over. The first sample comes within one of its periods
        behind the edge (SR830 manual, "Data storage": at the next tick of its clock).

        Raises
        ------
        AlignmentError
            It had been started before, or was not at all.
        """
        if self.before:
            raise self.lost(
                f"{self.before} samples were taken before the list began: something else pulls its "
                "trigger input"
            )
        if end == 0:
            raise self.lost(
                "no trigger came: is the wire from the supply's trigger output at its trigger "
                "input, and does it have a pull-up?"
            )
        return replace(self, before=0, after=0)

    def check_count(self, count: int, end: int, total_s: float, most: int) -> None:
        """Raise where the buffer overflowed, or has fewer samples than the list took time.

        `end`: the count when the list was over; `count`: when the sampling was stopped.
        """
        if count >= most:
            raise AlignmentError(
                f"{self.name}: its buffer of {most} samples overflowed; the repeat is void"
            )
        due = total_s * self.rate_Hz
        if end - self.before < due - 1 or count < end:
            raise AlignmentError(
                f"{self.name}: {end - self.before} samples were taken while the list ran, "
                f"{due:.0f} were due at {self.rate_Hz:g} Hz; the repeat is void"
            )

    def check_clocks(self, end: Seen, origin_s: float, total_s: float, stands_s: float) -> None:
        """Raise where a list took another time on the buffer's clock than on its supply's.

        Parameters
        ----------
        end
            What was seen of its end.
        origin_s
            Its begin on the buffer's time.
        total_s
            How long it should have taken.
        stands_s
            How long a value stands: the two clocks may differ by a share of it at the end.
        """
        counted_s = end.count / self.rate_Hz - origin_s
        least_s = counted_s - (end.at_s - end.ran_s)
        most_s = counted_s + 1 / self.rate_Hz - (end.at_s - end.over_s)
        unsure_s = STANDS_SHARE * stands_s + self.half_s
        if least_s - unsure_s <= total_s <= most_s + unsure_s:
            return
        raise self.lost(
            f"by its clock the supply's list of {total_s:.4g} s took {least_s:.4g} to {most_s:.4g} "
            "s: the clocks differ too much for a repeat as long; play shorter ones"
        )

    def rows(self, times_s: NDArray[np.float64], count: int) -> NDArray[np.int64]:
        """The numbers of the samples that stand at these times of the buffer."""
        rows = np.floor(times_s * self.rate_Hz).astype(np.int64) - 1
        first, last = int(rows.min()), int(rows.max())
        if first < 0 or last >= count:
            raise AlignmentError(
                f"{self.name}: samples {first} to {last} are needed, the buffer has {count}; "
                "the repeat is void"
            )
        return rows

    def lost(self, why: str) -> AlignmentError:
        """The error of a repeat whose steps can't be found in the samples."""
        return AlignmentError(f"{self.name}: the alignment is lost ({why}); the repeat is void")


def edge(samples: NDArray[np.float64], bracket: Bracket, edge_s: float, stands_s: float) -> float:
    """The list's start on the buffer's time, by the edge of a marker in the data.

    The marker's is the first edge: there the means of the samples on both sides differ more than
    anywhere near it, in units of the scatter on both sides, in the channel that shows it best.

    Parameters
    ----------
    samples
        `(N, C)`.
    bracket
        Where the list began at all.
    edge_s
        When the edge is due, after the list's start.
    stands_s
        How long the marker's value stands.

    Raises
    ------
    AlignmentError
        No such edge, or at another time than the counts around the list's start allow.
    """
    width = max(2, int(stands_s * bracket.rate_Hz * 0.75))
    expected = (bracket.middle_s + edge_s) * bracket.rate_Hz
    reach = bracket.half_s * bracket.rate_Hz + width
    low = max(width, int(expected - reach))
    high = min(len(samples) - width, int(expected + reach) + 1)
    if high <= low:
        raise bracket.lost("the marker is too near the begin of the samples")
    sharpness = np.array([_sharpness(samples, at, width) for at in range(low, high)])
    near = width // 2
    edges = [
        at
        for at, sharp in enumerate(sharpness)
        if sharp > SHARP and sharp == sharpness[max(0, at - near) : at + near + 1].max()
    ]
    if not edges:
        raise bracket.lost(
            f"the marker's edge is {sharpness.max():.2g} times the scatter, expected {SHARP:g}: "
            "choose a marker_T to which the device answers otherwise"
        )
    best = edges[0]
    at_s = (low + best + 0.5) / bracket.rate_Hz
    if abs(at_s - edge_s - bracket.middle_s) > bracket.half_s + 1.5 / bracket.rate_Hz:
        raise bracket.lost(
            f"the marker's edge is at sample {low + best}, due between "
            f"{expected - bracket.half_s * bracket.rate_Hz:.0f} and "
            f"{expected + bracket.half_s * bracket.rate_Hz:.0f}"
        )
    return at_s - edge_s


def _sharpness(samples: NDArray[np.float64], at: int, width: int) -> float:
    """How much the samples before and from `at` on differ, over their scatter."""
    before, behind = samples[at - width : at], samples[at : at + width]
    step = np.abs(behind.mean(axis=0) - before.mean(axis=0))
    scatter = np.hypot(before.std(axis=0), behind.std(axis=0))
    floor = 1e-9 * np.abs(samples).max() + np.finfo(float).tiny
    return float(np.max(step / (scatter + floor)))
