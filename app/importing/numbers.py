"""Numbers in the names of groups and files: what counts, and what tells a field.

`rep01/B_-22.5mT` has two; the second is a field's value, in mT. A minus is one where nothing but a
separator stands before it: in `B-5mT` nobody can tell it from a hyphen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from app.importing.names import AXIS_WORDS, says_drive
from app.importing.words import TESLA

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

UNITS = {unit: unit for unit in TESLA if "/" not in unit} | {
    "mt": "mT", "ut": "uT", "μT": "µT", "oe": "Oe", "OE": "Oe", "koe": "kOe",
}  # fmt: skip
"""As people write them in names; a small letter alone is none: 3a, 3b and 3g are samples."""
CURRENTS = ("A", "mA")  # of a supply: no unit of a field, and a drive all the same
UNIT = rf"[_\s]?(?:{'|'.join(sorted((*UNITS, *CURRENTS), key=len, reverse=True))})(?![^\W_])"
DIGITS = re.compile(rf"(?:(?<![^_/\s=(])[-+])?\d+(?:\.\d+|[,p]\d+(?={UNIT}))?")
"""With its decimals in `B_2.5mT`, its sign in H_-5mT, without one in 2026-01-05."""
SIGNED = re.compile(rf"(?<![^\W_])([^\W\d_]+)(-?[-+]?)(\d+(?:[.,p]\d+)?(?={UNIT}))")
UNIT_BEHIND = re.compile(UNIT.replace("(?:", "(", 1))
WORD = re.compile(r"([^\W\d_]+)[\W_]*$")
OF_CURRENT = ("", "i", "current", "strom", "coil")  # a 3A of a chip is its name
MINUS = re.compile(r"(?:(?<=[^_/\s=(])-|(?:^|(?<=[_/\s=(]))[BH]?(?:m|n|neg|minus))$", re.IGNORECASE)
"""What may be a minus before a number, or a hyphen or a letter of its own."""


@dataclass(frozen=True)
class Number:
    """One number of a name.

    Attributes
    ----------
    text
        As it is written.
    drive
        The name of the drive whose value it may be, `B_mT`; empty: none.
    unit
        Of a drive, where there is one.
    sure
        Whether the unit says that it is one: 1A and 2A may be two chips.
    doubt
        What stands before it and may be a minus, or a hyphen or letter of its own.
    """

    text: str
    drive: str = ""
    unit: str = ""
    sure: bool = False
    doubt: str = ""


def numbers_of(group: str, separator: str = "/") -> list[Number]:
    """The numbers of a group's name, those of its parents too."""
    return [_number(match, group, separator) for match in DIGITS.finditer(group)]


def _number(match: re.Match[str], group: str, separator: str) -> Number:
    begin, end = match.span()
    before = group[:begin].rpartition(separator)[2]
    behind = UNIT_BEHIND.match(group, end)
    unit = UNITS.get(behind[1], behind[1]) if behind else ""
    word = WORD.search(before)
    own = word[1] if word else ""
    if unit in CURRENTS and own.lower() not in OF_CURRENT:
        unit = ""
    if not unit and not says_drive(own):
        return Number(match[0])
    name = own if says_drive(own) else "drive" if unit in CURRENTS else "field"
    doubt = MINUS.search(group[:begin])
    sure = bool(unit) and (unit not in CURRENTS or own != "")
    return Number(match[0], f"{name}_{unit}".rstrip("_"), unit, sure, doubt[0] if doubt else "")


def with_signs(names: Iterable[str]) -> dict[str, str]:
    """Names with a separator before a sign that can be no hyphen: `B_-5mT` for `B-5mT`.

    It is none where others of the same word have a plus, or nothing: `B+5mT`, `B5mT`. Where others
    have two, `B--5mT`, the first is a hyphen.
    """
    signs: dict[str, set[str]] = {}
    kept = list(names)
    for name in kept:
        for match in SIGNED.finditer(name):
            signs.setdefault(match[1], set()).add(match[2])
    hyphens = {word for word, of in signs.items() if {"--", "-+"} & of}
    sure = {word for word, of in signs.items() if len(of) > 1} - hyphens

    def parted(match: re.Match[str]) -> str:
        word, sign, number = match.groups()
        if word in hyphens and sign:
            return f"{word}_{sign[1:]}{number}"
        return f"{word}{'_' * (word in sure)}{sign}{number}"

    return {name: SIGNED.sub(parted, name) for name in kept}


def drives_in(groups: Iterable[str], separator: str = "/") -> dict[str, tuple[int, ...]]:
    """By the pattern of groups' names, which of their numbers tell a drive.

    They have a unit, or a drive's word and one with decimals or a sign: `field_3` is the third.
    None of them may be in doubt.
    """
    by_pattern: dict[str, list[list[Number]]] = {}
    for group in groups:
        by_pattern.setdefault(DIGITS.sub("N", group), []).append(numbers_of(group, separator))
    return {
        pattern: tuple(k for k, ours in enumerate(zip(*rows, strict=True)) if _tell(ours))
        for pattern, rows in by_pattern.items()
    }


def _tell(ours: Sequence[Number]) -> bool:
    known = all(one.drive and not one.doubt for one in ours)
    return known and any(one.sure or not one.text.isdigit() for one in ours)


def doubts_in(groups: Iterable[str], separator: str = "/") -> dict[str, str]:
    """Groups with a drive's value that nobody can tell the sign of, and what stands before it."""
    doubtful = {}
    for group in groups:
        for one in numbers_of(group, separator):
            if one.doubt and one.unit:
                doubtful[group] = f"{one.doubt}{one.text}"
    return doubtful


def named_by_unit(names: Iterable[str], separator: str) -> frozenset[str]:
    """Arrays whose own names tell a field with its unit, `S21_5mT`, where several are alike."""
    alike: dict[tuple[str, str], list[str]] = {}
    for name in names:
        group, _, own = name.rpartition(separator)
        if any(one.sure for one in numbers_of(own, separator)):
            alike.setdefault((group, DIGITS.sub("N", own)), []).append(name)
    return frozenset(name for of in alike.values() if len(of) > 1 for name in of)


def plain(number: str) -> str:
    """A drive's value as a plain decimal: +5, 05 and 5.0 are 5."""
    made = Decimal(number.replace(",", ".").replace("p", ".")).normalize()
    return f"{made + 0:f}"


def in_order(number: str) -> tuple[Decimal, str]:
    """To sort by: 9 before 10; 05 and 5 are two, as they may be decimals, of 2.05 and 2.5."""
    return Decimal(plain(number)), number


def axis_of(word: str) -> str:
    """Our axis for the word before a number; empty where it is none that is known."""
    bare = word.lower().rstrip("s_")
    return next((axis for axis, names in AXIS_WORDS.items() if bare in names), "")


def own_axes(words: Sequence[str]) -> bool:
    """Whether each of several numbers counts along an axis of its own, by its word, or a drive."""
    known = [axis_of(word) or "drive" * says_drive(word) for word in words]
    return all(known) and len(set(known)) == len(known)
