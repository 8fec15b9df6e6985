"""Arrays that stand alike in numbered groups, or in a folder's numbered files, as one array.

A rig that people wrote themselves keeps each run in a group (`run_0007/X`) or a file
(`run_0007.csv`) of its own. All of them are `run_N/X`, along an axis of their own; where two
numbers count (`seq_N/rep_N/X`), along two. What is shorter than the longest, or missing, is NaN.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from app.foreign_files import Found, refuse_large
from app.operations.import_guess import AXIS_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    Numbers = tuple[str, ...]  # as they are written: 05 and 5 may be decimals, of 2.05 and 2.5
    Members = dict[Numbers, str]
    Family = dict[tuple[object, ...], Members]  # by axes and unit; of texts and of nothing ()

NUMBERS = "biuf"
DIGITS = re.compile(r"\d+")
WORD = re.compile(r"([^\W\d_]+)[\W_]*$")
FIRST = re.compile(r"[\W_\d]*([^\W\d_]*)")
COUNTED = re.compile(r"(.*?)(\d+)")
RUNS = (*AXIS_WORDS["sequence"], *AXIS_WORDS["repeat"])
MOSTLY = 0.5  # of all pairs of two numbers are there: each of the two counts


def with_alike(
    found: dict[str, Found], separator: str = "/", *, ungrouped: bool = True
) -> dict[str, Found]:
    """The arrays, and for those that are alike one of all of them; they are its `part`s then.

    `separator` stands between groups and what they hold. Alike are numbers (or texts) of as many
    axes and one unit, whose groups' names differ in their numbers only; of those that differ in
    more than their numbers the most are one, and keep the others' names as `apart`. `ungrouped`: so
    are arrays that count runs by their own names, `run_1`, and those beside them with their
    numbers, `field_1`; other numbers in a name, `X1`, may be a channel's.
    """
    families: dict[tuple[str, str], Family] = {}
    counting = _counting(found, separator) if ungrouped else frozenset()
    for name, one in found.items():
        group, _, own = (name, "", "") if name in counting else name.rpartition(separator)
        if numbers := tuple(DIGITS.findall(group)):
            is_number = one.values.dtype.kind in NUMBERS and one.values.size > 0
            kind = (one.values.ndim, one.unit, one.dims) if is_number else ()
            family = families.setdefault((DIGITS.sub("N", group), own), {})
            family.setdefault(kind, {})[numbers] = name
    made = dict(found)
    for family in families.values():
        for name, members in _joined(family, separator).items():
            if name in found:
                continue
            ordered = {n: members[n] for n in _counted(members)}
            apart = tuple(n for of in family.values() if of is not members for n in of.values())
            made |= {n: replace(made[n], part=True) for n in members.values()}
            made[name] = replace(_whole(ordered, found, separator), apart=apart)
    return made


def _joined(family: Family, separator: str) -> dict[str, Members]:
    """What becomes one array, by its name: of two kinds with one name numbers, then the most."""
    ordered = sorted(family.items(), key=lambda item: (bool(item[0]), len(item[1])))
    return {_named(m, separator)[0]: m for _, m in ordered if len(m) > 1}


def _counting(found: dict[str, Found], separator: str) -> frozenset[str]:
    """Arrays whose own names count runs."""
    families: dict[tuple[str, str], dict[str, str]] = {}
    for name in found:
        group, _, own = name.rpartition(separator)
        if match := COUNTED.fullmatch(own):
            families.setdefault((group, match[1]), {})[match[2]] = name
    runs = [
        set(map(int, numbers))
        for (_, stem), numbers in families.items()
        if len(numbers) > 1 and (word := WORD.search(stem)) and word[1].lower() in RUNS
    ]
    return frozenset(
        name
        for numbers in families.values()
        if set(map(int, numbers)) in runs
        for name in numbers.values()
    )


def _counting_numbers(members: Members) -> list[int]:
    numbers = np.array(list(members))
    return [k for k in range(numbers.shape[1]) if len(set(numbers[:, k])) > 1]


def _named(members: Members, separator: str) -> tuple[str, tuple[str, ...]]:
    """The name of all of them, and the words before the numbers that count."""
    numbers, first = next(iter(members.items()))
    return _name(first, len(numbers), _counting_numbers(members), separator)


def _whole(members: Members, found: dict[str, Found], separator: str) -> Found:
    """The array of all members, which are in the order of their numbers."""
    numbers, counting = np.array(list(members)), _counting_numbers(members)
    parts = [found[name] for name in members.values()]
    words = _named(members, separator)[1]
    if parts[0].values.dtype.kind not in NUMBERS or not parts[0].values.size:
        return Found(np.array([str(w) for p in parts for w in p.values.ravel()]))
    levels = [sorted(set(numbers[:, k]), key=_count) for k in counting]
    sizes: tuple[int, ...] = tuple(map(len, levels))
    places: list[tuple[int, ...]] = [
        tuple(level.index(n) for level, n in zip(levels, row[counting], strict=True))
        for row in numbers
    ]
    if len(parts) <= MOSTLY * np.prod(sizes, dtype=float):  # a date and a time: one count
        sizes, words = (len(parts),), (next(filter(None, words), "run"),)
        places = [(k,) for k in range(len(parts))]
    shape = (*sizes, *_longest([part.values.shape for part in parts]))
    refuse_large(float(np.prod(shape, dtype=float)))
    whole = np.full(shape, np.nan)
    for place, part in zip(places, parts, strict=True):
        whole[place][tuple(slice(0, n) for n in part.values.shape)] = part.values
    dims = (*words, *(parts[0].dims or ("",) * parts[0].values.ndim))
    said = " or ".join(dict.fromkeys(part.unapplied for part in parts if part.unapplied))
    return replace(parts[0], values=whole, dims=dims, unapplied=said)


def _counted(members: Members) -> list[Numbers]:
    return sorted(members, key=lambda numbers: [_count(n) for n in numbers])


def _count(number: str) -> tuple[int, str]:
    return int(number), number


def _name(
    first: str, numbers: int, counting: Sequence[int], separator: str
) -> tuple[str, tuple[str, ...]]:
    """A member's name with N for each number that counts, and the words before those numbers.

    `numbers`: how many of those in it are its group's.
    """
    made, words, begin = "", [], 0
    for k, match in enumerate(islice(DIGITS.finditer(first), numbers)):
        made += first[begin : match.start()] + ("N" if k in counting else match[0])
        if k in counting:
            group = first[: match.start()].rpartition(separator)[2]
            word = WORD.search(group) or (FIRST.match(group) if len(counting) == 1 else None)
            words.append(word[1].lower() if word else "")
        begin = match.end()
    return made + first[begin:], tuple(words)


def _longest(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(max(sizes) for sizes in zip(*shapes, strict=True))
