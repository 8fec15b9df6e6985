"""Arrays that stand alike in numbered groups, or in a folder's numbered files, as one array.

A rig that people wrote themselves keeps each run in a group (`run_0007/X`) or a file
(`run_0007.csv`) of its own. All of them are `run_N/X`, along an axis of their own; where two
numbers count (`seq_N/rep_N/X`), along two. What is shorter than the longest, or missing, is NaN.

A drive's value in their names (`rep_N/B_NmT`) counts only where the other numbers don't tell them
apart: `step_N_NmT` stand in the order of their steps.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from app.foreign_files import Found, refuse_large
from app.importing.names import RUNS, says_drive, stem_of
from app.importing.numbers import (
    DIGITS,
    WORD,
    axis_of,
    drives_in,
    named_by_unit,
    numbers_of,
    with_signs,
)
from app.importing.places import MOSTLY, natural, placed, same_numbers
from app.importing.told import told_by_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.importing.places import Numbers

    Members = dict[Numbers, str]
    Family = dict[tuple[object, ...], Members]  # by axes and unit; of texts and of nothing ()

NUMBERS = "biuf"
FIRST = re.compile(r"[\W_\d]*([^\W\d_]*)")
COUNT = "n"  # the word of a step's number where it has none
NUMBERED = re.compile(r"\d+")


def with_alike(
    found: dict[str, Found], separator: str = "/", *, ungrouped: bool = True
) -> dict[str, Found]:
    """The arrays, and for those that are alike one of all of them; they are its `part`s then.

    `separator` stands between groups and what they hold. Alike are numbers (or texts) of as many
    axes and one unit, whose groups' names differ in their numbers only; of those that differ in
    more than their numbers the most are one, and keep the others' names as `apart`. What most runs
    have stands along all of them, NaN where one is without it: else the third `X` would stand
    beside the fourth run's `field`. `ungrouped`: so are arrays that count runs by their own names,
    `run_1`, and those beside them with their numbers, `field_1`; other numbers in a name, `X1`, may
    be a channel's.
    """
    families: dict[tuple[str, str], Family] = {}
    runs: dict[str, set[Numbers]] = {}
    signed = with_signs(found)
    if len(set(signed.values())) == len(found):
        found = {signed[name]: one for name, one in found.items()}
    counting = _counting(found, separator) if ungrouped else frozenset()
    groups = {n: n if n in counting else n.rpartition(separator)[0] for n in found}
    drives = drives_in(dict.fromkeys(groups.values()), separator)
    found = found | told_by_names(found, groups, drives, separator)
    for name, one in found.items():
        group, own = (name, "") if name in counting else name.rpartition(separator)[::2]
        pattern = DIGITS.sub("N", group)
        if numbers := tuple(DIGITS.findall(group)):
            is_number = one.values.dtype.kind in NUMBERS and one.values.size > 0
            kind = (one.values.ndim, one.unit, one.dims) if is_number else ()
            family = families.setdefault((pattern, own), {})
            family.setdefault(kind, {})[numbers] = name
            runs.setdefault(pattern, set()).update([numbers] * is_number)
    made = dict(found)
    for (pattern, _), family in families.items():
        told = drives.get(pattern, ())
        for name, (members, along) in _joined(family, runs[pattern], told, separator).items():
            if name in found:
                continue
            apart = tuple(n for of in family.values() if of is not members for n in of.values())
            made |= {n: replace(made[n], part=True) for n in members.values()}
            made[name] = replace(_whole(members, along, found, told, separator), apart=apart)
    return made


def _joined(
    family: Family, runs: set[Numbers], drives: tuple[int, ...], separator: str
) -> dict[str, tuple[Members, list[Numbers]]]:
    """What becomes one array, by its name, and along which numbers it stands.

    Of two kinds with one name that is numbers, then the most.
    """
    made = {}
    for _, members in sorted(family.items(), key=lambda item: (bool(item[0]), len(item[1]))):
        along = _counted(runs if len(members) >= MOSTLY * len(runs) else members)
        if len(members) > 1:
            made[_named(members, along, drives, separator)[0]] = (members, along)
    return made


def _counting(found: dict[str, Found], separator: str) -> frozenset[str]:
    """Arrays whose own names count runs: `run_1`, `rep1_X`, and what has the numbers of a drive.

    So have those beside them with the same numbers.
    """
    families: dict[tuple[str, str, str], dict[str, str]] = {}
    for name in found:
        group, _, own = name.rpartition(separator)
        for match in NUMBERED.finditer(own):
            parts = (group, own[: match.start()], own[match.end() :])
            families.setdefault(parts, {})[match[0]] = name
    numbered = {parts: frozenset(map(int, of)) for parts, of in families.items() if len(of) > 1}
    told = {n.rpartition(separator)[0] for n, one in found.items() if one.told} & set(found)
    runs = {
        (group, numbers)
        for (group, before, behind), numbers in numbered.items()
        if _is_run(before) or (says_drive(before + behind) and _beside(numbered, group, numbers))
    }
    counting = (
        name
        for parts, numbers in numbered.items()
        if (parts[0], numbers) in runs
        for name in families[parts].values()
    )
    return frozenset(counting) | told | named_by_unit(found, separator)


def columns_count(found: dict[str, Found]) -> bool:
    """Whether a table's columns count runs with several columns each: `H1,V1,H2,V2`, `rep1_X`.

    Not where a column of its own counts them, row by row.
    """
    if any(stem_of(name) in RUNS and name[-1:].isalpha() for name in found):
        return False
    counting = _counting({n: one for n, one in found.items() if n != "values"}, "/")
    return len({NUMBERED.sub("", name) for name in counting}) > 1


def _is_run(before: str) -> bool:
    word = WORD.search(before)
    return word is not None and word[1].lower() in RUNS


def _beside(
    numbered: dict[tuple[str, str, str], frozenset[int]], group: str, numbers: frozenset[int]
) -> bool:
    """Whether two families of this group have these numbers."""
    return [(parts[0], of) for parts, of in numbered.items()].count((group, numbers)) > 1


def _named(
    members: Members, along: list[Numbers], drives: tuple[int, ...], separator: str
) -> tuple[str, tuple[str, ...], list[int]]:
    """The name of all of them, the words of the numbers that count, and which those are.

    `drives` count where the others don't tell the runs apart, and none of those counts steps.
    """
    first, several = next(iter(members.values())), len(along[0])
    differ = [k for k in range(several) if len({numbers[k] for numbers in along}) > 1]
    name, words = _name(first, several, differ, separator)
    own = numbers_of(first, separator)
    words = tuple(own[k].drive if k in drives else w for k, w in zip(differ, words, strict=True))
    rest = [k for k in differ if k not in drives]
    if rest and (
        len({tuple(numbers[k] for k in rest) for numbers in along}) == len(along)
        or "step" in [axis_of(w) for k, w in zip(differ, words, strict=True) if k in rest]
    ):
        return name, tuple(w for k, w in zip(differ, words, strict=True) if k in rest), rest
    return name, words, differ


def _whole(
    members: Members,
    along: list[Numbers],
    found: dict[str, Found],
    drives: tuple[int, ...],
    separator: str,
) -> Found:
    """The array of all members, in the order of the numbers that they stand along."""
    parts = {numbers: found[members[numbers]] for numbers in along if numbers in members}
    first = next(iter(parts.values()))
    if first.values.dtype.kind not in NUMBERS or not first.values.size:
        return Found(np.array([str(w) for p in parts.values() for w in p.values.ravel()]))
    _, words, counting = _named(members, along, drives, separator)
    if drives and _in_folders(next(iter(members.values())), counting, separator):
        words = tuple(word or COUNT for word in words)  # else the second counted repeats
    words, places = placed(words, counting, along, drives)
    sizes = tuple(max(place[k] for place in places.values()) + 1 for k in range(len(words)))
    shape = (*sizes, *_longest([part.values.shape for part in parts.values()]))
    refuse_large(float(np.prod(shape, dtype=float)))
    whole = np.full(shape, np.nan)
    taken: dict[tuple[object, ...], str] = {}
    doubles = []
    for numbers, part in parts.items():
        whole[places[numbers] + tuple(slice(0, n) for n in part.values.shape)] = part.values
        same = tuple(same_numbers(numbers, (k,), drives) for k in counting)
        if same in taken:
            doubles.append((taken[same], members[numbers]))
        taken[same] = members[numbers]
    dims = (*words, *(first.dims or ("",) * first.values.ndim))
    said = " or ".join(dict.fromkeys(p.unapplied for p in parts.values() if p.unapplied))
    return replace(
        first, values=whole, dims=dims, unapplied=said, doubles=tuple(doubles),
        members=tuple((members[numbers], places[numbers]) for numbers in parts),
    )  # fmt: skip


def _in_folders(first: str, counting: Sequence[int], separator: str) -> bool:
    """Whether the numbers that count stand in names of their own, `rep1/08_5mT`."""
    begins = [match.start() for match in DIGITS.finditer(first)]
    levels = [first.count(separator, 0, begins[k]) for k in counting]
    return len(levels) > 1 and len(set(levels)) == len(levels)


def _counted(members: Iterable[Numbers]) -> list[Numbers]:
    return sorted(members, key=natural)


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
