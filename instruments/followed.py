"""Whether the measured current is the one that was set, or on its way, or another."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instruments.clock import SteadyClock
    from instruments.protocols import Magnet
    from instruments.walk import Walk

METER_SHARE = 0.05  # of the current: how far a supply's meter may be off and count as right
METER_ROUNDINGS = 2.0  # of the set-point's rounding: what a meter adds to it
SETTLE_S, LOOK_S = 2.0, 0.05  # device time that its current may lag, and between two looks
SLOW_COIL = (
    "it is on its way and takes too long: the coil follows no faster, so lower max_ramp_A_per_s in "
    "the bench file"
)
OTHER_CURRENT = (
    "look at the coil's plugs, at what else drives it, and at the supply's scales in the bench file"
)
LAGGED = (
    "right behind a reading {:.4g} A flowed where {:.4g} A was set, and came nearer afterwards: "
    "the coil follows more slowly than the steps come, which are read at other fields than they "
    "say. Hold longer ([drive] hold_s) or lower max_ramp_A_per_s"
)


class Followed:
    """Looks at the current of a supply that is walked by us, whose set-point is known.

    Parameters
    ----------
    magnet
        Asked for its measured current.
    stairs
        What walks it: the set-point it was sent.
    clock
        Device time, which passes between two looks.
    small_A
        A difference that counts as none.
    """

    def __init__(self, magnet: Magnet, stairs: Walk, clock: SteadyClock, small_A: float) -> None:
        self._magnet = magnet
        self._stairs = stairs
        self._clock = clock
        self._small_A = small_A
        self._sent_A = stairs.sent_A or 0.0
        self._rounding_A = METER_ROUNDINGS * magnet.read_back_error_A(self._sent_A)

    def lag(self, measured_A: float) -> str | None:
        """That the current was on its way, in words; empty: it only differs; None: it does not."""
        if abs(measured_A - self._sent_A) <= max(self._small_A, self._rounding_A):
            return None
        nearer_A = self._off_A(measured_A) - self._off_A(self._looked_A())
        return LAGGED.format(measured_A, self._sent_A) if nearer_A > self._rounding_A else ""

    def problems(self, measured_A: float) -> list[str]:
        """A measured current that stays another than the one last set, in words."""
        allowed_A = max(METER_SHARE * abs(self._sent_A), self._small_A, self._rounding_A)
        waited_s, first_A = 0.0, measured_A
        while self._off_A(measured_A) > allowed_A:
            if waited_s >= SETTLE_S:
                follows = self._off_A(first_A) - self._off_A(measured_A) > self._rounding_A
                return [
                    f"measures {measured_A:.4g} A in its coil where {self._sent_A:.4g} A is set "
                    f"(they may differ by {allowed_A:.2g} A): "
                    f"{SLOW_COIL if follows else OTHER_CURRENT}"
                ]
            measured_A = self._looked_A()
            waited_s += LOOK_S
        return []

    def _looked_A(self) -> float:
        """The measured current a moment later."""
        self._clock.wait(LOOK_S)
        self._stairs.passed(LOOK_S)
        return self._magnet.measured_A()

    def _off_A(self, measured_A: float) -> float:
        return abs(measured_A - self._sent_A)
