"""Duty: the integral of I² over a sliding window, exact for a current that moves in steps.

Between two set-points the current is constant, so that the integral up to any time is piecewise
linear, and so is its difference over a window: its largest value lies where a step enters the
window or leaves it. The lag of a coil behind its set-points (milliseconds) is left out.
"""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

import numpy as np

from instruments.duty_kept import UNSAID_S, Past

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

ROUNDING = 1e-9  # relative: sums of products are no exact decimals
PAST_PIECES = 200  # of a window, as it is kept for the next program: coarse by half a per cent
FORGET_AT = 4096  # edges older than the window that are kept before the lists are cut


class Duty:
    """What has flowed within the last window, and what a plan would add to it.

    Parameters
    ----------
    limit_A2s
        The largest integral of I² over any window.
    window_s
        The window.
    """

    def __init__(self, limit_A2s: float, window_s: float) -> None:
        self.limit_A2s = limit_A2s
        self.window_s = window_s
        self._edges_s: list[float] = []
        self._charge_A2s: list[float] = []  # the integral up to each edge
        self._square_A2 = 0.0  # since the last edge
        self._before_A2s = 0.0  # in the window when this program began

    @property
    def begun(self) -> bool:
        """Whether anything is known of the past."""
        return bool(self._edges_s)

    def begin(self, now_s: float, current_A: float) -> None:
        """Take a current as if it had flowed for the whole window: nobody knows better."""
        self._edges_s, self._charge_A2s = [now_s - self.window_s], [0.0]
        self._square_A2 = current_A**2

    def recall(self, now_s: float, past: Past, found_A: float = 0.0) -> None:
        """Begin with what another program let flow; what it did not end for `UNSAID_S` more.

        Where a current is found now, that or what it did not end has flowed ever since.
        """
        times_s = np.linspace(past.at_s - past.window_s, past.at_s, len(past.charge_A2s))
        self._edges_s, self._charge_A2s = times_s.tolist(), list(past.charge_A2s)
        self._square_A2 = max(past.square_A2, found_A**2)
        self.flows(now_s if found_A else min(now_s, past.at_s + UNSAID_S), found_A)
        self._before_A2s = self.at_A2s(now_s)

    def past(self, now_s: float) -> Past:
        """What the next program has to know."""
        times_s = np.linspace(now_s - self.window_s, now_s, PAST_PIECES + 1)
        charges = np.maximum.accumulate([self._charge(time_s) for time_s in times_s.tolist()])
        return Past(now_s, self.window_s, charges.tolist(), self._square_A2)

    def flows(self, now_s: float, current_A: float) -> None:
        """From now on this current flows."""
        now_s = max(now_s, self._edges_s[-1])
        self._charge_A2s.append(self._charge(now_s))
        self._edges_s.append(now_s)
        self._square_A2 = current_A**2
        gone = bisect.bisect_right(self._edges_s, now_s - self.window_s) - 1
        if gone > FORGET_AT:
            del self._edges_s[:gone], self._charge_A2s[:gone]

    def at_A2s(self, now_s: float) -> float:
        """The integral over the window that ends now."""
        return self._charge(now_s) - self._charge(now_s - self.window_s)

    def worst_A2s(self, now_s: float, plan: Sequence[tuple[float, float]]) -> float:
        """The largest integral over any window that ends between now and the end of a plan.

        Parameters
        ----------
        now_s
            When the plan begins.
        plan
            (seconds, current in A), one after another.
        """
        times_s, charges_A2s = [now_s], [self._charge(now_s)]
        for seconds, current_A in plan:
            times_s.append(times_s[-1] + seconds)
            charges_A2s.append(charges_A2s[-1] + seconds * current_A**2)
        window_s, end_s = self.window_s, times_s[-1]
        first = bisect.bisect_right(self._edges_s, now_s - window_s)
        last = bisect.bisect_right(self._edges_s, end_s - window_s)
        leaving = [edge_s + window_s for edge_s in self._edges_s[first:last]]
        leaving += [time_s + window_s for time_s in times_s if time_s + window_s <= end_s]

        def charge(time_s: float) -> float:
            if time_s <= now_s:
                return self._charge(time_s)
            return float(np.interp(time_s, times_s, charges_A2s))

        ends = [(t, c) for t, c in zip(times_s, charges_A2s, strict=True)]
        ends += [(time_s, charge(time_s)) for time_s in leaving]
        return max(c - charge(t - window_s) for t, c in ends)

    def problem(self, now_s: float, plan: Sequence[tuple[float, float]]) -> str | None:
        """Why a plan would go beyond the limit, in words; None where it stays within."""
        allowed_A2s = self.limit_A2s * (1 + ROUNDING)
        present_A2s = self.at_A2s(now_s)
        if present_A2s + sum(s * a * a for s, a in plan) <= allowed_A2s:
            return None  # even if nothing left the window meanwhile
        worst_A2s = self.worst_A2s(now_s, plan)
        return None if worst_A2s <= allowed_A2s else self.words(worst_A2s)

    def words(self, worst_A2s: float) -> str:
        """What a duty beyond the limit is, and what to do."""
        return words_of(self.limit_A2s, self.window_s, worst_A2s, self._before_A2s)

    def before(self, now_s: float) -> list[tuple[float, float]]:
        """(seconds, A) of the window up to now, in pieces of one mean square each."""
        past = self.past(now_s)
        piece_s = past.window_s / PAST_PIECES
        charges = np.diff(past.charge_A2s) / piece_s
        return [(piece_s, square**0.5) for square in charges.tolist()]

    def _charge(self, time_s: float) -> float:
        """The integral up to a time; a constant current before the first edge is not known: 0."""
        index = bisect.bisect_right(self._edges_s, time_s) - 1
        if index < 0:
            return 0.0
        since_s = time_s - self._edges_s[index]
        if index == len(self._edges_s) - 1:
            return self._charge_A2s[index] + since_s * self._square_A2
        (e0, e1), (c0, c1) = self._edges_s[index : index + 2], self._charge_A2s[index : index + 2]
        return c0 + (c1 - c0) * since_s / (e1 - e0)


def words_of(limit_A2s: float, window_s: float, worst_A2s: float, before_A2s: float) -> str:
    """What a duty beyond the limit is, and what to do; `before_A2s`: of runs before this one."""
    before = ""
    if before_A2s > 0:
        before = f" (runs before this one left {before_A2s:.4g} A²s in the window)"
    return (
        f"I²t over {window_s:g} s would reach {worst_A2s:.4g} A²s, max_duty_A2s = "
        f"{limit_A2s:g} A²s{before}: use lower fields, shorter holds, or let the magnet rest"
    )


def largest_A2s(
    plan: Iterable[tuple[float, float]],
    window_s: float,
    before: Sequence[tuple[float, float]] = (),
) -> float:
    """The largest integral of I² over any window that ends within a plan.

    Parameters
    ----------
    plan
        (seconds, current in A), one after another; a million are no problem.
    window_s
        The window.
    before
        What flowed before it, likewise; nothing: it begins with a cold magnet.
    """
    table: NDArray[np.float64] = np.array([(0.0, 0.0), *before, *plan])
    times_s = np.cumsum(table[:, 0])
    charge_A2s = np.cumsum(table[:, 0] * table[:, 1] ** 2)
    ends_s = np.concatenate([times_s, times_s + window_s])
    ends_s = ends_s[(ends_s >= times_s[len(before)]) & (ends_s <= times_s[-1])]
    windows = np.interp(ends_s, times_s, charge_A2s)
    windows -= np.interp(ends_s - window_s, times_s, charge_A2s)
    return float(windows.max())
