"""Instruments' settings, by instrument and name, as recordings keep them; whether two are the same.

Some are measured: the frequency of an external reference is another number each time it is asked.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Settings = Mapping[str, Mapping[str, Any]]

SAME_WITHIN = 1e-3  # relative: a reference wobbles by less, no instrument has steps so fine


LATER_KEPT = "gate_s"
"""A setting that older recordings timed by hardware lack: they can still be gone on with."""
FIELD_UNITS = frozenset({"T", "G", "Oe", "A/m"})
NOT_TOLD = "none (it was off, or an older version did not keep it)"
"""A setting that only the other side tells, in words: many are told only while they are on."""


def as_told(value: object) -> str:
    """A setting's value in words, of the two that `differing` gives."""
    return NOT_TOLD if value is None else str(value)


def same(then: object, now: object) -> bool:
    """Whether two values of a setting are the same, but for the wobble of a measured one."""
    if isinstance(then, float) and isinstance(now, float):
        return math.isclose(then, now, rel_tol=SAME_WITHIN)
    return then == now


def without_own_range(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without the range that an instrument in auto-range chooses: it follows the signal.

    Nobody set it, and it is another one behind each large signal.
    """
    if settings.get("autorange") != "on" and settings.get("auto_range") is not True:
        return dict(settings)
    return {key: value for key, value in settings.items() if not key.startswith("range")}


def differing(then: Settings, now: Settings) -> Iterator[tuple[str, str, Any, Any]]:
    """(instrument, key, then, now) of each setting that is another; None where there is none.

    Not the range of one that was fixed and is chosen now: that it is chosen is told. Nor the unit
    that a field is shown in: each reading is asked with it. Nor `LATER_KEPT` of one side alone.
    """
    for name in sorted({*then, *now}):
        both = [each.get(name, {}) for each in (then, now)]
        one, other = map(without_own_range, both)
        chosen = (both[0].keys() - one.keys()) | (both[1].keys() - other.keys())
        for key in sorted({*one, *other} - chosen):
            was, here = one.get(key), other.get(key)
            if key == LATER_KEPT and None in (was, here):
                continue
            if not (same(was, here) or (key == "unit" and FIELD_UNITS.issuperset((was, here)))):
                yield name, key, was, here
