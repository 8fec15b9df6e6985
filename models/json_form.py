"""What a JSON file must look like, as data; every fault of a file is found at once.

A form is a `Leaf`, a `Rows` (list) or a `Table`. Types are exact: `"3"` is no number, `true` is no
number, `NaN` is no number, and a key that isn't known is a fault: another version says so by its
schema. So a value that passes is the value that stands in the file.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LARGEST = 2**53  # whole numbers beyond it are no longer exact as float64
MOST_FAULTS = 12


@dataclass(frozen=True)
class Leaf:
    """A value without parts: what it is called, and the test for it."""

    words: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True)
class Rows:
    """A list whose items all have one form."""

    items: Form


@dataclass(frozen=True)
class Table:
    """An object: keys that must be there, keys that may, and the form of all others.

    `others` None: there are no others.
    """

    required: Mapping[str, Form] = field(default_factory=dict)
    optional: Mapping[str, Form] = field(default_factory=dict)
    others: Form | None = None


Form = Leaf | Rows | Table


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number that float64 holds exactly."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def number(value: Any) -> float | None:
    """A plain number for a file; None where it is none (NaN, infinite)."""
    return float(value) if math.isfinite(value) else None


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    return is_whole(value) or (isinstance(value, float) and math.isfinite(value))


TEXT = Leaf("a text", lambda value: isinstance(value, str))
FLAG = Leaf("true or false", lambda value: isinstance(value, bool))
NUMBER = Leaf("a number", is_number)
SCORE = Leaf("a number or null", lambda value: value is None or is_number(value))
WHOLE = Leaf("a whole number", is_whole)
COUNT = Leaf("a whole number, zero or more", lambda value: is_whole(value) and value >= 0)
POSITIVE = Leaf("a whole number, 1 or more", lambda value: is_whole(value) and value >= 1)
ANYTHING = Leaf("anything", lambda value: True)

SETTINGS = Table(others=Table(others=ANYTHING))
IDENTITIES = Table(others=TEXT)
WINDOW = Table({"encoding": TEXT, "low_T": NUMBER, "high_T": NUMBER, "hold_s": NUMBER})
RESET = Table({"field_T": NUMBER, "hold_s": NUMBER})
SLOPES = Table(others=NUMBER)
LIMITS = Table(others=Table(optional={"tesla_per_ampere": NUMBER}, others=ANYTHING))


def faults(value: Any, form: Form, place: str = "") -> list[str]:
    """What doesn't fit, a sentence each (the first `MOST_FAULTS`); empty where all does."""
    found: list[str] = []
    for words in _faults(value, form, place):
        if len(found) == MOST_FAULTS:
            return [*found, "… and more"]
        found.append(words)
    return found


def _faults(value: Any, form: Form, place: str) -> Iterator[str]:
    if isinstance(form, Leaf):
        if not form.fits(value):
            yield f"{place or 'it'} is {_shown(value)}, expected {form.words}"
    elif isinstance(form, Rows):
        if not isinstance(value, list):
            yield f"{place or 'it'} is {_shown(value)}, expected a list"
            return
        for index, item in enumerate(value):
            yield from _faults(item, form.items, f"{place}[{index}]")
    elif not isinstance(value, dict):
        yield f"{place or 'it'} is {_shown(value)}, expected a table"
    else:
        yield from _table_faults(value, form, place)


def _table_faults(value: dict[str, Any], form: Table, place: str) -> Iterator[str]:
    start = f"{place}." if place else ""
    for key in form.required:
        if key not in value:
            yield f"{start}{key} is missing"
    known = {**form.optional, **form.required}
    for key, item in value.items():
        inside = known.get(key, form.others)
        if inside is None:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield f"{start}{_short(key)} is no known key{hint}"
        else:
            yield from _faults(item, inside, f"{start}{_short(key)}")


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST:
        return "a whole number beyond 2^53"
    return _short(repr(value))


def _short(text: str) -> str:
    printable = (
        text.encode("ascii", "backslashreplace").decode() if not text.isprintable() else text
    )
    return printable if len(printable) <= 60 else f"{printable[:57]}…"
