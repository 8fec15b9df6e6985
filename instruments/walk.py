"""What walks a supply's set-point: what is known of it, where a walk starts, whether it arrived.

`instruments.staircase` walks a supply that has no ramp, `instruments.supply_ramp` one that has.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING

from instruments.link_errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from instruments.protocols import Magnet, MagnetState


class TurnedUpError(LinkError):
    """On its way to zero the set-point was found further from it: a walk begins anew from there."""


class Walk(ABC):
    """A supply's set-point as one program knows and moves it; checks no limit but the ramp.

    Attributes
    ----------
    sent_A
        The last set-point that surely arrived; None where it isn't known.
    passing_A
        Where it was last set or seen on its way, for people who wait; None: not known yet.
    moved_s
        Host's monotonic time of the last set that arrived, or of the last sign of a walk.
    halted
        Set by another thread to end a walk at its next tick.
    ramp_A_per_s, reach_A
        The ramp limit, and the largest single step that follows from it.
    """

    reach_A: float

    def __init__(
        self, magnet: Magnet, max_ramp_A_per_s: float, on_set: Callable[[float], None]
    ) -> None:
        self.sent_A: float | None = None
        self.passing_A: float | None = None
        self.moved_s = -math.inf
        self.halted = False
        self.ramp_A_per_s = max_ramp_A_per_s
        self._magnet = magnet
        self._grid_A = magnet.resolution_A
        self._on_set = on_set

    @abstractmethod
    def found_A(self, state: MagnetState, small_A: float) -> float:
        """Where a walk of a supply starts whose set-point isn't ours, its output on."""

    @abstractmethod
    def walk_to_A(self, target_A: float, look: Callable[[], None] = lambda: None) -> None:
        """Go to the target within the ramp; `look` is called on the way, and may raise."""

    @abstractmethod
    def follow(self) -> None:
        """On the way to zero, go on from where a hand has turned the set-point to meanwhile.

        Raises what the driver raises where the set-point can't be read, and TurnedUpError.
        """

    @abstractmethod
    def set_A(self, current_A: float) -> None:
        """One set, however large."""

    @abstractmethod
    def pay(self) -> None:
        """Let the device time pass that the last set still owes."""

    @abstractmethod
    def passed(self, seconds: float) -> None:
        """Say that device time has passed otherwise (a hold, a gated reading)."""

    @abstractmethod
    def walk_s(self, change_A: float) -> float:
        """Device time that a change takes."""

    @abstractmethod
    def plan(self, *currents_A: float) -> list[tuple[float, float]]:
        """The way over these currents: (seconds, A) of each piece, the first current included."""

    @abstractmethod
    def flow(self, plan: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
        """(seconds, A) of every piece on the way from zero through (A, seconds) and back."""

    def on_grid_A(self, current_A: float, *, inwards: bool = False) -> float:
        """The nearest set-point that the supply's messages can express; inwards: none above it."""
        steps = current_A / self._grid_A
        return (math.trunc(steps) if inwards else round(steps)) * self._grid_A

    def start_A(self, state: MagnetState, small_A: float) -> float:
        """Where a walk starts: `found_A`, or the set-point we sent, while the supply still has it.

        With the output off: zero.
        """
        if not state.output_on:
            return 0.0
        rounding_A = self._magnet.read_back_error_A(state.setpoint_A)
        if self.sent_A is not None and abs(self.sent_A - state.setpoint_A) <= rounding_A:
            return self.sent_A
        return self.found_A(state, small_A)

    def start_from(self, state: MagnetState, small_A: float) -> None:
        """Make `start_A` the known set-point; it is told as what flows."""
        here_A = self.sent_A = self.start_A(state, small_A)
        self._on_set(here_A)

    def note_A(self, current_A: float) -> None:
        """Note what flows by something else than a set of this walk (a voltage on its way down)."""
        self.passing_A, self.moved_s = current_A, time.monotonic()
        self._on_set(current_A)

    def confirm(self) -> None:
        """Read the last set-point back.

        Raises
        ------
        LinkError
            It did not arrive, or was changed at once: the set-point is not known any more.
        """
        sent_A = self.sent_A
        try:
            read_A = self.changed_A()
        except BaseException:
            self.sent_A = None  # the set may be lost with the answer
            raise
        if sent_A is None or read_A is None:
            return
        self.sent_A = None
        raise self.otherwise(
            f"its set-point is {read_A:.6g} A right after {sent_A:.6g} A was sent", read_A
        )

    def changed_A(self) -> float | None:
        """The set-point read back where it isn't the one last sent; None where it is."""
        if self.sent_A is None:
            return None
        read_A = self._magnet.setpoint_A()
        rounding_A = self._magnet.read_back_error_A(self.sent_A)
        return read_A if abs(read_A - self.sent_A) > rounding_A else None

    def otherwise(
        self, problem: str, read_A: float, kind: type[LinkError] = LinkError
    ) -> LinkError:
        """The error for a set-point that was read back and isn't as it was sent.

        What the supply reports is in it: one that refused the set (a fixed range) says so there.
        """
        with suppress(Exception):  # it was to explain; what is read back is the error
            if errors := self._magnet.errors():
                problem += f", and it reports {'; '.join(errors)}"
        return kind(
            f"{self._magnet.name} ({self._magnet.resource})",
            problem,
            resource=self._magnet.resource,
            reply=f"{read_A:.6g} A",
            hint="The message was lost or is late, the set-point was changed by hand, or the "
            "supply refused it (a fixed range, a limit of its own)",
        )
