"""The way to the safe state: from whatever a supply is found in to zero current, output off.

A supply with a ramp of its own is halted first, then walked to zero; its output goes off where it
has a switch. A quench or a persistent mode is reported and left alone.

One attempt either ends there or raises; `instruments.limits` repeats it. A second attempt is
*frugal*: it needs only that the supply is there (`*IDN?`) and takes its sets. A query that fails
then is done without, so that one garbled answer can't keep a current flowing. What a supply needs
to be told its own ramp (rate and state) is not: none is sent off faster than its limit.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

from instruments.own_ramp import with_own_ramp
from instruments.protocols import ElsewhereError, MagnetState, SourcesVoltageError
from instruments.voltage_down import MOST_TURNS, walk_voltage_down
from instruments.walk import TurnedUpError
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from instruments.clock import SteadyClock
    from instruments.protocols import Magnet, VoltageSource
    from instruments.walk import Walk

T = TypeVar("T")

NOT_AT_REST = ("LEFT ALONE", "STILL MEASURED", "still flowed")  # in words of a way that is over
SETTLE_S = 2.0  # how long a current may stand still above zero at a set-point of zero
SETTLE_SLICE_S = 0.05


class NotTakenError(TwinrigError):
    """The supply takes the messages and it isn't seen to follow: to send more is no progress."""


