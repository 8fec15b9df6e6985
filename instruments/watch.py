"""What can forbid current besides the magnet itself, and when it is looked at.

A guard (`instruments.guards`) that is out ends the run, or, where the bench file says so, holds it
until it is back: the magnet may go to zero and rest there, and nothing else.

While current flows, guards are read before a set or a hold whose last look is older than
`GUARD_EVERY_S`, and the supply itself is verified where its last check is older than
`CHECK_EVERY_S`. Both count device time; on a virtual rig only what was commanded, so that the same
seed gives the same messages on any computer.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from instruments.guards import StatusBit
from instruments.watch_duty import Duty
from models.errors import TwinrigError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from instruments.clock import SteadyClock
    from instruments.duty_kept import KeptDuty, Past
    from instruments.guards import Guard
    from instruments.protocols import Magnet, MagnetState

    Plan = Callable[[], list[tuple[float, float]]]  # (seconds, A) of what is about to flow

GUARD_EVERY_S = 1.0
"""Judgement: a coil warms over minutes; a door contact or flow switch still acts within a second,
and reading it costs a run with steps of 27 ms a few per cent."""
VOLTAGE_LIMIT = "at its voltage limit"  # as drivers tell it
CHECK_EVERY_S = 5.0
"""Judgement: within seconds (issue 3); a repeat that is shorter is verified at its end only."""


def differences(
    magnet: Magnet,
    state: MagnetState,
    sent_A: float | None,
    *,
    energised: bool,
    waited_for: Collection[str] = (),
) -> list[str]:
    """What a supply does otherwise than it was told, in words.

    `waited_for`: inputs of its status that hold a run, of which guards tell.
    """
    told = [words for name, words in state.inputs if name in waited_for]
    problems = [f"is {fault}{advice(fault)}" for fault in state.faults if fault not in told]
    if energised and not state.output_on:
        problems.append("its output went off without us")
    if sent_A is None or gave_way(magnet, state, sent_A, waited_for):
        return problems
    allowed_A = magnet.read_back_error_A(sent_A)
    if abs(state.setpoint_A - sent_A) > allowed_A:
        problems.append(
            f"its set-point is {state.setpoint_A:.6g} A, {sent_A:.6g} A was sent (they may "
            f"differ by {allowed_A:.2g} A): changed by hand or by another program"
        )
    return problems


def advice(fault: str) -> str:
    """What to do about a supply that can't push its current through the coil."""
    if not fault.startswith(VOLTAGE_LIMIT):
        return ""
    return (
        ", so that another than the set current flows: look at the coil's plugs, raise the limit "
        "(bench key compliance_V, or at the supply), or lower max_ramp_A_per_s, where a large coil "
        "follows no faster"
    )


def gave_way(
    magnet: Magnet, state: MagnetState, sent_A: float | None, waited_for: Collection[str]
) -> bool:
    """Whether a supply brought itself nearer to zero while such an input of it is set.

    That is what the interlock is for, and no hand at its front panel.
    """
    if sent_A is None or not any(name in waited_for for name, _ in state.inputs):
        return False
    return abs(state.setpoint_A) < abs(sent_A) - magnet.read_back_error_A(sent_A)


