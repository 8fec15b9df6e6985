"""A magnet that a person sets by hand: ramped within the limits, held, looked after, made safe.

Decision: a field set by hand is a run like any other: it has the bench for itself, Stop and the
window's end lead through the same way out, and a watchdog watches. So there is no state "energised
and nobody's": the output is on exactly as long as this generator is alive.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.operations.bench_read import look
from app.operations.events import Event, Note, Result, Stage
from app.operations.run_control import again_if_lost
from app.operations.runs import WayOut, energised
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.own_ramp import with_own_ramp
from models.errors import InputError, RefusedError, TwinrigError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from instruments.bench import Bench
    from instruments.bench_spec import BenchSpec
    from instruments.limits import LimitedMagnet

TICK_S = 0.1  # of a ramp that is slower than the limit: ten pieces a second look like a line
OWN_RAMP_TICK_S = 1.0  # a supply with a ramp of its own takes its time to say that it has arrived
USUAL_SHARE = 0.1  # of the ramp limit: what a hand is offered first
LOOK_S = 0.25  # between two readings, as the window's own
MOST_LOST = 3
"""Judgement: one late reply must not take a field away; a rig that can't be seen isn't held."""


@dataclass(frozen=True)
class Target:
    """Where the magnet is to go: field in T, at a rate in A/s."""

    field_T: float
    ramp_A_per_s: float


class Hand:
    """What a person asks of one magnet, before and while it is held; for any thread.

    Parameters
    ----------
    spec
        The bench.
    magnet
        Its name; None: the drive's.

    Attributes
    ----------
    asks_above_T
        The largest field that the bench file itself uses (drive and reset): whatever is beyond it
        has to be confirmed.

    Raises
    ------
    InputError
        No such magnet, or one that this bench does not drive.
    """

    def __init__(self, spec: BenchSpec, magnet: str | None = None) -> None:
        self.magnet = magnet or spec.drive_magnet
        driven = spec.rotation.magnets if spec.rotation is not None else (spec.drive_magnet,)
        if self.magnet not in driven:
            raise InputError(
                f"magnet {self.magnet!r} is not driven by this bench, {' and '.join(driven)} is: "
                "name it in [drive]"
            )
        self.limits = spec.magnets[self.magnet].limits
        window, reset = spec.window, spec.reset
        self.asks_above_T = max(map(abs, (window.low_T, window.high_T, reset.field_T)))
        self.target: Target | None = None
        self._change = threading.Condition()
        self._ended = False

    def problems(self, target: Target) -> list[str]:
        """Why a target is refused, in words; empty where it is within the limits."""
        found = []
        problem = self.limits.problem(self.limits.current_A(target.field_T))
        if problem is not None:
            found.append(problem)
        top = self.limits.max_ramp_A_per_s
        if not 0 < target.ramp_A_per_s <= top:
            found.append(f"ramp {target.ramp_A_per_s:g} A/s must be above 0 and at most {top:g}")
        return found

    def refuse(self, target: Target) -> None:
        """Raise `RefusedError` for a target beyond a limit; nothing is sent."""
        raise_problems(RefusedError, f"manual set of {self.magnet}", self.problems(target))

    def asks(self, target: Target) -> bool:
        """Whether a target has to be confirmed."""
        return abs(target.field_T) > self.asks_above_T * (1 + 1e-9)

    def seconds(self, target: Target, here_A: float = 0.0) -> float:
        """Device time of the ramp from a current."""
        return abs(self.limits.current_A(target.field_T) - here_A) / target.ramp_A_per_s

    def ask(self, target: Target, *, confirmed: bool = False) -> None:
        """Go there, from now on.

        Raises
        ------
        RefusedError
            Beyond a limit, or not confirmed where that is needed: the target stays as it was.
        """
        found = self.problems(target)
        if not found and self.asks(target) and not confirmed:
            found = [
                f"{1e3 * target.field_T:.4g} mT is beyond {1e3 * self.asks_above_T:.4g} mT, the "
                "largest field that the bench file uses: it has to be confirmed"
            ]
        raise_problems(RefusedError, f"manual set of {self.magnet}", found)
        with self._change:
            self.target = target
            self._change.notify_all()

    def end(self) -> None:
        """Ramp to zero and switch the output off."""
        with self._change:
            self._ended = True
            self._change.notify_all()

    @property
    def ended(self) -> bool:
        """Whether the end was asked for."""
        return self._ended

    def rest(self, seconds: float, target: Target | None) -> None:
        """Wait on the host's clock, less where another target or the end is asked for."""
        with self._change:
            self._change.wait_for(lambda: self._ended or self.target is not target, seconds)


