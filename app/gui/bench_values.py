"""Values of a bench file as the window shows and takes them: `2.2 mT`, fields in mT; no Qt."""

from __future__ import annotations

import math
from typing import Any

from instruments.bench_words import unit_of
from instruments.draft_values import toml, typed

LEAST = 0.0999  # of a unit: 0.4 mT/A, not 400 µT/A
DOWN = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
FIELD, SHOWN_FIELD, T_PER_mT = "T", "mT", 1e-3


def shown(key: str, value: Any) -> str:
    """A value as the form shows it: `0.4 mT/A`, `X, Y`; `taken` reads it back."""
    unit = unit_of(key)
    if unit and isinstance(value, (int, float)) and not isinstance(value, bool):
        size = abs(float(value))
        if not math.isfinite(size):
            return f"{value:g} {unit}"
        scale, letter = next((s for s in DOWN if size >= LEAST * s[0]), DOWN[0])
        text = f"{float(f'{value / scale:.12g}'):g} {letter}{unit}"
        return text if taken(key, text) == value else f"{value!r} {unit}"  # to the last digit
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else toml(value)


def taken(key: str, text: str, driver: str = "") -> Any:
    """What is typed for a key, in its unit; a bare number is a field in mT, as the window's are."""
    value = typed(key, text, driver)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or unit_of(key) != FIELD or text.strip().endswith(FIELD):
        return value
    return float(f"{value * T_PER_mT:.12g}")


def bare_unit(key: str) -> str:
    """The unit of a bare number; empty where a key has none."""
    unit = unit_of(key)
    return SHOWN_FIELD if unit == FIELD else unit
