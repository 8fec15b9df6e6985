"""Drives that stand beside the arrays: in the name of a file or a group, in an attribute.

Each becomes an array of one number in its group, `rep1/B_5mT/B_mT`; all of them one as everything
that stands alike in numbered groups (`app.importing.alike`): `repN/B_NmT/B_mT`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.foreign_files import Found
from app.importing.guess_table import is_field
from app.importing.guess_told import is_frequency
from app.importing.numbers import DIGITS, numbers_of, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

BY_NAME = "names"


def told_by_names(
    found: Mapping[str, Found],
    groups: Mapping[str, str],
    drives: Mapping[str, tuple[int, ...]],
    separator: str,
) -> dict[str, Found]:
    """The drives that groups' names tell, by the name that they have in their group.

    `groups`: of each array; `drives`: which numbers of a pattern of names are a drive's.
    """
    made = {}
    for group in dict.fromkeys(groups[n] for n, one in found.items() if not one.told):
        numbers = numbers_of(group, separator)
        for k in drives[DIGITS.sub("N", group)]:
            name = f"{group}{separator}{numbers[k].drive}"
            if name not in found:
                value = np.array(float(plain(numbers[k].text)))
                made[name] = Found(value, (), numbers[k].unit, told=BY_NAME)
    return made


def with_columns(found: dict[str, Found]) -> dict[str, Found]:
    """The arrays, and those of tables without names column by column, in files that tell a drive.

    Where the first column rises in each of them, as frequencies and times do.
    """
    if not any(one.told for one in found.values()):
        return found
    made = dict(found)
    for name, one in found.items():
        group, _, own = name.rpartition("/")
        if own == "values" and one.members and one.values.shape[-1] > 1 and _rises(one):
            made[name] = replace(one, part=True)
            for k in range(one.values.shape[-1]):
                column = replace(one, values=one.values[..., k], dims=one.dims[:-1])
                made[f"{group}/column_{k + 1}"] = column
    return made


def _rises(table: Found) -> bool:
    """Whether the first column of each of the tables `(…, rows, columns)` rises."""
    first = table.values[..., 0].reshape(-1, table.values.shape[-2])
    first = first[np.isfinite(first).any(axis=1)]
    apart = np.diff(first, axis=1)
    return first.shape[0] > 0 and bool((apart[np.isfinite(apart)] > 0).all())


def with_one_each(found: dict[str, Found]) -> dict[str, Found]:
    """The arrays, columns of a field beside frequencies as the one number that each file has there.

    Where it is the same in all rows of a file, and another in others.
    """
    made = dict(found)
    for name, one in found.items():
        lead = len(one.members[0][1]) if one.members else 0
        if not lead or one.values.ndim != lead + 1 or not is_field(name, one):
            continue
        group, _, own = name.rpartition("/")
        beside = [n for n, of in found.items() if is_frequency(n, of)
                  and of.values.shape == one.values.shape]  # fmt: skip
        rows = one.values.reshape(-1, one.values.shape[-1])
        rows = rows[np.isfinite(rows).any(axis=1)]
        if any(n.rpartition("/")[0] == group for n in beside) and _stands_still(rows):
            dims, told = one.dims[:-1], f"column {own!r}"
            made[name] = replace(one, values=one.values[..., 0], dims=dims, told=told)
    return made


def _stands_still(rows: NDArray[np.float64]) -> bool:
    """Whether the numbers of each row are the same, and the rows are not."""
    low, high = np.nanmin(rows, axis=1), np.nanmax(rows, axis=1)
    return bool((low == high).all() and np.ptp(low) > 0)


def without_alone(found: Mapping[str, Found]) -> dict[str, Found]:
    """Without told drives that are the same everywhere, or of one group: they tell nothing."""
    return {
        name: one
        for name, one in found.items()
        if not one.told or (one.values.ndim and np.ptp(one.values[np.isfinite(one.values)]) > 0)
    }