class RampDown:
    """Walks one supply to its safe state.

    Parameters
    ----------
    magnet
        The driver.
    stairs
        What walks it: the ramp limit.
    clock
        Device time; made unfailing by the caller.
    small_A
        A current that counts as zero.
    reported
        Errors that were read out of the supply's queue before, and told nobody yet.
    tell
        Called every `SETTLE_S` while the current of a large coil still falls.
    """

    def __init__(
        self,
        magnet: Magnet,
        stairs: Walk,
        clock: SteadyClock,
        small_A: float,
        reported: Sequence[str] = (),
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._magnet = magnet
        self._stairs = stairs
        self._clock = clock
        self._small_A = small_A
        self._reported = list(reported)
        self._tell = tell
        self._frugal = False
        self._unread: list[str] = []
        self._turned_up = 0  # times, by a hand, in all attempts

    def attempt(self, frugal: bool) -> str:
        """Bring the supply to its safe state; what was found and done, in words.

        Raises
        ------
        Exception
            Whatever went wrong: the supply may be anywhere on the way, within its ramp.
        """
        self._frugal, self._unread = frugal, []
        found = self._found()
        if not found.output_on and self._is_zero(found.setpoint_A):
            flows = self._flows_though_off(found)
            return self._told(found, flows or f"already safe ({self._magnet.safe_state})")
        changed = self._control()
        left = self._left_alone(found, changed == ())
        if left is None:
            start = found if changed == () else self._since_changed(found)
            left = self._walked_down(start) if start.output_on else self._left_off(start)
        words = [*(changed or ()), left]
        if self._clock.lost:
            words.append("the rig's clock can't be reached: the computer's own timed the ramp")
        if errors := self._asked(self._magnet.errors, "error queue"):
            words.append(f"it reports {'; '.join(errors)}")
        return self._told(found, "; ".join(words))

    def _found(self) -> MagnetState:
        """The state with all errors not told yet; they outlive an attempt that fails."""
        state = self._state()
        self._reported += state.errors
        return replace(state, errors=tuple(self._reported))

    def _state(self) -> MagnetState:
        """The state; frugally: what can be read of it, and the worst of the rest."""
        if not self._frugal:
            return self._magnet.state()
        self._magnet.identify()  # raises where the supply can't be reached at all
        output_on = self._asked(self._magnet.output_on, "output")
        setpoint_A = self._asked(self._magnet.setpoint_A, "set-point")
        current_A = self._asked(self._magnet.measured_A, "current")
        errors = self._asked(self._magnet.errors, "error queue") or ()
        known_A = [a for a in (current_A, setpoint_A, self._stairs.sent_A) if a is not None]
        if not known_A:
            raise TwinrigError("neither the current nor the set-point can be read")
        return MagnetState(
            known_A[0] if current_A is None else current_A,
            known_A[0] if setpoint_A is None else setpoint_A,
            output_on is not False,
            (),
            errors,
        )

    def _control(self) -> tuple[str, ...] | None:
        """Let the set-point decide, a voltage brought to zero first; frugally None: not known."""
        reach_A = self._stairs.reach_A
        try:
            return self._asked(lambda: self._magnet.take_control(reach_A), "control")
        except SourcesVoltageError as error:
            words = self._by_voltage()
            return (*error.changed, words, *self._magnet.take_control(reach_A))

    def _by_voltage(self) -> str:
        """Walk a supply's voltage to zero, then switch its output off."""
        source = cast("VoltageSource", self._magnet)
        words = walk_voltage_down(source, self._stairs, self._clock, self._small_A, self._tell)
        if abs(left_V := source.sourced_V()) > source.resolution_V:
            raise NotTakenError(f"{source.name}: its voltage is {left_V:.4g} V, set to zero")
        left_A = self._settled_A()
        self._switched_off()
        words += ", output off"
        if left_A <= self._small_A:
            return words
        return f"{words}; at zero volts {_still(left_A)} flowed before that"

    def _left_alone(self, found: MagnetState, untouched: bool) -> str | None:
        """Why a supply with a ramp of its own is at rest now and stays so; None: it is walked.

        A quench or a persistent mode is reported, not fought.
        """
        supply = with_own_ramp(self._magnet)
        if supply is None:
            return None
        blocked = self._asked(supply.blocked, "what it can do")
        if blocked is not None:
            return f"LEFT ALONE: it is {blocked}"
        at_zero = self._is_zero(found.setpoint_A) and abs(found.current_A) <= self._small_A
        if untouched and at_zero and not supply.has_output and not self._frugal:
            return f"already safe ({self._magnet.safe_state})"
        return None

    def _since_changed(self, found: MagnetState) -> MagnetState:
        """The state after a program inside the supply, or another mode, was ended."""
        self._stairs.sent_A = None
        if self._frugal:
            setpoint_A = self._asked(self._magnet.setpoint_A, "set-point")
            current_A = self._asked(self._magnet.measured_A, "current")
            flows_A = found.current_A if current_A is None else current_A
            near_A = self._magnet.read_back_error_A(flows_A)
            if setpoint_A is None and abs(found.setpoint_A - flows_A) <= near_A:
                setpoint_A = found.setpoint_A  # what flows says that it is still that
            set_A = flows_A if setpoint_A is None else setpoint_A
            seen_on = self._asked(self._magnet.output_on, "output")
            on = found.output_on if seen_on is None else seen_on
            return replace(found, current_A=flows_A, setpoint_A=set_A, output_on=on)
        now = self._magnet.state()
        self._reported += now.errors
        return replace(now, errors=())

    def _left_off(self, found: MagnetState) -> str:
        self._stairs.set_A(0.0)
        self._arrived()
        words = ("set-point brought to zero, output left off", self._flows_though_off(found))
        return "; ".join(filter(None, words))

    def _flows_though_off(self, found: MagnetState) -> str:
        """What is measured though the output is off, in words; empty where that is zero."""
        if abs(found.current_A) <= self._small_A or (left_A := self._settled_A()) <= self._small_A:
            return ""
        left = "AN UNKNOWN CURRENT" if math.isnan(left_A) else f"{left_A:.4g} A"
        return (
            f"ITS OUTPUT IS OFF AND {left} STILL MEASURED: keep away from the coil and look what "
            "drives it (another supply, a switch in persistent mode, the supply's load type)"
        )

    def _walked_down(self, found: MagnetState) -> str:
        supply = with_own_ramp(self._magnet)
        switched = supply is None or supply.has_output
        self._stairs.start_from(found, self._small_A)
        if supply is not None and self._stairs.sent_A == 0.0:
            self._stairs.set_A(0.0)  # it may have been halted on its way there
        self._follow()
        self._stairs.walk_to_A(0.0, self._follow)
        self._stairs.pay()
        self._arrived()
        left_A = self._settled_A()
        if not left_A <= self._small_A:
            self._arrived()  # a hand may have moved it meanwhile
        if math.isnan(left_A) and not switched:  # nothing else ends it
            raise NotTakenError(
                f"{self._magnet.name}: sent to zero, and what flows can't be read "
                f"({'; '.join(dict.fromkeys(self._unread))})"
            )
        words = f"walked to zero at {self._stairs.ramp_A_per_s:g} A/s at most"
        if switched:
            self._switched_off()
            words += ", output off"
        if not left_A <= self._small_A:
            when = " before the output went off" if switched else ""
            words += f"; at zero set-point {_still(left_A)} flowed{when}: "
            words += "look at the supply's programming input"
        return words

    def _follow(self) -> None:
        """See whether a hand helps; not once something couldn't be read: it may take seconds.

        A set-point that is always read larger would begin the way anew for ever.
        """
        if self._unread or self._turned_up > MOST_TURNS:
            return
        try:
            self._asked(self._stairs.follow, "set-point on the way")
        except TurnedUpError:
            self._turned_up += 1
            raise

    def _switched_off(self) -> None:
        self._magnet.output(False)
        if self._asked(self._magnet.output_on, "output after it was switched off"):
            raise TwinrigError(f"{self._magnet.name}: the output stays on after it was told to go")

    def _arrived(self) -> None:
        """Raise where the supply did not take the set-points: its output must not go off then."""
        setpoint_A = self._asked(self._magnet.setpoint_A, "set-point")
        if setpoint_A is not None and not self._is_zero(setpoint_A):
            raise NotTakenError(
                f"{self._magnet.name}: its set-point is {setpoint_A:.4g} A after it was brought to "
                "zero (a program inside the supply, or local control)"
            )

    def _settled_A(self) -> float:
        """The real current once it is small, or what has not fallen for `SETTLE_S`; nan: unknown.

        A large coil's voltage limit, not the ramp, may decide how fast its current dies away: an
        output that went off meanwhile would break it.
        """
        stood_s, waited_s, least_A = 0.0, 0.0, math.inf
        rounding_A = self._magnet.read_back_error_A(0.0)
        while (measured_A := self._asked(self._magnet.measured_A, "current")) is not None:
            self._stairs.passing_A = measured_A
            if abs(measured_A) < least_A - rounding_A:
                if math.isfinite(least_A):  # the first is no sign that it falls
                    self._stairs.moved_s = time.monotonic()
                stood_s, least_A = 0.0, abs(measured_A)
            if abs(measured_A) <= self._small_A or stood_s >= SETTLE_S:
                return abs(measured_A)
            if waited_s >= SETTLE_S:
                waited_s = 0.0
                with suppress(Exception):  # how a sentence fails must not end the way down
                    self._tell(f"{self._magnet.name}: {measured_A:.4g} A still flow, and fall")
            self._clock.wait(SETTLE_SLICE_S)
            stood_s += SETTLE_SLICE_S
            waited_s += SETTLE_SLICE_S
        self._clock.wait(SETTLE_S)
        return math.nan

    def _is_zero(self, setpoint_A: float) -> bool:
        return abs(setpoint_A) <= self._magnet.read_back_error_A(0.0)

    def _asked(self, query: Callable[[], T], what: str) -> T | None:
        """The answer; frugally None where this query fails."""
        try:
            return query()
        except (ElsewhereError, TurnedUpError):  # no lost answer: not to be done without
            raise
        except Exception as error:
            if not self._frugal:
                raise
            self._unread.append(f"{what} ({error})")
            return None

    def _told(self, found: MagnetState, done: str) -> str:
        words = f"{self._magnet.name}: found {found.words()}; {done}"
        if self._unread:
            words += f". Could not be read: {'; '.join(dict.fromkeys(self._unread))}"
        return words


def _still(left_A: float) -> str:
    """A current that is left, in words; nan: not known."""
    return "an unknown current" if math.isnan(left_A) else f"{left_A:.4g} A still"


def by_hand(magnet: Magnet, error: Exception, waited_s: float) -> str:
    """What to do about a supply that could not be made safe."""
    if isinstance(error, ElsewhereError):  # what decides its current isn't at its front panel
        return f"COULD NOT BE MADE SAFE within {waited_s:.0f} s: {error}"
    return (
        f"{magnet.name} ({magnet.resource}) COULD NOT BE MADE SAFE within {waited_s:.0f} s: "
        f"current may be flowing. Switch the supply off at its front panel, after turning its "
        f"current to zero there. Last error: {error}"
    )
