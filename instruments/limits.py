"""The one place where a magnet's limits are kept, below every caller, and its way to safety.

A supply without a ramp of its own is walked by `instruments.staircase`, another by
`instruments.supply_ramp`; either is brought to zero by `instruments.ramp_down`. What is asked of
a magnet without sending a set-point is `instruments.watched_magnet`'s; what else may forbid current
is `instruments.watch`'s and `instruments.watch_duty`'s. Time is the bench clock's, so that a
virtual rig is judged in device time.

Invariant of the duty: no set and no hold begins from whose end the way to zero would break it.

Longer than other modules, since it is to stay the one place: whoever asks what the program may
send to a supply reads this class from end to end.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from instruments import list_play
from instruments.magnet_limits import MagnetLimits
from instruments.ramp_down import NotTakenError, RampDown, by_hand
from instruments.remedies import reported
from instruments.sequenced import list_of
from instruments.watch import advice, differences
from instruments.watched_magnet import NOT_ENERGISED, WatchedMagnet
from models.errors import RefusedError, TwinrigError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from instruments.protocols import MagnetState
    from instruments.watch import Watch

__all__ = ["LimitedMagnet", "MagnetLimits", "UnsafeError"]

SWITCH_S, SWITCH_LOOK_S = 5.0, 0.1  # judgement: how long an output may take to go on, device time
TRY_AGAIN_S = 1.0
GIVE_UP_S = 10.0  # a command line must end; a window passes None and tries for as long as it takes

log = logging.getLogger(__name__)


class UnsafeError(TwinrigError):
    """A supply could not be brought to its safe state: someone has to go there."""


class LimitedMagnet(WatchedMagnet):
    """A magnet behind its limits; every set-point of the program goes through here."""

    def energise(self) -> MagnetState:
        """Prepare the supply and bring it to zero with its output on; returns the state found.

        Its `status` says what was changed, its `faults` include a program that was stopped.

        Raises
        ------
        RefusedError
            A guard, the duty or the supply's rating forbids current; nothing was sent to it.
        TwinrigError
            The supply reports an error or its output doesn't go on.
        """
        with self._lock:
            self._stop.check()
            self._energised = False  # until it has worked, a second time as the first
            self.lagged = None
            found = self._found_fit()
            self._unreported.clear()
            self._proven_A = 0.0
            programs = self.magnet.take_control(self._stairs.reach_A)
            start = found
            if programs:
                self._stairs.sent_A, start = None, self.magnet.state()
                self._refuse_changed_again()
            if start.output_on:
                self._stairs.start_from(start, self.small_A)
                self._stairs.walk_to_A(0.0, self._stairs.follow)
            else:
                self._stairs.set_A(0.0)  # no current flows yet: the set-point may jump
                if self.confirms:  # before the output goes on: a set that was lost would be a step
                    self._stairs.confirm()
            changed = self.magnet.prepare()
            if not start.output_on:
                self.magnet.output(True)
            now = self._switched_on()
            problems = [reported(error, "after it was prepared") for error in now.errors]
            problems += [f"is {fault}{advice(fault)}" for fault in now.faults]
            if not now.output_on:
                problems.append("its output stays off after it was told on: look for an interlock")
            unfaulted = dataclasses.replace(now, faults=())  # they are in the list already
            sent_A = self._stairs.sent_A
            problems += differences(self.magnet, unfaulted, sent_A, energised=False)
            raise_problems(TwinrigError, self.name, problems)
            self._energised = True
            faults = (*found.faults, *(f"not as a run needs it: {words}" for words in programs))
            return dataclasses.replace(found, status=(*found.status, *changed), faults=faults)

    def _refuse_changed_again(self) -> None:
        """What had to be changed must stay so: in another mode the output would be a jump."""
        if again := self.magnet.take_control(self._stairs.reach_A):
            raise TwinrigError(
                f"{self.name}: not energised: {'; '.join(again)} a second time. The first message "
                "was lost, or somebody is at its front panel: try again"
            )

    def _switched_on(self) -> MagnetState:
        """The state once its output is on, as a contactor takes its time, or after `SWITCH_S`."""
        first, waited_s = self.magnet.state(), 0.0
        if first.output_on:
            return first
        while not self.magnet.output_on() and waited_s < SWITCH_S:
            self._clock.wait(SWITCH_LOOK_S)
            waited_s += SWITCH_LOOK_S
        now = self.magnet.state()
        return dataclasses.replace(now, errors=(*first.errors, *now.errors))

    def _found_fit(self) -> MagnetState:
        """The state found, where nothing forbids to energise."""
        problems = self.forbidden()
        found = self.magnet.state()
        flowing_A = found.current_A if found.output_on else 0.0
        most_A = max(flowing_A, self._stairs.start_A(found, self.small_A), key=abs)
        found_A = most_A if abs(most_A) > self.small_A else 0.0
        problems += self._watch.begin(found_A, lambda: self._stairs.plan(found_A, 0.0))
        raise_problems(RefusedError, f"{self.name} {NOT_ENERGISED}", problems)
        return found

    def step_to_A(self, current_A: float) -> float:
        """Bring the set-point to a current, walking where it is far; returns what was set.

        Nothing is sent where the set-point is there already.

        Raises
        ------
        RefusedError
            Beyond the limits, or not energised.
        StoppedError
            Stop was requested, perhaps on the way.
        LinkError
            A set may not have arrived: the next step starts from the set-point as it is read then.
        TwinrigError
            A guard, the duty or a set-point that somebody changed since the last step ends the
            run: nothing more is sent.
        """
        self.refuse(current_A)
        target_A = self._on_grid_A(current_A)
        with self._lock:
            if not self._energised:
                raise RefusedError(f"{self.name}: not energised (or made safe meanwhile)")
            self._look()
            self._prove()
            self._still_there()
            here_A = self._here_A()
            self._watch.foresee(lambda: self._stairs.plan(here_A, target_A, 0.0))
            if target_A != here_A:
                self._stairs.walk_to_A(target_A, self._look)
                if self.confirms:
                    self._stairs.confirm()
            last_s = self._clock.last_s()
            self.there_s = self._clock.now_s() if last_s is None else last_s
        return target_A

    def ramp_to_A(self, current_A: float) -> float:
        """`step_to_A`, and wait until the ramp has earned its last set."""
        reached_A = self.step_to_A(current_A)
        self._stairs.pay()
        return reached_A

    def step_to_T(self, field_T: float) -> float:
        """`step_to_A` in tesla; returns the current that was set."""
        return self.step_to_A(self.limits.current_A(field_T))

    def ramp_to_T(self, field_T: float) -> float:
        """`ramp_to_A` in tesla; returns the current that was set."""
        return self.ramp_to_A(self.limits.current_A(field_T))

    def hold(self, seconds: float, then_s: float = 0.0) -> None:
        """Let the present current flow for a while, looked after.

        Parameters
        ----------
        seconds
            How long.
        then_s
            What is known to follow at the same current (a gated reading): foreseen with it.

        Raises
        ------
        TwinrigError
            A guard ends the run, or the duty would be exceeded before the end: then it isn't begun.
        StoppedError
            Stop was requested, or the magnet was made safe meanwhile.
        """
        self._watch.foresee(lambda: self._way_to_zero(seconds + then_s))
        left_s, before_s = seconds, self.looked_s
        while left_s > 0:
            looked_s = self.looked_s
            self._look()
            left_s -= self.looked_s - looked_s
            piece_s = min(left_s, self._watch.quiet_s())
            if piece_s > 0:
                self._clock.wait(piece_s)
                self._stairs.passed(piece_s)
                left_s -= piece_s
        self.looked_s = before_s + max(0.0, -left_s)  # the rest was part of the hold

    def as_list(
        self, plan: Iterable[tuple[float, float]], here_A: float | None = None
    ) -> list[list[tuple[float, float]]]:
        """What a list needs for a plan; nothing is sent.

        Parameters
        ----------
        plan
            (field in T, seconds), one after another.
        here_A
            Where it begins; None: at the present set-point.

        Returns
        -------
        list of list of tuple of float
            For each item: (A, s) of the ramp's points of 20 ms where it is far, and of the item.
        """
        if here_A is None:
            with self._lock:
                here_A = self._here_A()
        groups = []
        for field_T, seconds in plan:
            current_A = self.limits.current_A(field_T)
            self.refuse(current_A)
            there_A = self._on_grid_A(current_A)
            ramp = self._stairs.plan(here_A, there_A)[1:-1]
            groups.append([*((a, s) for s, a in ramp), (there_A, seconds)])
            here_A = there_A
        return groups

    def here_A(self) -> float:
        """The present set-point, read where it isn't known."""
        with self._lock:
            return self._here_A()

    def list_problems(self, points: Sequence[tuple[float, float]], here_A: float) -> list[str]:
        """Why a list from a set-point would be refused, in words; nothing is sent."""
        program = list_of(self.magnet)
        if program is None:
            return [f"{self.magnet.driver} plays no list"]
        return list_play.problems(points, here_A, self.limits, self._stairs.reach_A, program)

    def play_list(
        self,
        points: Sequence[tuple[float, float]],
        around: Callable[[Callable[[], None]], None] = lambda start: start(),
        then_s: float = 0.0,
        pulse_at: int | None = None,
    ) -> tuple[float, float]:
        """Let the supply play (A, s) points by its own clock; returns when it is at the last one.

        Parameters
        ----------
        points
            Each a step within the ramp of the one before (`as_list`); a list beyond it is refused.
        around
            Called with what starts the list, and calls it: what is to happen just before and after.
        then_s
            What is known to follow at the last point: foreseen with the list.
        pulse_at
            The number of the point that gives a pulse (`PulsedList`); None: none does.

        Returns
        -------
        tuple of float
            When, in device time, it was last seen to run, and first seen to be over.

        Raises
        ------
        RefusedError
            No such supply, not energised, or a point beyond a limit: nothing was sent.
        StoppedError
            Stop was requested, or it was made safe meanwhile; the list was ended.
        TwinrigError
            A guard or the duty forbids it, or the list was not played to its end.
        """
        program = list_of(self.magnet)
        if program is None:
            raise RefusedError(f"{self.name}: {self.magnet.driver} plays no list")
        with self._lock:
            if not self._energised:
                raise RefusedError(f"{self.name}: not energised (or made safe meanwhile)")
            self._look()
            self._prove()
            self._still_there()
            points = [  # what is beyond a limit stays, to be named
                (a if self.limits.problem(a) else self._on_grid_A(a), s) for a, s in points
            ]
            stairs, here_A = self._stairs, self._here_A()
            found = self.list_problems(points, here_A)
            raise_problems(RefusedError, f"{self.name}: a list is refused, nothing was sent", found)
            last_A = points[-1][0]
            plan = [*((dwell_s, current_A) for current_A, dwell_s in points), (then_s, last_A)]
            self._watch.foresee(lambda: [*plan, *stairs.plan(last_A, 0.0)])
            play = list_play.ListPlay(
                self.magnet, program, stairs, self._clock, self._stop, self._watch, self._look_on
            )
            return play.play(points, around, pulse_at)

    @contextmanager
    def at_rest(self) -> Iterator[Watch]:
        """At zero within the ramp, its output on; in here a guard that holds is noted only."""
        with self._watch.resting():
            self.ramp_to_A(0.0)
            yield self._watch

    def make_safe(
        self, tell: Callable[[str], None] = log.warning, give_up_s: float | None = GIVE_UP_S
    ) -> str:
        """Walk to zero, check it, switch the output off; says what was found and done.

        Keeps trying while the link is down, whatever goes wrong; Stop does not interrupt it. From
        the second try on it does without every answer that it can do without.

        Parameters
        ----------
        tell
            Called about every second while the supply can't be reached.
        give_up_s
            Seconds without progress after which it gives up; None: never.

        Raises
        ------
        UnsafeError
            Gave up: the message says what to do by hand.
        """
        self._energised = False
        # another thread's walk ends at its next tick, unless that walk is to the safe state itself
        self._stairs.halted = not self._making_safe
        with self._stop.shield(), self._lock, self._way_to_safety():
            self._energised = False  # another thread may just have energised it
            since = time.monotonic()
            reported, self._unreported, frugal = self._unreported, [], False
            way = RampDown(self.magnet, self._stairs, self._clock, self.small_A, reported, tell)
            while True:
                begin = time.monotonic()
                self._stairs.halted, moved_s = False, self._stairs.moved_s
                try:
                    said = way.attempt(frugal)
                except Exception as error:
                    if isinstance(error, NotTakenError):
                        self._stairs.moved_s = moved_s
                    waited_s = time.monotonic() - max(since, self._stairs.moved_s)
                    if frugal and give_up_s is not None and waited_s >= give_up_s:
                        raise UnsafeError(by_hand(self.magnet, error, waited_s)) from error
                    frugal = True
                    with suppress(Exception):  # how a sentence fails must not end the way down
                        tell(f"{self.name}: not safe yet, trying again ({error})")
                    time.sleep(max(0.0, TRY_AGAIN_S - (time.monotonic() - begin)))
                else:
                    with suppress(Exception):  # it is safe, whatever is kept of it
                        self._watch.keep()
                    return said

    @contextmanager
    def _way_to_safety(self) -> Iterator[None]:
        """Mark that this thread walks to zero: a second `make_safe` waits and doesn't halt it."""
        self._making_safe = True
        try:
            with self._clock.unfailing():
                yield
        finally:
            self._making_safe = False