def question(hand: Hand, target: Target) -> str:
    """What is about to happen, to be answered at a terminal."""
    current_A = hand.limits.current_A(target.field_T)
    return (
        f"This drives {current_A:.4g} A ({1e3 * target.field_T:.4g} mT) through magnet "
        f"{hand.magnet}, at {target.ramp_A_per_s:g} A/s.\n"
        "Is everybody's hand out of the gap? Type yes to go on:"
    )


def manual_set(
    bench: Bench,
    hand: Hand,
    *,
    hold_s: float | None = None,
    looking: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Generator[Event, None, None]:
    """Energise, follow the hand, and make safe; `BenchRead` four times a second meanwhile.

    Parameters
    ----------
    bench
        Connected; made safe at the end, however it comes.
    hand
        Its first target may be there already; none is zero current with the output on.
    hold_s
        Seconds of the host at the first target after which it ends by itself; None: never.
    looking
        Around each reading that is only shown (`app.wire_tail`).

    Raises
    ------
    RefusedError
        A guard, the duty or a limit forbids it.
    TwinrigError
        The supply does otherwise than it was told, or can't be seen any more.
    StoppedError
        Stop was requested.
    """
    remarks: list[str] = []
    way_out = WayOut(bench, lambda status: None, remarks.append)
    walk = _Walk(bench, hand, looking)
    try:
        with way_out:
            yield Stage(f"manual set of magnet {hand.magnet}")
            yield from energised(bench, remarks.append, steps=False)
            yield from walk.run(hold_s)
    except TwinrigError:
        if not way_out.closing:
            yield from way_out.notes()
        raise
    yield from way_out.notes()
    yield Result(
        {
            "status": way_out.status,
            "magnet": hand.magnet,
            "highest_T": walk.highest_T,
            "seconds": round(time.monotonic() - walk.began_s, 3),
        }
    )


class _Walk:
    """The magnet on its way; `highest_T` is the largest field that was set."""

    def __init__(
        self, bench: Bench, hand: Hand, looking: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self.bench, self.hand, self._looking = bench, hand, looking
        self.magnet: LimitedMagnet = bench.magnets[hand.magnet]
        self.highest_T = 0.0
        self.began_s = time.monotonic()
        own = with_own_ramp(self.magnet.magnet) is not None
        self._tick_s = OWN_RAMP_TICK_S if own else TICK_S
        self._looked_s = -math.inf
        self._lost = 0

    def run(self, hold_s: float | None) -> Generator[Event, None, None]:
        """Follow the hand until its end."""
        arrived_s: float | None = None
        while not self.hand.ended:
            target, turn_s = self.hand.target, time.monotonic()
            there = again_if_lost(self._piece, target)
            yield from self._look()
            if not there:
                continue
            arrived_s = arrived_s or time.monotonic()
            if hold_s is not None and time.monotonic() - arrived_s >= hold_s:
                return
            # a virtual rig's second may take no time
            self.hand.rest(max(0.0, self._tick_s - (time.monotonic() - turn_s)), target)

    def _piece(self, target: Target | None) -> bool:
        """One piece of the ramp, or of the hold; whether the magnet is there."""
        self.bench.stop.check()
        here_A = self.magnet.here_A()
        if target is None:
            self._hold(self._tick_s)
            return True
        goal_A = self.magnet.limits.current_A(target.field_T)
        left_A, piece_A = goal_A - here_A, target.ramp_A_per_s * self._tick_s
        if abs(left_A) <= self.magnet.magnet.resolution_A:
            self._hold(self._tick_s)
            return True
        last = abs(left_A) <= piece_A
        next_A = goal_A if last else here_A + math.copysign(piece_A, left_A)
        self.highest_T = max(self.highest_T, abs(next_A * self.magnet.limits.tesla_per_ampere))
        spent_s = self.magnet.walk_s(next_A - here_A)
        self.magnet.ramp_to_A(next_A)
        self._hold(self._tick_s - spent_s)
        return last

    def _hold(self, seconds: float) -> None:
        if seconds <= 0:
            return
        self.magnet.hold(seconds)
        for other in self.bench.drives:
            if other is not self.magnet:
                other.passed(seconds)

    def _look(self) -> Generator[Event, None, None]:
        """A reading where one is due; one that is lost is told and asked for again."""
        now_s = time.monotonic()
        if now_s - self._looked_s < LOOK_S:
            return
        self._looked_s = now_s
        try:
            with self._looking():
                reading = look(self.bench, now_s - self.began_s)
        except WrongInstrumentError:
            raise
        except LinkError as error:
            self._lost += 1
            if self._lost >= MOST_LOST:
                raise
            yield Note(f"a reading was lost, {self._lost} of {MOST_LOST}: {error}", "warning")
            return
        self._lost = 0
        yield reading
