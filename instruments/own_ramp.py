"""A supply with a ramp of its own, as `instruments.supply_ramp` walks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from instruments.protocols import Magnet

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUNDED = 1e-3  # relative: a supply's own digits of the rate that it was slowed down to


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
    slowest_A_per_s
        It can't be told to ramp more slowly.
    """

    own_ramp: bool
    has_output: bool
    slowest_A_per_s: float

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
