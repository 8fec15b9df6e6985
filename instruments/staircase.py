"""The ramp of a supply that has none: a staircase of sets, each earned before the next.

Rule (design.md): no set is larger than `max_ramp × 20 ms`; between two sets device time passes so
that the ramp has earned the first (`|ΔI| / max_ramp`, 20 ms for a full step). A tick that comes
late is not made up for. A set-point within one tick's reach goes in one set.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from instruments.link_errors import LinkError
from models.errors import RefusedError, StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from instruments.clock import Clock
    from instruments.protocols import Magnet, MagnetState

TICK_S = 0.020
MOST_STEPS = 1e15  # of the grid in one tick: beyond any supply, and still exact in a float


class Staircase:
    """Walks a supply's set-point; checks no limit but the ramp.

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

    Attributes
    ----------
    sent_A
        The last set-point that surely arrived; None where it isn't known.
    moved_s
        Host's monotonic time of the last set that arrived.
    halted
        Set by another thread to end a walk at its next tick.
    ramp_A_per_s, reach_A
        The ramp limit, and the largest single set that follows from it.

    Raises
    ------
    RefusedError
        The ramp is so slow that one tick is finer than the supply's resolution.
    """

    def __init__(
        self,
        magnet: Magnet,
        max_ramp_A_per_s: float,
        clock: Clock,
        on_set: Callable[[float], None] = lambda _: None,
    ) -> None:
        self.sent_A: float | None = None
        self.moved_s = -math.inf
        self.halted = False
        self._magnet = magnet
        self.ramp_A_per_s = max_ramp_A_per_s
        self._clock = clock
        self._on_set = on_set
        self._owed_s = 0.0  # device time that must still pass before the next set
        self._grid_A = magnet.resolution_A
        share = max_ramp_A_per_s * TICK_S / self._grid_A * (1 + 1e-9)
        steps = math.floor(min(share, MOST_STEPS))
        if steps < 1:
            raise RefusedError(
                f"{magnet.name}: max_ramp_A_per_s = {max_ramp_A_per_s:g} A/s is below "
                f"{self._grid_A / TICK_S:g} A/s, the slowest this supply can be walked"
            )
        self.reach_A = steps * self._grid_A

    def on_grid_A(self, current_A: float, *, inwards: bool = False) -> float:
        """The nearest set-point that the supply's messages can express; inwards: none above it."""
        steps = current_A / self._grid_A
        return (math.trunc(steps) if inwards else round(steps)) * self._grid_A

    def start_A(self, state: MagnetState, small_A: float) -> float:
        """Where a walk starts.

        The set-point we sent, while the supply still has it. Otherwise the measured current, unless
        that differs from the set-point by `small_A` or by rounding only. With the output off: zero.
        """
        if not state.output_on:
            return 0.0
        rounding_A = self._magnet.read_back_error_A(state.setpoint_A)
        if self.sent_A is not None and abs(self.sent_A - state.setpoint_A) <= rounding_A:
            return self.sent_A
        if abs(state.current_A - state.setpoint_A) <= max(small_A, rounding_A):
            return state.setpoint_A
        return state.current_A

    def start_from(self, state: MagnetState, small_A: float) -> None:
        """Make `start_A` the known set-point.

        A supply whose current can't follow (open coil, voltage limit of zero) has a set-point that
        no walk from zero would touch: zero is sent then.
        """
        self.sent_A = self.start_A(state, small_A)
        rounding_A = self._magnet.read_back_error_A(state.setpoint_A)
        if state.output_on and self.sent_A == 0.0 and abs(state.setpoint_A) > rounding_A:
            self.set_A(0.0)

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

    def set_A(self, current_A: float) -> None:
        """One set, however large."""
        before_A, self.sent_A = self.sent_A, None  # not known until it has surely arrived
        try:
            self._magnet.set_current_A(current_A)
        except Exception:  # it may have arrived all the same: what flows is the larger of the two
            self._owed_s = TICK_S
            self._on_set(max(before_A or 0.0, current_A, key=abs))
            raise
        self.sent_A = current_A
        self.moved_s = time.monotonic()
        self._on_set(current_A)
        if before_A is not None:
            self._owed_s = abs(current_A - before_A) / self.ramp_A_per_s

    def confirm(self) -> None:
        """Read the last set-point back.

        Raises
        ------
        LinkError
            It did not arrive, or was changed at once: the set-point is not known any more.
        """
        sent_A = self.sent_A
        if sent_A is None:
            return
        read_A = self._magnet.setpoint_A()
        if abs(read_A - sent_A) > self._magnet.read_back_error_A(sent_A):
            self.sent_A = None
            raise LinkError(
                f"{self._magnet.name} ({self._magnet.resource})",
                f"its set-point is {read_A:.6g} A right after {sent_A:.6g} A was sent",
                resource=self._magnet.resource,
                reply=f"{read_A:.6g} A",
                hint="The message was lost or is late, or the set-point was changed by hand",
            )

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
        return max(0, sets - 1) * TICK_S

    def plan(self, *currents_A: float) -> list[tuple[float, float]]:
        """The way over these currents: (seconds, A) of each set-point, the first included.

        The last of each walk counts for a whole tick, too, so that a plan is never too short.
        """
        here_A, steps = currents_A[0], [(self._owed_s, currents_A[0])]
        for target_A in currents_A[1:]:
            while here_A != target_A:
                here_A = self._next_A(here_A, target_A)
                steps.append((TICK_S, here_A))
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
