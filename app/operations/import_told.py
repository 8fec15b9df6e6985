"""Drives that stand beside the arrays: in the name of a file or a group, in an attribute.

Each becomes an array of one number in its group, `rep1/B_5mT/B_mT`; all of them one as everything
that stands alike in numbered groups (`app.operations.import_alike`): `repN/B_NmT/B_mT`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.foreign_files import Found
from app.operations.import_numbers import DIGITS, numbers_of, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def without_alone(found: Mapping[str, Found]) -> dict[str, Found]:
    """Without told drives that are the same everywhere, or of one group: they tell nothing."""
    return {
        name: one
        for name, one in found.items()
        if not one.told or (one.values.ndim and np.ptp(one.values[np.isfinite(one.values)]) > 0)
    }
