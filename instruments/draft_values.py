"""Values of a bench file as people type them, and as TOML writes them."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from instruments.bench_keys import driver_keys
from instruments.bench_words import PREFIXES, unit_of

LARGEST_WHOLE = 10**300
DECIMAL_COMMA = re.compile(r"^(\s*[+-]?\d*),(\d[^,]*)$")


def value_of(text: str, usual: Any = None) -> Any:
    """What a person has typed as a value: a number, a list with commas between, or words.

    `usual` is the key's default: where that is a list, so is the value.
    """
    text = text.strip()
    if isinstance(usual, (list, tuple)) and not text.startswith("["):
        return [part.strip().strip("\"'") for part in text.split(",") if part.strip()]
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, KeyError, RecursionError):  # more digits or brackets than Python reads
        value = text
    if isinstance(value, int) and abs(value) > LARGEST_WHOLE:
        value = text  # no number of any unit: beyond every float
    if not isinstance(value, str):
        return value if isinstance(value, (bool, int, float, list)) else text
    try:
        return value if value != text else float(value)  # 1. and .5 are no TOML
    except ValueError:
        return value


def typed(key: str, text: str, driver: str = "") -> Any:
    """`value_of` for a key, of a driver's table; `2.2 mT`, `−1 A`, `0,4 mT/A` are numbers there."""
    if unit := unit_of(key):
        text = DECIMAL_COMMA.sub(r"\1.\2", text.replace("−", "-"))  # as copied from the window
        with_unit = re.fullmatch(rf"(.*?)\s*([nuµmkMG]?){re.escape(unit)}", text.strip())
        if with_unit is not None:
            number = value_of(with_unit[1])
            if isinstance(number, (int, float)) and not isinstance(number, bool):
                if not with_unit[2]:
                    return float(number)
                return float(f"{number * PREFIXES[with_unit[2]]:.12g}")
    usual = {one.name: one.usual for one in driver_keys(driver)}
    return value_of(text, usual.get(key))


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(toml(one) for one in value)}]"
    return repr(value)
