"""A magnet that is looked after: what it may be asked for, what it says, what forbids current.

The half of `instruments.limits` that sends no set-point: `LimitedMagnet` is the other.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from instruments.clock import SteadyClock
from instruments.followed import Followed
from instruments.own_ramp import with_own_ramp
from instruments.remedies import reported
from instruments.supply_ramp import SupplyRamp, slowest_A_per_s, walk_of
from instruments.watch import Watch, differences, gave_way
from instruments.watch_duty import largest_A2s
from models.errors import RefusedError, StoppedError, TwinrigError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from instruments.clock import Clock, Stop
    from instruments.duty_kept import KeptDuty
    from instruments.guards import Guard
    from instruments.magnet_limits import MagnetLimits
    from instruments.protocols import Magnet, MagnetState

NOT_ENERGISED = "is not energised"
SMALL_SHARE = 0.01  # of the highest current: a current that counts as zero, a difference


class WatchedMagnet:
    """A magnet with its limits and its watch; sends nothing but queries.

    Parameters
    ----------
    magnet
        The driver.
    limits
        What it may be asked for.
    clock
        The bench's device time.
    stop
        Looked at before every set; `make_safe` is deaf to it.
    guards
        What else may forbid current: thermometers, interlocks.

    Attributes
    ----------
    confirms
        Whether a step's set-point is read back: right behind the set, because a set has no answer,
        and one that was lost, or is late, would give a true reading at a wrong current; and once
        more before the next step, because a hand at the supply may have changed it meanwhile.
    there_s
        Device time at which the last step's set-point had been sent and its walk was over.
    lagged
        That its current was still on its way right behind a reading, in words; empty where a look
        showed that it only differs, None before one.
    looked_s
        Device time that guards and supply took in all when they were due between two sets.
    """

    def __init__(
        self,
        magnet: Magnet,
        limits: MagnetLimits,
        clock: Clock,
        stop: Stop,
        guards: Sequence[Guard] = (),
    ) -> None:
        self.magnet = magnet
        self.name = magnet.name
        self.limits = limits
        self._clock = SteadyClock(clock)
        self._stop = stop
        self._lock = threading.RLock()
        self._energised = False
        self._making_safe = False
        self._unreported: list[str] = []  # errors that `state` read out of the supply's queue
        self._proven_A = 0.0  # the largest current at which the voltage limit was seen to suffice
        self._watch = Watch(magnet.name, guards, limits.duty(), self._clock)
        self.confirms = False
        self.lagged: str | None = None
        self.there_s = self.looked_s = 0.0
        self._stairs = walk_of(
            magnet, limits.max_ramp_A_per_s, self._clock, self._watch.flows, stop.shield
        )

    def refuse(self, current_A: float) -> None:
        """Raise `RefusedError` for a current beyond the limits; nothing is sent."""
        problem = self.limits.problem(current_A)
        if problem:
            raise RefusedError(f"{self.name}: {problem}; nothing was sent")

    def beyond_rating(self, limits: MagnetLimits | None = None) -> list[str]:
        """Which limits, None: of the bench file, the supply can't keep, in words; asks nobody."""
        magnet, slowest = self.magnet, slowest_A_per_s(self.magnet)
        return (limits or self.limits).beyond(
            magnet.rated_current_A, magnet.rated_voltage_V, slowest
        )

    def ask_ramp(self) -> None:
        """Learn how slow its own ramp is, where it has one: plans and times rest on it."""
        if isinstance(self._stairs, SupplyRamp):
            self._stairs.ask_ramp()

    def forbidden(self) -> list[str]:
        """Why it may not be energised now, of all that is known without its duty, in words."""
        problems = [*self.beyond_rating(), *self._watch.problems()]
        if (supply := with_own_ramp(self.magnet)) and (why := supply.blocked()):
            problems.append(f"it is {why}")
        return problems

    def foreseen(self, plan: Iterable[tuple[float, float]], *, now: bool = False) -> list[str]:
        """Why a plan would break the duty, in words; empty: it doesn't.

        Parameters
        ----------
        plan
            (field in T, seconds it is held once it is there), one after another.
        now
            After what has flowed; False: of a magnet that is cold before it.
        """
        if self.limits.duty() is None:
            return []
        before = self._watch.before() if now else []
        flow = self._stairs.flow((self.limits.current_A(field_T), s) for field_T, s in plan)
        worst_A2s = largest_A2s(flow, self.limits.duty_window_s, before)
        return self.limits.beyond_duty(worst_A2s, sum(s * a * a for s, a in before))

    def keep_duty(self, kept: KeptDuty) -> None:
        """Begin with what other programs let flow, and keep what this one does for the next."""
        self._watch.keep_in(kept)

    @property
    def reach_A(self) -> float:
        """The largest single step that the ramp allows."""
        return self._stairs.reach_A

    @property
    def guards(self) -> tuple[Guard, ...]:
        """What else may forbid current."""
        return self._watch.guards

    @property
    def held_by(self) -> list[str]:
        """What is out of its band and holds the run, in words; empty: nothing does."""
        return self._watch.out

    def passed(self, seconds: float) -> None:
        """Say that device time has passed otherwise (a hold, a gated reading)."""
        self._stairs.passed(seconds)
        self._clock.passed(seconds)

    @property
    def passing_A(self) -> float | None:
        """Where it was last set or seen on its way, at no cost; None: not known."""
        return self._stairs.passing_A

    def walk_s(self, change_A: float) -> float:
        """Device time that a change of the set-point takes."""
        return self._stairs.walk_s(change_A)

    def state(self) -> MagnetState:
        """What the supply says of itself now; its errors are kept for `verify`, too."""
        state = self.magnet.state()
        self._unreported += state.errors
        return state

    def energised_words(self, current_A: float) -> str:
        """Its measured current, where one flows or its output is on; empty where it is at rest."""
        on = self.magnet.output_on()
        if abs(current_A) <= self.small_A and not (on and getattr(self.magnet, "has_output", True)):
            return ""
        return f"{self.name}: {current_A:.4g} A, output {'on' if on else 'off'}"

    def verify(self, *, behind_a_reading: bool = False) -> None:
        """Check that the supply still does what it was told, and that nothing forbids current.

        `behind_a_reading`: no time has passed since one; a current that lags is noted then.

        Raises
        ------
        TwinrigError
            The set-point or output changed without us, the measured current is another, or a guard
            or the duty forbids it: the run is over, and every later call says so. An error that the
            supply had queued voids what was measured since the last check, and is told once.
        """
        state = self.state()
        sent_A, waited_for = self._stairs.sent_A, self._watch.waited_for
        told = differences(
            self.magnet, state, sent_A, energised=self._energised, waited_for=waited_for
        )
        if gave_way(self.magnet, state, sent_A, waited_for):
            self._stairs.sent_A = None  # where it goes by itself isn't known
        elif not (told or state.faults) and self._energised:  # a fault that is waited for says why
            told = self._followed(state.current_A, behind_a_reading=behind_a_reading)
        self._watch.end(told)
        if self._energised:
            self._watch.look_closely(self._way_to_zero)
        errors, self._unreported = self._unreported, []
        problems = list(self._watch.against)
        if errors:
            sent = self.limits.sent_words(sent_A, self.magnet.rated_current_A)
            problems = [*(reported(error, sent) for error in errors), *problems]
        if not problems:
            self._proven_A = max(self._proven_A, abs(sent_A or 0.0))
        raise_problems(TwinrigError, self.name, problems)

    def _followed(self, measured_A: float, *, behind_a_reading: bool) -> list[str]:
        """Why the current isn't the one set, in words, where a supply of ours walks it."""
        if self._stairs.sent_A is None or with_own_ramp(self.magnet) is not None:
            return []  # a ramp of its own is waited for at each walk, and may be under way now
        follow = Followed(self.magnet, self._stairs, self._clock, self.small_A)
        if behind_a_reading and self.lagged is None:
            self.lagged = follow.lag(measured_A)
        return follow.problems(measured_A)

    def _on_grid_A(self, current_A: float) -> float:
        """The nearest current on the wire that is within the limits."""
        target_A = self._stairs.on_grid_A(current_A)
        if self.limits.problem(target_A):  # rounded up, beyond the limit
            target_A = self._stairs.on_grid_A(current_A, inwards=True)
        return target_A

    def _way_to_zero(self, after_s: float = 0.0) -> list[tuple[float, float]]:
        """The present current for a while, and the walk to zero."""
        here_A = self._stairs.sent_A or 0.0
        return [(after_s, here_A), *self._stairs.plan(here_A, 0.0)]

    def _look(self) -> None:
        """Before anything is sent or held: raise what ends the run, of all that is due."""
        if not self._energised:
            raise StoppedError(f"{self.name}: made safe meanwhile")
        with self._counted(due=self._watch.quiet_s() <= 0):
            self._watch.look()
            if self._watch.check_due:
                self.verify()

    @contextmanager
    def _counted(self, *, due: bool = True) -> Iterator[None]:
        """Count into `looked_s` what is done in here; where nothing is due it takes no time."""
        begin_s = self._clock.now_s() if due else 0.0
        yield
        self.looked_s += self._clock.now_s() - begin_s if due else 0.0

    def _look_on(self) -> None:
        """While a list runs: what ends it; the set-point can't be verified then."""
        if not self._energised:
            raise StoppedError(f"{self.name}: made safe meanwhile")
        self._watch.look()

    def _prove(self) -> None:
        """Verify where the set-point is a new highest one: its voltage may be the limit.

        Called before the next set, when the current has settled. Without a `compliance_V` only the
        first is, of a real supply: what a wrong scale lets flow must not do so for a whole repeat.
        """
        sent_A = self._stairs.sent_A
        first = self.confirms and self._proven_A == 0.0
        if sent_A is None or (self.limits.compliance_V is None and not first):
            return
        if abs(sent_A) > self._proven_A + self.small_A:
            with self._counted():
                self.verify()

    def _still_there(self) -> None:
        """Before a step overwrites it: the set-point of the last one, read back.

        Raises
        ------
        TwinrigError
            It was changed without us: the run is over.
        LinkError
            It read otherwise once, and is as it was sent: what was read meanwhile is void.
        """
        read_A = self._stairs.changed_A() if self.confirms else None
        if read_A is None:
            return
        self.verify()
        sent_A = self._stairs.sent_A
        raise self._stairs.otherwise(
            f"its set-point read {read_A:.6g} A though {sent_A:.6g} A had been sent", read_A
        )

    def _here_A(self) -> float:
        """The set-point, read where it isn't known; an output that went off ends the run."""
        if self._stairs.sent_A is None:
            state = self.magnet.state()
            if not state.output_on:
                raise TwinrigError(
                    f"{self.name}: its output went off without us (power cycle, interlock, front "
                    "panel)"
                )
            self._stairs.start_from(state, self.small_A)
        return self._stairs.sent_A or 0.0

    @property
    def small_A(self) -> float:
        """A current that counts as zero, and a difference that counts as none."""
        share_A = SMALL_SHARE * self.limits.highest_A
        accuracy_A = supply.accuracy_A if (supply := with_own_ramp(self.magnet)) else 0.0
        return max(share_A, accuracy_A, self.magnet.read_back_error_A(0.0))
