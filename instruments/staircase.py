"""The ramp of a supply that has none: a staircase of sets, each earned before the next.

Rule (design.md): no set is larger than `max_ramp × 20 ms`; between two sets device time passes so
that the ramp has earned the first (`|ΔI| / max_ramp`, 20 ms for a full step). A tick that comes
late is not made up for. A set-point within one tick's reach goes in one set.

A ramp so slow that 20 ms are less than the supply's resolution is refused to a run
(`slowest_A_per_s`); on the way to safety such a bench is walked all the same, a step of the
resolution as soon as the ramp has earned the one before.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from instruments.walk import TurnedUpError, Walk
from models.errors import StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from instruments.clock import Clock
    from instruments.protocols import Magnet, MagnetState

TICK_S = 0.020
MOST_STEPS = 1e15  # of the grid in one tick: beyond any supply, and still exact in a float


class Staircase(Walk):
    """Walks the set-point of a supply without a ramp.

    Parameters
    ----------
    magnet
        The driver.
    max_ramp_A_per_s
        The fastest change.
    clock
        Device time.
    on_set
        Called with each current that was surely sent.
    """

    def __init__(
        self,
        magnet: Magnet,
        max_ramp_A_per_s: float,
        clock: Clock,
        on_set: Callable[[float], None] = lambda _: None,
    ) -> None:
        super().__init__(magnet, max_ramp_A_per_s, on_set)
        self._clock = clock
        self._owed_s = 0.0  # device time that must still pass before the next set
        self._found_A: float | None = None  # as it was read where the walk began
        self._last_but_one_A: float | None = None
        share = max_ramp_A_per_s * TICK_S / self._grid_A * (1 + 1e-9)
        self.reach_A = max(1, math.floor(min(share, MOST_STEPS))) * self._grid_A
        self._tick_s = max(TICK_S, self._grid_A / max_ramp_A_per_s)

    def found_A(self, state: MagnetState, small_A: float) -> float:
        """The set-point, whatever is measured.

        A first set near a measured current would be a jump where it is the meter that is wrong (a
        scale of the bench file, a cable, no sign). Where less flows than is set (a voltage limit,
        an open coil), the first part of a walk from the set-point takes its time and moves nothing.
        """
        return state.setpoint_A

    def walk_to_A(self, target_A: float, look: Callable[[], None] = lambda: None) -> None:
        """Set after set to the target; raises what the clock and the driver raise on the way.

        `look` is called before each set but the first.
        """
        begun = False
        while self.sent_A != target_A:
            if begun:
                look()
            begun = True
            if self.halted:
                raise StoppedError(f"{self._magnet.name}: made safe meanwhile")
            here_A = self.sent_A
            if here_A is None:
                raise TwinrigError(f"{self._magnet.name}: the set-point is not known")
            self.pay()
            self.set_A(self._next_A(here_A, target_A))

    def follow(self) -> None:
        """As every walk: a person who turns a current down is not to see it go up again.

        Only what is read twice is believed: a garbled reading would be a jump. What was set before
        is no hand's. A reading's time is part of the tick.

        Raises
        ------
        TurnedUpError
            Somebody has turned it up.
        """
        before_s, sent_A = self._clock.last_s(), self.sent_A
        read_A = self.changed_A()
        same = read_A is None or self.changed_A() == read_A
        now_s = self._clock.last_s()
        if before_s is not None and now_s is not None:
            self.passed(now_s - before_s)
        if sent_A is None or read_A is None or not same or self._is_late(read_A):
            return
        if abs(read_A) > abs(sent_A):
            words = f"its set-point is {read_A:.6g} A on its way to zero, {sent_A:.6g} A was sent"
            raise self.otherwise(words, read_A, TurnedUpError)
        self.sent_A = read_A
        self._on_set(read_A)

    def _is_late(self, read_A: float) -> bool:
        """Whether it is what was before: the supply takes no set, or answers late."""
        if read_A == self._found_A:
            return True
        before_A = self._last_but_one_A
        if before_A is None:
            return False
        return abs(read_A - before_A) <= self._magnet.read_back_error_A(before_A)

    def start_from(self, state: MagnetState, small_A: float) -> None:
        """As every walk."""
        super().start_from(state, small_A)
        self._found_A, self._last_but_one_A = state.setpoint_A, None

    def set_A(self, current_A: float) -> None:
        """One set, however large."""
        before_A, self.sent_A = self.sent_A, None  # not known until it has surely arrived
        self._last_but_one_A = before_A
        try:
            self._magnet.set_current_A(current_A)
        except Exception:  # it may have arrived all the same: what flows is the larger of the two
            self._owed_s = self._tick_s
            self._on_set(max(before_A or 0.0, current_A, key=abs))
            raise
        self.sent_A = self.passing_A = current_A
        self.moved_s = time.monotonic()
        if before_A is not None:
            self._owed_s = abs(current_A - before_A) / self.ramp_A_per_s
        self._on_set(current_A)  # last: it asks the clock, which Stop may interrupt

    def pay(self) -> None:
        """Let the device time pass that the last set still owes."""
        if self._owed_s > 0:
            self._clock.wait(self._owed_s)
            self._owed_s = 0.0

    def passed(self, seconds: float) -> None:
        """Say that device time has passed otherwise (a hold, a gated reading)."""
        self._owed_s = max(0.0, self._owed_s - seconds)

    def walk_s(self, change_A: float) -> float:
        """Device time that a change takes: one tick between two sets."""
        sets = math.ceil(abs(change_A) / self.reach_A * (1 - 1e-9))
        return max(0, sets - 1) * self._tick_s

    def plan(self, *currents_A: float) -> list[tuple[float, float]]:
        """The way over these currents: (seconds, A) of each set-point, the first included.

        The last of each walk counts for a whole tick, too, so that a plan is never too short.
        """
        here_A, steps = currents_A[0], [(self._owed_s, currents_A[0])]
        for target_A in currents_A[1:]:
            while here_A != target_A:
                here_A = self._next_A(here_A, target_A)
                steps.append((self._tick_s, here_A))
        return steps

    def flow(self, plan: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
        """(seconds, A) of every set-point on the way from zero through (A, seconds) and back."""
        here_A = 0.0
        for current_A, hold_s in (*plan, (0.0, 0.0)):
            there_A = self.on_grid_A(current_A)
            yield from self.plan(here_A, there_A)[1:-1]
            yield hold_s, there_A
            here_A = there_A

    def _next_A(self, here_A: float, target_A: float) -> float:
        """The target where it is within reach, else one reach on, rounded back to the grid."""
        change_A = target_A - here_A
        if abs(change_A) <= self.reach_A + 1e-6 * self._grid_A:
            return target_A
        sign = math.copysign(1.0, change_A)
        steps = math.floor((here_A * sign + self.reach_A) / self._grid_A + 1e-6)
        return sign * steps * self._grid_A
