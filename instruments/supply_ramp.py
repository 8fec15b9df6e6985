"""The ramp of a supply that has one: its rate is kept below the limit, and its arrival is awaited.

Rule (design.md): a larger step is walked by the supply itself, and the hold begins when it is
there. A "done" that never comes ends the walk: no wait is longer than the ramp explains. Whatever
ends a walk early halts the supply, which would go on by itself otherwise.
"""

from __future__ import annotations

import itertools
import logging
import math
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from instruments.own_ramp import ramp_as_played, with_own_ramp
from instruments.staircase import TICK_S, Staircase
from instruments.walk import Walk
from models.errors import RefusedError, StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from instruments.clock import Clock
    from instruments.own_ramp import RampingMagnet
    from instruments.protocols import Magnet, MagnetState

SLICE_S = 0.25  # device time between two looks at a walk
PATIENCE = 1.5  # judgement: how much longer than its rate explains a ramp may take, …
MARGIN_S = 10.0  # … and how long it may take to begin and to settle (a 643 stops within 2 s)
MOST_PIECES = 50  # of a walk in a plan: the duty's account is coarse by 2 % of a walk then

log = logging.getLogger(__name__)


def slowest_A_per_s(magnet: Magnet) -> float:
    """The slowest `max_ramp_A_per_s` that a supply can keep: its own ramp's, or a step a tick."""
    supply = with_own_ramp(magnet)
    return magnet.resolution_A / TICK_S if supply is None else supply.slowest_A_per_s


