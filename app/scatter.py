"""Which baselines lie so near a measured score that another run could be on their other side."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WITHIN = "within the scatter of single runs"


def within_scatter(
    measured: float, predicted: Mapping[str, float], baselines: Mapping[str, float]
) -> list[str]:
    """Names of the baselines inside the 90 % interval that is foreseen, around `measured` instead.

    One deployment is one draw: the interval foreseen tells by what factor draws differ. All three
    are errors, less is better; without an interval nothing is told.
    """
    value, low, high = (predicted.get(name, 0.0) for name in ("value", "low", "high"))
    if not 0 < low < high or value <= 0:
        return []
    first, last = measured * low / value, measured * high / value
    return [name for name, error in baselines.items() if first <= error <= last]
