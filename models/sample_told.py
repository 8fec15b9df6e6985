"""Which device a recording is of, as far as its bench's name and its operator tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = {"bench": "bench", "sample": "sample", "temperature_K": "temperature in K"}
SAME_WITHIN = 0.01  # relative, of a temperature: a device 5 K warmer shows nothing of it yet


def told_of(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Bench, sample and temperature of a recording or twin, by its `meta`; what nobody told, not.

    An import and a simulation tell no bench.
    """
    return {name: meta[name] for name in NAMES if meta.get(name) not in ("", None)}


def samples_apart(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """`sample 'B2' instead of 'A1', …` of all that both `meta` tell and that differ; else empty.

    Names may have been changed, so that they refuse nothing; they are all that tells two samples
    on one bench apart.
    """
    before, after = told_of(then), told_of(now)
    return ", ".join(
        f"{words} {after[name]!r} instead of {before[name]!r}"
        for name, words in NAMES.items()
        if name in before and name in after and not _same(before[name], after[name])
    )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=SAME_WITHIN)
    return bool(one == other)