class SupplyRamp(Walk):
    """Walks a supply by its own ramp.

    Parameters
    ----------
    magnet
        The driver.
    max_ramp_A_per_s
        The fastest change; a supply that keeps to a slower rate of its own is left slower. One that
        can't ramp so slowly is refused to a run; on the way to safety it ramps as slowly as it can.
    clock
        Device time.
    on_set
        Called with each current that surely flows, on the way the larger one of each piece.
    shield
        Makes this thread deaf to Stop while the supply is halted.
    """

    def __init__(
        self,
        magnet: RampingMagnet,
        max_ramp_A_per_s: float,
        clock: Clock,
        on_set: Callable[[float], None] = lambda _: None,
        shield: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        super().__init__(magnet, max(max_ramp_A_per_s, magnet.slowest_A_per_s), on_set)
        self._supply = magnet
        self._clock = clock
        self._shield = shield
        self._slowest_A_per_s = self.ramp_A_per_s
        self.reach_A = self.ramp_A_per_s * TICK_S

    def found_A(self, state: MagnetState, small_A: float) -> float:
        """The measured current, unless that is at the set-point but for `small_A` or rounding.

        No set of such a supply is a jump, and where it is on its way to, it may never have been.
        """
        rounding_A = self._magnet.read_back_error_A(state.setpoint_A)
        near = abs(state.current_A - state.setpoint_A) <= max(small_A, rounding_A)
        return state.setpoint_A if near else state.current_A

    def start_from(self, state: MagnetState, small_A: float) -> None:
        """As every walk; from zero to another set-point (an open coil) zero is sent at once."""
        super().start_from(state, small_A)
        rounding_A = self._magnet.read_back_error_A(state.setpoint_A)
        if state.output_on and self.sent_A == 0.0 and abs(state.setpoint_A) > rounding_A:
            self.set_A(0.0)

    def ask_ramp(self) -> None:
        """Learn how slow the supply's own ramp is, before the first walk; only queries are sent."""
        rates = ramp_as_played(self._magnet, self._magnet.settings(), self.ramp_A_per_s)
        slowest = min(rates) if isinstance(rates, list) else rates
        if slowest:  # a rate of zero is refused when it is to walk
            self._slowest_A_per_s = slowest

    def walk_to_A(self, target_A: float, look: Callable[[], None] = lambda: None) -> None:
        """Let the supply walk to the target and wait until it is there.

        `look` is called between the slices of the wait. What ends it early halts the supply; but a
        walk to zero that only can't be watched any more (a garbled answer) goes on.

        Raises
        ------
        RefusedError
            The supply keeps a faster ramp than the limit: no target was sent.
        StoppedError
            Stop, or another thread makes it safe; the supply was halted.
        TwinrigError
            It isn't there in time, or can't walk; the supply was halted.
        """
        start_A = self.sent_A
        if start_A == target_A:
            return
        if self.halted:
            raise StoppedError(f"{self._magnet.name}: made safe meanwhile")
        if start_A is None:
            raise TwinrigError(f"{self._magnet.name}: the set-point is not known")
        self._limit_rate()
        try:
            self._send(target_A)
            self._await(start_A, target_A, look)
        except BaseException as error:
            self.sent_A = None  # not known from now on
            if target_A != 0.0 or isinstance(error, StoppedError):
                self._halt()
            raise

    def follow(self) -> None:
        """Nothing: its only set is zero."""

    def set_A(self, current_A: float) -> None:
        """Send a target; the supply walks there within the limit, and nothing is waited for."""
        self._limit_rate()
        self._send(current_A)

    def _send(self, current_A: float) -> None:
        before_A, self.sent_A = self.sent_A, None  # not known until it has surely arrived
        try:
            self._supply.ramp_to_A(current_A)
        finally:  # on its way, or arrived all the same: what flows is the larger of the two
            self._on_set(max(before_A or 0.0, current_A, key=abs))
        self.sent_A = current_A

    def pay(self) -> None:
        """Nothing is owed: a walk ends where the supply has arrived."""

    def passed(self, seconds: float) -> None:
        """Nothing is owed."""

    def walk_s(self, change_A: float) -> float:
        """Device time that a change takes at the slowest rate on the way."""
        return abs(change_A) / self._slowest_A_per_s

    def plan(self, *currents_A: float) -> list[tuple[float, float]]:
        """The way over these currents: (seconds, A) of each piece, each at its larger end."""
        here_A, pieces = currents_A[0], [(0.0, currents_A[0])]
        for target_A in currents_A[1:]:
            pieces += self._pieces(here_A, target_A)
            here_A = target_A
        return [*pieces, (0.0, here_A)]

    def flow(self, plan: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
        """(seconds, A) of every piece on the way from zero through (A, seconds) and back."""
        here_A = 0.0
        for current_A, hold_s in (*plan, (0.0, 0.0)):
            there_A = self.on_grid_A(current_A)
            yield from self._pieces(here_A, there_A)
            yield hold_s, there_A
            here_A = there_A

    def _pieces(self, here_A: float, target_A: float) -> list[tuple[float, float]]:
        walk_s = self.walk_s(target_A - here_A)
        if walk_s == 0:
            return []
        count = min(MOST_PIECES, math.ceil(walk_s / TICK_S))
        ends_A = [here_A + (target_A - here_A) * i / count for i in range(count + 1)]
        return [(walk_s / count, max(a, b, key=abs)) for a, b in itertools.pairwise(ends_A)]

    def _limit_rate(self) -> None:
        """Bring the supply's ramp below the limit, and believe only what is read back."""
        rate = self._supply.set_ramp_A_per_s(self.ramp_A_per_s)
        if not 0 < rate <= self.ramp_A_per_s * (1 + 1e-6):
            raise RefusedError(
                f"{self._magnet.name} ({self._magnet.resource}): its ramp is {rate:g} A/s after it "
                f"was set to {self.ramp_A_per_s:g} A/s (max_ramp_A_per_s); no target was sent. "
                "Set it at the front panel"
            )
        self._slowest_A_per_s = rate

    def _await(self, start_A: float, target_A: float, look: Callable[[], None]) -> None:
        expected_s = self.walk_s(target_A - start_A)
        rounding_A = self._magnet.read_back_error_A(target_A)
        allowed_A = max(self._supply.accuracy_A, rounding_A)
        waited_s, more_s, nearest_A = 0.0, TICK_S, abs(target_A - start_A)
        while True:
            if waited_s < expected_s:
                piece_s = min(SLICE_S, max(expected_s - waited_s, 1e-3))
            else:
                piece_s, more_s = more_s, min(SLICE_S, 2 * more_s)
            self._on_set(self._larger_A(start_A, target_A, waited_s, piece_s))
            self._clock.wait(piece_s)
            waited_s += piece_s
            if self.halted:
                raise StoppedError(f"{self._magnet.name}: made safe meanwhile")
            look()
            at_rest = self._supply.arrived()
            self.passing_A = self._magnet.measured_A()
            gap_A = abs(self.passing_A - target_A)
            if gap_A < nearest_A - rounding_A:
                nearest_A, self.moved_s = gap_A, time.monotonic()
            if at_rest and gap_A <= allowed_A:
                self._on_set(target_A)
                return
            if waited_s > PATIENCE * expected_s + MARGIN_S:
                raise self._late(target_A, waited_s, at_rest)

    def _larger_A(self, start_A: float, target_A: float, at_s: float, piece_s: float) -> float:
        """The larger current of a piece of a walk, at the fastest and at the slowest rate."""
        change_A = target_A - start_A
        behind_A = min(abs(change_A), self._slowest_A_per_s * at_s)
        ahead_A = min(abs(change_A), self.ramp_A_per_s * (at_s + piece_s))
        ends_A = (start_A + math.copysign(a, change_A) for a in (behind_A, ahead_A))
        return max(ends_A, key=abs)

    def _late(self, target_A: float, waited_s: float, at_rest: bool) -> TwinrigError:
        here_A, set_A = self._magnet.measured_A(), self._magnet.setpoint_A()
        says = "says that its ramp is done" if at_rest else "says that it is ramping"
        return TwinrigError(
            f"{self._magnet.name} ({self._magnet.resource}): has not reached {target_A:.6g} A "
            f"within {waited_s:.3g} s at {self._slowest_A_per_s:g} A/s: it is at {here_A:.6g} A, "
            f"its set-point is {set_A:.6g} A, and it {says}. Look for its voltage limit, an "
            "interlock, or a hand at its front panel"
        )

    def _halt(self) -> None:
        """Stop action after a walk that ended early."""
        try:
            with self._shield():
                self._supply.halt()
        except Exception as error:  # what ended the walk is told; the way to safety tries again
            log.warning("%s: could not be halted: %s", self._magnet.name, error)


def walk_of(
    magnet: Magnet,
    max_ramp_A_per_s: float,
    clock: Clock,
    on_set: Callable[[float], None],
    shield: Callable[[], AbstractContextManager[None]],
) -> Walk:
    """A supply's own ramp where it has one, a staircase otherwise; parameters as of those two."""
    supply = with_own_ramp(magnet)
    if supply is None:
        return Staircase(magnet, max_ramp_A_per_s, clock, on_set)
    return SupplyRamp(supply, max_ramp_A_per_s, clock, on_set, shield)
