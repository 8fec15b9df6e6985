"""Where each of many groups or files stands, by the numbers of its name, and along which axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.importing.names import AXIS_WORDS
from app.importing.numbers import axis_of, in_order, own_axes, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    Numbers = tuple[str, ...]  # as they are written: 05 and 5 may be decimals, of 2.05 and 2.5

MOSTLY = 0.5  # of all pairs of two numbers are there: each of the two counts


def placed(
    words: tuple[str, ...],
    counting: Sequence[int],
    along: Sequence[Numbers],
    drives: tuple[int, ...],
) -> tuple[tuple[str, ...], dict[Numbers, tuple[int, ...]]]:
    """Words of the axes that runs stand along, and where each of them stands.

    Of three numbers and more the last counts repeats, the others together say which sequence:
    `B_5mT_f37Hz_rep_2`; not where each has the word of an axis of its own, `seq_1_rep_2_step_3`.
    Numbers that are no grid, as a date and a time, count together; steps that some lack do not.
    """
    parted: list[Sequence[int]] = [[k] for k in counting]
    apart = own_axes(words)
    if len(counting) > 2 and not apart:
        parted = [counting[:-1], counting[-1:]]
    keys = [[same_numbers(numbers, part, drives) for numbers in along] for part in parted]
    if len(set(zip(*keys, strict=True))) < len(along):  # 2.1 and 2.10 side by side
        keys = [[tuple(numbers[k] for k in part) for numbers in along] for part in parted]
    different = [len(set(key)) for key in keys]
    steps = set(drives) & set(counting) or "step" in map(axis_of, words)
    if len(along) <= MOSTLY * np.prod(different, dtype=float) and not steps:
        keys, words = [list(along)], (next(filter(None, words), "run"),)
    elif len(parted) < len(counting) or words in {(word, "") for word in AXIS_WORDS["repeat"]}:
        words = ("sequence", "repeat")
    axes = [axis_of(word) for word in words]
    at = []
    for k, key in enumerate(keys):
        own = counting[k] in drives if len(keys) == len(counting) else False
        within = keys[axes.index("sequence")] if "sequence" in axes else None
        at.append(_levels(key, within if own or axes[k] == "step" else None))
    return words, dict(zip(along, zip(*at, strict=True), strict=True))


def _levels(key: Sequence[Numbers], within: Sequence[Numbers] | None) -> list[int]:
    """The place of each number among all, or among those of its sequence: each has its steps."""
    groups = within or [()] * len(key)
    levels: dict[Numbers, set[Numbers]] = {}
    for group, one in zip(groups, key, strict=True):
        levels.setdefault(group, set()).add(one)
    order = {
        (group, one): place
        for group, ones in levels.items()
        for place, one in enumerate(sorted(ones, key=natural))
    }
    return [order[item] for item in zip(groups, key, strict=True)]


def same_numbers(numbers: Numbers, part: Sequence[int], drives: tuple[int, ...]) -> Numbers:
    """A part of a name's numbers; of a drive +5, 05 and 5.0 are one."""
    return tuple(plain(numbers[k]) if k in drives else numbers[k] for k in part)


def natural(numbers: Numbers) -> list[tuple[Decimal, str]]:
    """To sort by, the first number first."""
    return [in_order(number) for number in numbers]