class Watch:
    """What ends a run of one magnet, and when it is looked for.

    Parameters
    ----------
    name
        The magnet's, for messages.
    guards
        Looked at in this order.
    duty
        None where the bench file sets no limit.
    clock
        The magnet's.

    Attributes
    ----------
    waited_for
        Inputs of the supply's own status that hold a run.
    """

    def __init__(
        self, name: str, guards: Sequence[Guard], duty: Duty | None, clock: SteadyClock
    ) -> None:
        self.guards = tuple(guards)
        self.waited_for = frozenset(
            one.input
            for one in guards
            if isinstance(one, StatusBit)
            and one.instrument == name
            and one.hold_at_most_s is not None
        )
        self._kept: KeptDuty | None = None
        self._past: Past | None = None  # of programs before this one
        self._name = name
        self._duty = duty
        self._clock = clock
        self._ended_by: list[str] = []
        self._out: dict[Guard, str] = {}
        self._resting = False
        self._guarded_s = self._checked_s = self._kept_s = clock.spent_s()

    # ---- what forbids current, before anything is sent

    def problems(self) -> list[str]:
        """Why current is forbidden now: one sentence for each guard that says so."""
        found = [words for guard in self.guards if (words := guard.problem()) is not None]
        self._guarded_s = self._clock.spent_s()
        return found

    def begin(self, found_A: float, plan: Plan) -> list[str]:
        """Begin a run on a magnet found at a current; why the duty forbids it, in words.

        A magnet found at zero has the history that is kept of it, ours or of a program before. One
        found at a current counts as if that had flowed for the whole window: nobody knows better.
        """
        self._ended_by, self._out = [], {}
        if self._duty is None:
            return []
        now_s = self._clock.now_s()
        if found_A:
            self._duty.begin(now_s, found_A)
        elif not self._duty.begun:
            self._recall(now_s, 0.0)
        problem = self._duty.problem(now_s, plan())
        if problem is None:
            return []
        if not found_A:
            return [problem]
        return [f"{problem} (the {found_A:.4g} A found count as if they had flowed all the time)"]

    def _recall(self, now_s: float, found_A: float) -> None:
        """Begin the account of a magnet found at a current, with what is kept of it."""
        assert self._duty is not None
        if self._past is None:
            self._duty.begin(now_s, found_A)
        else:
            self._duty.recall(now_s, self._past, found_A)

    # ---- what ends a run

    def end(self, problems: Iterable[str]) -> None:
        """Note why this run is over; it stays so until the next begins."""
        self._ended_by += [words for words in problems if words not in self._ended_by]

    def look(self) -> None:
        """Raise `TwinrigError` where this run is over or held, after the guards that are due."""
        if self.guards and self._clock.spent_s() >= self._guarded_s + GUARD_EVERY_S:
            self._ask_guards()
        raise_problems(TwinrigError, self._name, self.against)

    def _ask_guards(self) -> None:
        """Ask every guard; one that holds says so until it is asked again."""
        found = {guard: words for guard in self.guards if (words := guard.problem()) is not None}
        self._guarded_s = self._clock.spent_s()
        self._out = {g: words for g, words in found.items() if g.hold_at_most_s is not None}
        self.end(words for g, words in found.items() if g.hold_at_most_s is None)

    @property
    def against(self) -> list[str]:
        """Why nothing may be sent now: what has ended the run, or holds it unless it rests."""
        return [*self._ended_by, *([] if self._resting else self._out.values())]

    @property
    def out(self) -> list[str]:
        """What holds the run, when last asked; empty where the run is over anyway."""
        return [] if self._ended_by else list(self._out.values())

    @property
    def patience_s(self) -> float:
        """How long what holds the run may take; inf where nothing does."""
        return min((g.hold_at_most_s or 0.0 for g in self._out), default=math.inf)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Within it a guard that holds is asked and noted, and forbids nothing."""
        self._resting = True
        try:
            yield
        finally:
            self._resting = False

    def look_closely(self, plan: Plan) -> None:
        """Note what guards and duty forbid, due or not; the plan is the way to zero."""
        self._ask_guards()
        if self._duty is not None:
            problem = self._duty.problem(self._clock.now_s(), plan())
            self.end([problem] if problem else [])
            if self._clock.spent_s() >= self._kept_s + CHECK_EVERY_S:
                self.keep()
        self._checked_s = self._clock.spent_s()

    def keep_in(self, kept: KeptDuty) -> None:
        """Take what programs before this one let flow, and keep what this one does there."""
        if self._duty is not None:
            self._kept, self._past = kept, kept.load(self._clock.now_s())

    def keep(self) -> None:
        """Keep what has flowed for the next program; nothing where none of it is known."""
        if self._kept is not None and self._duty is not None and self._duty.begun:
            self._kept.save(self._duty.past(self._clock.now_s()))
            self._kept_s = self._clock.spent_s()

    def before(self) -> list[tuple[float, float]]:
        """(seconds, A) of the window up to now; empty where nothing is known of it."""
        now_s, duty = self._clock.last_s(), self._duty
        if duty is None or now_s is None:
            return []
        if not duty.begun:
            if self._past is None:
                return []
            duty = Duty(duty.limit_A2s, duty.window_s)
            duty.recall(now_s, self._past)
        return duty.before(now_s)

    def foresee(self, plan: Plan) -> None:
        """Raise `TwinrigError` where a plan, with the way to zero behind it, breaks the duty."""
        if self._duty is None:
            return
        problem = self._duty.problem(self._clock.now_s(), plan())
        if problem:
            self.end([problem])
            raise TwinrigError(f"{self._name}: {problem}; not begun")

    def flows(self, current_A: float) -> None:
        """Say that this current flows from now on; of one made safe as it is found, this begins."""
        if self._duty is None:
            return
        now_s = self._clock.now_s()
        if not self._duty.begun:
            self._recall(now_s, current_A)
        self._duty.flows(now_s, current_A)

    def flowed(self, since_s: float, current_A: float) -> None:
        """Say that this current flows since a device time that has passed."""
        if self._duty is not None and self._duty.begun:
            self._duty.flows(since_s, current_A)

    # ---- when

    @property
    def check_due(self) -> bool:
        """Whether the supply has to be verified before anything else is sent."""
        return self._clock.spent_s() >= self._checked_s + CHECK_EVERY_S

    def quiet_s(self) -> float:
        """How long nothing falls due; zero or less: something is."""
        next_s = self._checked_s + CHECK_EVERY_S
        if self.guards:
            next_s = min(next_s, self._guarded_s + GUARD_EVERY_S)
        return next_s - self._clock.spent_s()
