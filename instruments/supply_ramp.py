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
from typing import TYPE_CHECKING, Any, Protocol, cast

from instruments.protocols import Magnet
from instruments.staircase import TICK_S, Staircase
from instruments.walk import Walk
from models.errors import RefusedError, StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from instruments.clock import Clock

SLICE_S = 0.25  # device time between two looks at a walk
PATIENCE = 1.5  # judgement: how much longer than its rate explains a ramp may take, …
MARGIN_S = 10.0  # … and how long it may take to begin and to settle (a 643 stops within 2 s)
MOST_PIECES = 50  # of a walk in a plan: the duty's account is coarse by 2 % of a walk then
ROUNDED = 1e-3  # relative: a supply's own digits of the rate that it was slowed down to

log = logging.getLogger(__name__)


class RampingMagnet(Magnet, Protocol):
    """A supply that walks to its target by itself.

    Attributes
    ----------
    own_ramp
        True.
    has_output
        Whether it has an output switch; where not, `output_on` is True while it answers.
    accuracy_A
        How far its measured current may be from the set-point at rest.
    """

    own_ramp: bool
    has_output: bool

    @property
    def accuracy_A(self) -> float:
        """How far its measured current may be from the set-point at rest."""

    def set_ramp_A_per_s(self, ramp_A_per_s: float) -> float:
        """Make the ramp at most this fast; the slowest rate that it has on its way then."""

    def ramp_to_A(self, current_A: float) -> None:
        """Send a target, to which the supply walks from now on."""

    def arrived(self) -> bool:
        """Whether it is at rest; raises where it can't walk (a quench)."""

    def halt(self) -> None:
        """The stop action: at rest where it is, which `setpoint_A` answers from then on."""

    def blocked(self) -> str | None:
        """Why it must be left alone (a quench, a persistent switch that is cold), or None."""


def with_own_ramp(magnet: Magnet) -> RampingMagnet | None:
    """The supply as one that ramps by itself; None where it doesn't."""
    return cast("RampingMagnet", magnet) if getattr(magnet, "own_ramp", False) else None


def ramp_as_played(
    magnet: Magnet, settings: Mapping[str, Any], most_A_per_s: float
) -> float | list[float] | None:
    """A supply's own ramp, of each segment, as a run will have it: at most the bench's.

    `settings`: the supply's, as found. None where it has no ramp, or doesn't tell it.
    """
    if getattr(magnet, "SETS_RAMP", False):
        return min(most_A_per_s, float(settings["limit_A_per_s"]))
    found = settings.get("ramp_A_per_s")
    if found is None:
        return None
    rates = found if isinstance(found, list) else [found]
    slowed = [most_A_per_s if rate > most_A_per_s * (1 - ROUNDED) else rate for rate in rates]
    return slowed if isinstance(found, list) else slowed[0]


class SupplyRamp(Walk):
    """Walks a supply by its own ramp.

    Parameters
    ----------
    magnet
        The driver.
    max_ramp_A_per_s
        The fastest change; a supply that keeps to a slower rate of its own is left slower.
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
        super().__init__(magnet, max_ramp_A_per_s, on_set)
        self._supply = magnet
        self._clock = clock
        self._shield = shield
        self._slowest_A_per_s = max_ramp_A_per_s
        self.reach_A = max_ramp_A_per_s * TICK_S

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
                f"was set to max_ramp_A_per_s = {self.ramp_A_per_s:g} A/s; no target was sent. "
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
