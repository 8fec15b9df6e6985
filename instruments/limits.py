"""The one place where a magnet's limits are kept, below every caller, and its way to safety.

A supply without a ramp of its own is walked by `instruments.staircase`. Time is the bench clock's,
so that a virtual rig is judged in device time.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from instruments.magnet_limits import MagnetLimits
from instruments.staircase import Staircase
from models.errors import RefusedError, TwinrigError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from instruments.clock import Clock, Stop
    from instruments.protocols import Magnet, MagnetState

__all__ = ["LimitedMagnet", "MagnetLimits", "UnsafeError"]

TRY_AGAIN_S = 1.0
GIVE_UP_S = 10.0  # a command line must end; a window passes None and tries for as long as it takes
SETTLE_S = 2.0  # how long a coil's current may lag behind a set-point of zero
SETTLE_SLICE_S = 0.05
SMALL_SHARE = 0.01  # of max_current_A: a current that counts as zero, a difference that counts

log = logging.getLogger(__name__)


class UnsafeError(TwinrigError):
    """A supply could not be brought to its safe state: someone has to go there."""


class LimitedMagnet:
    """A magnet behind its limits; every set-point of the program goes through here.

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
    """

    def __init__(self, magnet: Magnet, limits: MagnetLimits, clock: Clock, stop: Stop) -> None:
        self.magnet = magnet
        self.name = magnet.name
        self.limits = limits
        self._clock = clock
        self._stop = stop
        self._lock = threading.RLock()
        self._energised = False
        self._making_safe = False
        self._unreported: list[str] = []  # errors that `state` read out of the supply's queue
        self._stairs = Staircase(magnet, limits.max_ramp_A_per_s, clock)

    def refuse(self, current_A: float) -> None:
        """Raise `RefusedError` for a current beyond the limits; nothing is sent."""
        problem = self.limits.problem(current_A)
        if problem:
            raise RefusedError(f"{self.name}: {problem}; nothing was sent")

    def energise(self) -> MagnetState:
        """Prepare the supply and bring it to zero with its output on; returns the state found.

        Raises
        ------
        TwinrigError
            The supply reports an error or its output doesn't go on.
        """
        with self._lock:
            self._stop.check()
            found = self.magnet.state()
            self._unreported.clear()
            self.magnet.prepare()
            self._energised = True
            if found.output_on:
                self._stairs.sent_A = self._start_A(found)
                self._stairs.walk_to_A(0.0)
            else:
                self._stairs.set_A(0.0)  # no current flows yet: the set-point may jump
                self.magnet.output(True)
            now = self.magnet.state()
            problems = [f"reports {error} after it was prepared" for error in now.errors]
            problems += [f"is {fault} (bench key compliance_V)" for fault in now.faults]
            if not now.output_on:
                problems.append("its output stays off after OUTP ON: look for an interlock")
            raise_problems(TwinrigError, self.name, problems)
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
            A set may not have arrived: the next step starts from what is measured then.
        """
        self.refuse(current_A)
        target_A = self._stairs.on_grid_A(current_A)
        with self._lock:
            if not self._energised:
                raise RefusedError(f"{self.name}: not energised (or made safe meanwhile)")
            if self._stairs.sent_A is None:
                self._stairs.sent_A = self._start_A(self._still_on())
            if target_A != self._stairs.sent_A:
                self._stairs.walk_to_A(target_A)
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

    def passed(self, seconds: float) -> None:
        """Say that device time has passed otherwise (a hold, a gated reading)."""
        self._stairs.passed(seconds)

    def walk_s(self, change_A: float) -> float:
        """Device time that a change of the set-point takes."""
        return self._stairs.walk_s(change_A)

    def state(self) -> MagnetState:
        """What the supply says of itself now; its errors are kept for `verify`, too."""
        state = self.magnet.state()
        self._unreported += state.errors
        return state

    def verify(self) -> None:
        """Check that the supply still does what it was told.

        Raises
        ------
        TwinrigError
            The set-point or output changed without us, an error is queued, or the current can't
            follow: what was measured since the last check is void.
        """
        state = self.state()
        errors, self._unreported = self._unreported, []
        problems = [f"reports {error}" for error in errors]
        problems += [f"is {fault}" for fault in state.faults]
        if self._energised and not state.output_on:
            problems.append("its output went off without us")
        sent_A = self._stairs.sent_A
        if sent_A is not None:
            allowed_A = self.magnet.read_back_error_A(sent_A)
            if abs(state.setpoint_A - sent_A) > allowed_A:
                problems.append(
                    f"its set-point is {state.setpoint_A:.6g} A, {sent_A:.6g} A was sent (they may "
                    f"differ by {allowed_A:.2g} A): changed by hand or by another program"
                )
        raise_problems(TwinrigError, self.name, problems)

    def make_safe(
        self, tell: Callable[[str], None] = log.warning, give_up_s: float | None = GIVE_UP_S
    ) -> str:
        """Walk to zero, check it, switch the output off; says what was found and done.

        Keeps trying while the link is down, whatever goes wrong; Stop does not interrupt it.

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
            since = time.monotonic()
            while True:
                begin = time.monotonic()
                self._stairs.halted = False
                try:
                    return self._to_safe_state()
                except Exception as error:
                    waited_s = time.monotonic() - max(since, self._stairs.moved_s)
                    if give_up_s is not None and waited_s >= give_up_s:
                        raise UnsafeError(self._by_hand(error, waited_s)) from error
                    tell(f"{self.name}: not safe yet, trying again ({error})")
                    time.sleep(max(0.0, TRY_AGAIN_S - (time.monotonic() - begin)))

    @contextmanager
    def _way_to_safety(self) -> Iterator[None]:
        """Mark that this thread walks to zero: a second `make_safe` waits and doesn't halt it."""
        self._making_safe = True
        try:
            yield
        finally:
            self._making_safe = False

    def _to_safe_state(self) -> str:
        found = self.magnet.state()
        words = f"{self.name}: found at {found.current_A:.4g} A (set {found.setpoint_A:.4g} A), "
        words += f"output {'on' if found.output_on else 'off'}"
        if found.errors:
            words += f", it had reported {'; '.join(found.errors)}"
        if not found.output_on:
            if abs(found.setpoint_A) > self.magnet.read_back_error_A(0.0):
                self._stairs.set_A(0.0)
                return f"{words}; set-point brought to zero, output left off"
            return f"{words}; already safe ({self.magnet.safe_state})"
        self._stairs.sent_A = self._start_A(found)
        self.magnet.take_control()
        self._stairs.walk_to_A(0.0)
        self._stairs.pay()
        left_A = self._settled_A()
        self.magnet.output(False)
        now = self.magnet.state()
        if now.output_on:
            raise TwinrigError(f"{self.name}: the output stays on after OUTP OFF")
        words += f"; walked to zero at {self.limits.max_ramp_A_per_s:g} A/s at most, output off"
        if left_A > self._small_A:
            words += (
                f". At zero set-point {left_A:.4g} A still flowed before the output went off: "
                "look at the supply's programming input"
            )
        if now.errors:
            words += f". It reports {'; '.join(now.errors)}"
        return words

    @property
    def _small_A(self) -> float:
        share_A = SMALL_SHARE * self.limits.max_current_A
        return max(share_A, self.magnet.read_back_error_A(0.0))

    def _settled_A(self) -> float:
        """The real current once it is small, or what is left after `SETTLE_S`."""
        waited_s = 0.0
        while (left_A := abs(self.magnet.measured_A())) > self._small_A and waited_s < SETTLE_S:
            self._clock.wait(SETTLE_SLICE_S)
            waited_s += SETTLE_SLICE_S
        return left_A

    def _by_hand(self, error: Exception, waited_s: float) -> str:
        return (
            f"{self.name} ({self.magnet.resource}) COULD NOT BE MADE SAFE within {waited_s:.0f} s: "
            f"current may be flowing. Switch the supply off at its front panel, after turning its "
            f"current to zero there. Then `twinrig safe` says what it finds. Last error: {error}"
        )

    def _still_on(self) -> MagnetState:
        """The state of a supply that we have energised; an output that is off ends the run."""
        state = self.magnet.state()
        if not state.output_on:
            raise TwinrigError(
                f"{self.name}: its output went off without us (power cycle, interlock, front panel)"
            )
        return state

    def _start_A(self, state: MagnetState) -> float:
        """Where a walk starts.

        The set-point we sent, while the supply still has it. Otherwise the measured current, unless
        that differs from the set-point by reading noise only. With the output off: zero.
        """
        if not state.output_on:
            return 0.0
        sent_A = self._stairs.sent_A
        rounding_A = self.magnet.read_back_error_A(state.setpoint_A)
        if sent_A is not None and abs(sent_A - state.setpoint_A) <= rounding_A:
            return sent_A
        if abs(state.current_A - state.setpoint_A) <= max(self._small_A, rounding_A):
            return state.setpoint_A
        return state.current_A
