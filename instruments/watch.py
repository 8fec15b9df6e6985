"""What can forbid current besides the magnet itself, and when it is looked at.

A guard is one number that has to stay within bounds: a temperature, the volts of an interlock
input. Out of them it ends the run, or, where the bench file says so, holds it until it is back: the
magnet may go to zero and rest there, and nothing else.

While current flows, guards are read before a set or a hold whose last look is older than
`GUARD_EVERY_S`, and the supply itself is verified where its last check is older than
`CHECK_EVERY_S`. Both count device time; on a virtual rig only what was commanded, so that the same
seed gives the same messages on any computer.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from instruments.protocols import SensorError
from models.errors import TwinrigError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from instruments.bench_spec import BenchSpec
    from instruments.clock import SteadyClock
    from instruments.protocols import Magnet, MagnetState
    from instruments.watch_duty import Duty

    Plan = Callable[[], list[tuple[float, float]]]  # (seconds, A) of what is about to flow

GUARD_EVERY_S = 1.0
"""Judgement: a coil warms over minutes; a door contact or flow switch still acts within a second,
and reading it costs a run with steps of 27 ms a few per cent."""
CHECK_EVERY_S = 5.0
"""Judgement: within seconds (issue 3); a repeat that is shorter is verified at its end only."""


@dataclass(frozen=True)
class Guard:
    """A number that must stay within bounds while current flows.

    Attributes
    ----------
    label
        What it is, for messages: `thermometer coil`.
    unit
        Of the number: `K`, `V`.
    read
        Asks for it; raises `SensorError` where the sensor says that its reading is no good.
    low, high
        The bounds; infinite where there is none.
    keys
        The bench keys of the two.
    hold_at_most_s
        How long a run waits for it to be back within them; None: it ends the run.
    """

    label: str
    unit: str
    read: Callable[[], float]
    low: float = -math.inf
    high: float = math.inf
    keys: tuple[str, str] = ("low", "high")
    hold_at_most_s: float | None = None

    def problem(self) -> str | None:
        """Why it forbids current now, in words; None where it allows it.

        Raises
        ------
        LinkError
            It can't be asked: what it would say is not known.
        """
        try:
            value = self.read()
        except SensorError as error:
            return f"{self.label}: {error}"
        if self.low < value < self.high:
            return None
        below = value <= self.low
        key, bound, side = (
            (self.keys[0], self.low, "above") if below else (self.keys[1], self.high, "below")
        )
        return (
            f"{self.label} reads {value:.5g} {self.unit}, current is allowed only {side} "
            f"{key} = {bound:g} {self.unit}"
        )


def differences(
    magnet: Magnet, state: MagnetState, sent_A: float | None, *, energised: bool
) -> list[str]:
    """What a supply does otherwise than it was told, in words."""
    problems = [f"is {fault}" for fault in state.faults]
    if energised and not state.output_on:
        problems.append("its output went off without us")
    if sent_A is None:
        return problems
    allowed_A = magnet.read_back_error_A(sent_A)
    if abs(state.setpoint_A - sent_A) > allowed_A:
        problems.append(
            f"its set-point is {state.setpoint_A:.6g} A, {sent_A:.6g} A was sent (they may "
            f"differ by {allowed_A:.2g} A): changed by hand or by another program"
        )
    return problems


def guards_of(spec: BenchSpec, drivers: Mapping[str, Any]) -> list[Guard]:
    """The guards of a bench file, on its open drivers."""
    guards = [
        Guard(
            f"thermometer {name}",
            "K",
            partial(drivers[name].kelvin, one.input),
            one.min_K,
            one.max_K,
            ("min_K", "max_K"),
            one.hold_at_most_s,
        )
        for name, one in spec.thermometers.items()
    ]
    guards += [
        Guard(
            f"interlock {name} ({lock.instrument}, {lock.input})",
            "V",
            partial(drivers[lock.instrument].input_V, lock.input),
            lock.above_V,
            lock.below_V,
            ("above_V", "below_V"),
            lock.hold_at_most_s,
        )
        for name, lock in spec.interlocks.items()
    ]
    return guards


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
    """

    def __init__(
        self, name: str, guards: Sequence[Guard], duty: Duty | None, clock: SteadyClock
    ) -> None:
        self.guards = tuple(guards)
        self._name = name
        self._duty = duty
        self._clock = clock
        self._ended_by: list[str] = []
        self._out: dict[Guard, str] = {}
        self._resting = False
        self._guarded_s = self._checked_s = clock.spent_s()

    # ---- what forbids current, before anything is sent

    def problems(self) -> list[str]:
        """Why current is forbidden now: one sentence for each guard that says so."""
        found = [words for guard in self.guards if (words := guard.problem()) is not None]
        self._guarded_s = self._clock.spent_s()
        return found

    def begin(self, found_A: float, plan: Plan) -> list[str]:
        """Begin a run on a magnet found at a current; why the duty forbids it, in words.

        What flowed before isn't known: the current counts as if it had flowed for the whole window.
        A magnet found at zero that has a history of ours keeps it.
        """
        self._ended_by, self._out = [], {}
        if self._duty is None:
            return []
        now_s = self._clock.now_s()
        if found_A or not self._duty.begun:
            self._duty.begin(now_s, found_A)
        problem = self._duty.problem(now_s, plan())
        if problem is None:
            return []
        return [f"{problem} (the {found_A:.4g} A found count as if they had flowed all the time)"]

    # ---- what ends a run

    def end(self, problems: Iterable[str]) -> None:
        """Note why this run is over; it stays so until the next begins."""
        self._ended_by += [words for words in problems if words not in self._ended_by]

    @property
    def ended_by(self) -> list[str]:
        """Why this run is over; empty while it isn't."""
        return list(self._ended_by)

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
        self._checked_s = self._clock.spent_s()

    def foresee(self, plan: Plan) -> None:
        """Raise `TwinrigError` where a plan, with the way to zero behind it, breaks the duty."""
        if self._duty is None:
            return
        problem = self._duty.problem(self._clock.now_s(), plan())
        if problem:
            self.end([problem])
            raise TwinrigError(f"{self._name}: {problem}; not begun")

    def flows(self, current_A: float) -> None:
        """Say that this current flows from now on."""
        if self._duty is not None and self._duty.begun:
            self._duty.flows(self._clock.now_s(), current_A)

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
