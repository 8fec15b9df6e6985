"""The magnets of a bench that a run does not drive: brought to rest, and seen to stay so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instruments.own_ramp import with_own_ramp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from instruments.limits import LimitedMagnet


class IdleMagnets:
    """Their coils are around the same sample: a current in one is a field that nobody recorded.

    Parameters
    ----------
    magnets
        All but the driven ones.
    """

    def __init__(self, magnets: Iterable[LimitedMagnet]) -> None:
        self._magnets = tuple(magnets)
        self._left_A: dict[str, float] = {}  # as each was left: a quenched or persistent one stays

    def rest(self, tell: Callable[[str], None], give_up_s: float | None) -> None:
        """Bring each to its safe state, and note what is measured then.

        Raises
        ------
        UnsafeError
            One could not be brought there.
        """
        for magnet in self._magnets:
            magnet.make_safe(tell, give_up_s)
            if with_own_ramp(magnet.magnet):  # another's output is off
                self._left_A[magnet.name] = magnet.magnet.measured_A()

    def problems(self) -> list[str]:
        """Which of them carries another current than it was left with, in words."""
        found = []
        for magnet in self._magnets:
            left_A, now_A = self._left_A.get(magnet.name, 0.0), magnet.magnet.measured_A()
            if abs(now_A - left_A) > magnet.small_A:
                found.append(
                    f"{magnet.name}, which this run leaves at rest, carries {now_A:.4g} A (it was "
                    f"left with {left_A:.4g} A): changed by hand or by another program"
                )
        return found
