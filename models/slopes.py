"""Magnets' field per current: where it is another one, the same field is another current."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SLOPE = "tesla_per_ampere"
SAME_WITHIN = 1e-3  # relative: a calibration tells it no better, no supply steps so fine


def slopes_of(meta: Mapping[str, Any]) -> dict[str, float]:
    """Field per current, in T/A, of the magnets that made a recording's field, by its `meta`.

    Empty where nobody knows: an import, a simulation.
    """
    limits = meta.get("limits", {})
    driven = meta.get("driven", list(limits))
    return {name: limits[name][SLOPE] for name in driven if SLOPE in limits.get(name, {})}


def slopes_apart(then: Mapping[str, float], now: Mapping[str, float]) -> list[str]:
    """Words on each magnet whose field per current is another one; none where it isn't known."""
    return [
        f"magnet {name}: {SLOPE} was {then[name]:g}, now {now[name]:g}: the same field is "
        f"{then[name] / now[name]:.4g} times the current"
        for name in sorted({*then} & {*now})
        if not math.isclose(then[name], now[name], rel_tol=SAME_WITHIN)
    ]
