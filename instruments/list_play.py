"""A list of set-points that a supply plays by its own clock: checked, loaded, watched, ended.

Rule (design.md): a waveform beyond the ramp is refused, never distorted. So each step of a list is
at most `max_ramp × 20 ms`, and at most what the ramp earns in the dwell that it begins; a list that
needs ramps has points of 20 ms for them. Only `instruments.limits` plays one.

A list that can't be watched to its end is ended (`take_control` of the supply), and the set-point
is not known then: the next step, or the way to safety, reads it.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from instruments.sequenced import pulses
from instruments.staircase import TICK_S
from models.errors import RefusedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from instruments.clock import SteadyClock, Stop
    from instruments.magnet_limits import MagnetLimits
    from instruments.protocols import Magnet
    from instruments.sequenced import CurrentList
    from instruments.walk import Walk
    from instruments.watch import Watch

LOOK_S = 0.25  # device time between two looks at a list
END_S = 0.01  # … and at its end, whose moment is measured by it, …
NEAR_S = 0.03  # … from so long before on: it tells how far the two clocks differ
EARLY_SHARE = 0.02  # judgement: a card's clock differs by less; a list that ends sooner was ended
EARLY_S = 0.05
LATE_S = 5.0  # judgement: how long a list may go on behind its end
NAMED = 3  # problems of one list that are told one by one

log = logging.getLogger(__name__)


def problems(
    points: Sequence[tuple[float, float]],
    here_A: float,
    limits: MagnetLimits,
    reach_A: float,
    program: CurrentList,
) -> list[str]:
    """Why a list can't be played from a set-point, in words; empty where it can."""
    if not 0 < len(points) <= program.most_points:
        return [f"{len(points)} points, the supply's list holds 1 to {program.most_points}"]
    shortest_s, longest_s = program.dwell_s
    found = []
    for number, (current_A, dwell_s) in enumerate(points):
        beyond = limits.problem(current_A)
        if beyond:
            found.append(f"point {number}: {beyond}")
        if not shortest_s <= dwell_s <= longest_s:
            found.append(
                f"point {number} lasts {dwell_s:g} s, the supply's list takes {shortest_s:g} to "
                f"{longest_s:g} s"
            )
        earned_A = limits.max_ramp_A_per_s * dwell_s if dwell_s < TICK_S else reach_A
        if abs(current_A - here_A) > min(earned_A, reach_A) * (1 + 1e-9):
            found.append(
                f"point {number} is a step of {abs(current_A - here_A):.4g} A, max_ramp_A_per_s = "
                f"{limits.max_ramp_A_per_s:g} A/s allows {min(earned_A, reach_A):.4g} A: the list "
                "needs points of its own for the ramp"
            )
        here_A = current_A
    more = len(found) - NAMED
    return found if more <= 0 else [*found[:NAMED], f"{more} more"]


class ListPlay:
    """Plays lists on one supply.

    Parameters
    ----------
    magnet, program
        The supply and its list.
    stairs
        Knows the set-point.
    clock, stop
        The magnet's.
    watch
        What ends a run; is told what flows.
    look
        Raises what ends the run meanwhile: Stop, a guard.
    """

    def __init__(
        self,
        magnet: Magnet,
        program: CurrentList,
        stairs: Walk,
        clock: SteadyClock,
        stop: Stop,
        watch: Watch,
        look: Callable[[], None],
    ) -> None:
        self._magnet = magnet
        self._program = program
        self._stairs = stairs
        self._clock = clock
        self._stop = stop
        self._watch = watch
        self._look = look

    def play(
        self,
        points: Sequence[tuple[float, float]],
        around: Callable[[Callable[[], None]], None],
        pulse_at: int | None = None,
    ) -> tuple[float, float]:
        """Load, start and watch points that are within all limits; the last one stays.

        `around` is called with what starts the list, and calls it. `pulse_at` and what it returns:
        as `play_list`.
        """
        pulsed = pulses(self._program)
        if pulse_at is None:
            self._program.load(points)
        elif pulsed is None:
            raise RefusedError(f"{self._magnet.name}: its list gives no pulse; nothing was sent")
        else:
            pulsed.load(points, pulse_at)
        self._stairs.pay()
        self._stairs.sent_A = None  # not known until the list is over
        try:
            around(self._start)
            seen = self._watch_over(points)
            self._stairs.sent_A = points[-1][0]
            self._stairs.confirm()
        except BaseException:
            self._abandon()
            raise
        self._watch.flows(points[-1][0])
        return seen

    def _start(self) -> None:
        self._program.start()
        if not self._program.running():
            errors = "; ".join(self._magnet.errors()) or "no error"
            raise TwinrigError(f"{self._magnet.name}: its list did not start ({errors})")

    def _watch_over(self, points: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Wait until the list is over; raises what ends it early. Returns as `play_list`."""
        total_s = sum(dwell_s for _, dwell_s in points)
        begin_s, due = self._clock.now_s(), 0
        ran_s = begin_s
        begins_s = [0.0]
        for _, dwell_s in points:
            begins_s.append(begins_s[-1] + dwell_s)
        while True:
            now_s = self._clock.now_s()
            passed_s = now_s - begin_s
            while due < len(points) and begins_s[due] <= passed_s:
                self._watch.flowed(begin_s + begins_s[due], points[due][0])
                self._stairs.passing_A = points[due][0]
                due += 1
            if not self._program.running():
                break
            ran_s, left_s = now_s, total_s - passed_s
            if left_s < -(LATE_S + EARLY_SHARE * total_s):
                raise TwinrigError(
                    f"{self._magnet.name}: its list of {total_s:.3g} s still runs after "
                    f"{passed_s:.3g} s"
                )
            self._clock.wait(min(LOOK_S, max(left_s - NEAR_S, END_S)))
            self._look()
            if not self._magnet.output_on():
                raise TwinrigError(f"{self._magnet.name}: its output went off without us")
        if passed_s < total_s * (1 - EARLY_SHARE) - EARLY_S:
            raise TwinrigError(
                f"{self._magnet.name}: its list of {total_s:.3g} s was over after "
                f"{passed_s:.3g} s: ended by hand or by another program"
            )
        return ran_s, self._clock.now_s()

    def _abandon(self) -> None:
        """End the list; where that fails, too, the way to safety will."""
        self._stairs.sent_A = None
        with self._stop.shield(), suppress(Exception):
            for words in self._magnet.take_control(self._stairs.reach_A):
                log.warning("%s: %s", self._magnet.name, words)
