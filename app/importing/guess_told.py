"""A map to begin with where each file or group is one step, or one run of one drive.

A spectrum a file, `rep01/B_-22.5mT.csv` of frequency and S21: the file is a step, its rows are
channels. A file of rows in time is a run, and what its name tells is the drive of all its steps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.importing.guess_table import field_guess
from app.importing.names import AXIS_WORDS, CLOCKS, last_word, says_drive, stem_of
from app.importing.numbers import axis_of
from app.importing.runs import RUN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from app.foreign_files import Found

HERTZ = ("Hz", "kHz", "MHz", "GHz", "THz")
NAMED_HERTZ = re.compile(rf"[\W_]({'|'.join(HERTZ)})[\W_]*$", re.IGNORECASE)
CLOCK_WORDS = (*AXIS_WORDS["step"], *CLOCKS)
UNNAMED = "column_1"
LEAST_HZ = 1e5  # of a first column without a name: no clock, and no index


@dataclass(frozen=True)
class Layout:
    """What stands in numbered files or groups of one pattern of names.

    Attributes
    ----------
    group
        Their names with N for each number.
    along
        Words of the numbers that they stand along.
    drive
        The array of the drive that they tell; empty: none.
    axis
        The array of their rows' frequencies, or of a first column without a name; empty: none.
    response
        The arrays that were measured.
    is_step
        Whether one of them is one step; else it is a run.
    sure
        Whether that is told by frequencies, a clock, the word for a step or a single number.
    clocked
        Whether its rows are told apart by a time.
    """

    group: str
    along: tuple[str, ...]
    drive: str
    axis: str
    response: tuple[str, ...]
    is_step: bool
    sure: bool
    clocked: bool


def group_of(name: str) -> str:
    """The group of an array, of a MAT file's too."""
    return name.rpartition("/" if "/" in name else ".")[0]


def own_name(name: str) -> str:
    """A drive's name without those of its groups."""
    return name.removeprefix(group_of(name)).lstrip("/.")


def is_frequency(name: str, one: Found) -> bool:
    """Whether an array has frequencies, by its name or its unit; one that stands still is none."""
    named = hertz_of(name, one) != "" or stem_of(name) in ("frequency", "freq", "f")
    return named and _moves(one.values)


def _moves(values: NDArray[np.float64]) -> bool:
    """Whether the numbers of one row of `(…, rows)` differ: a lock-in's frequency doesn't."""
    if not values.ndim or not values.size:
        return False
    rows = values.reshape(-1, values.shape[-1])
    return any(np.ptp(row[np.isfinite(row)]) > 0 for row in rows if np.isfinite(row).any())


def hertz_of(name: str, one: Found) -> str:
    """The unit of frequencies, which their name may end with, `freq_GHz`; empty: none of hertz."""
    named = NAMED_HERTZ.search(name)
    said = one.unit or (named[1] if named else "")
    return next((unit for unit in HERTZ if unit.lower() == said.lower()), "")


def layout_of(found: dict[str, Found], response: tuple[str, ...] = ()) -> Layout | None:
    """The layout of numbered groups that tell a drive, or hold spectra; None: there are none.

    `response`: arrays that it has to hold among its measured ones.
    """
    drives = [n for n, one in found.items() if is_of_each(n, one)]
    axes = [n for n, one in found.items() if one.members and is_frequency(n, one)]
    for name in (*drives, *axes):
        group = group_of(name)
        words = found[name].dims[: lead_of(found[name])]
        made = _layout(found, group, words, name if name in drives else "")
        if made is not None and set(response) <= {*made.response}:
            return made
    return None


def is_of_each(name: str, one: Found) -> bool:
    """Whether an array is a drive of one value for each group or file, told or in it."""
    return bool(one.members) and is_single(one) and (one.told != "" or says_drive(name))


def lead_of(one: Found) -> int:
    """How many axes of an array are those that its groups or files stand along."""
    return len(one.members[0][1]) if one.members else 0


def is_single(one: Found) -> bool:
    """Whether an array has one number for each group or file."""
    return all(size == 1 for size in one.values.shape[lead_of(one) :])


def unnumbered(found: Mapping[str, Found]) -> list[str]:
    """Files or groups of spectra whose names have no number that tells them apart.

    Columns of one table are none, whatever their names: `S21[0] at 4.00 GHz` has a point.
    """
    if "values" in found:
        return []
    spectra = [n for n, one in found.items() if one.values.ndim == 1 and is_frequency(n, one)]
    several = len(spectra) > 1 and not any(one.members for one in found.values())
    return [group_of(n) for n in spectra] if several and all(map(group_of, spectra)) else []


def _layout(
    found: dict[str, Found], group: str, along: tuple[str, ...], drive: str
) -> Layout | None:
    lead = len(along)
    if not drive and [axis_of(word) for word in along] == ["repeat"]:
        return None
    groups = {group, group_of(group)} if group in found else {group}  # of a dataset's attribute
    ours = {
        n: one
        for n, one in found.items()
        if (n == group or group_of(n) in groups) and one.dims[:lead] == along
        and one.members and not is_of_each(n, one)
    }  # fmt: skip
    if drive:
        sizes = found[drive].values.shape[:lead]
        ours = {n: one for n, one in ours.items() if one.values.shape[:lead] == sizes}
    rows = {n: one for n, one in ours.items() if one.values.ndim == lead + 1}
    rows = {n: one for n, one in rows.items() if not is_single(one)}
    if any(says_drive(n) for n in rows):
        return None
    axis = next((n for n, one in rows.items() if is_frequency(n, one)), "")
    axis = axis or next((n for n, one in found.items() if _is_common(n, one, rows)), "")
    unnamed = next((n for n in rows if last_word(n) == UNNAMED), "")
    spectra = axis != "" or (bool(unnamed) and _in_hertz(rows[unnamed]))
    axis = axis or unnamed
    clocks = [n for n in rows if stem_of(n) in CLOCK_WORDS and n not in (axis, group)]
    measured = [n for n in rows if n not in (axis, *clocks) and np.isfinite(rows[n].values).any()]
    single = [n for n, one in ours.items() if is_single(one) and not rows]
    if not (measured or single):
        return None
    stepped = "step" in map(axis_of, along)
    is_step, response = spectra or stepped or bool(single), tuple(measured or single)
    sure = is_step or bool(clocks)
    return Layout(group, along, drive, axis, response, is_step, sure, bool(clocks))


def _is_common(name: str, one: Found, rows: Mapping[str, Found]) -> bool:
    """Whether it has the frequencies of all, beside the groups."""
    lengths = {of.values.shape[-1] for of in rows.values()}
    return not one.members and is_frequency(name, one) and {one.values.size} == lengths


def _in_hertz(column: Found) -> bool:
    """Whether a first column without a name has frequencies, and can be no time."""
    return bool(np.nanmin(column.values) >= LEAST_HZ)


def axes_of(layout: Layout, found: dict[str, Found], *, is_step: bool) -> list[str]:
    """Our axes for the numbers that files or groups stand along, if each is a step, or a run."""
    own = last_word(layout.drive)
    made = ["" if axis_of(w) == "channel" else axis_of(w) for w in layout.along]
    told = [k for k, word in enumerate(layout.along) if layout.drive and word.lower() == own]
    for k in told:
        made[k] = "step" if is_step else "sequence"
    if is_step and "step" not in made:
        made[_moves_along(layout, found, made)] = "step"
    if not is_step:
        made = ["" if axis == "step" else axis for axis in made]
        if len(made) == 1 and not told and layout.drive:
            return [RUN]
    left = [axis for axis in ("repeat", "sequence") if axis not in made]
    left = left[::-1] if made.count("") > 1 else left
    for k, axis in enumerate(made):
        if not axis or axis in made[:k]:
            made[k] = left.pop(0) if left else "sequence"
    return made


def _moves_along(layout: Layout, found: dict[str, Found], axes: list[str]) -> int:
    """Which of several axes a drive moves along; the last, where none is known."""
    free = [k for k, axis in enumerate(axes) if not axis] or list(range(len(axes)))
    if layout.drive:
        values = found[layout.drive].values.reshape(found[layout.drive].values.shape[: len(axes)])
        moving = [k for k in range(len(axes)) if (np.diff(values, axis=k) != 0).any()]
        free = [k for k in moving if k in free] or moving or free
    return free[-1]


def told_guess(found: dict[str, Found], layout: Layout, *, is_step: bool) -> str:
    """The map's words for such a layout, of files that are steps, or runs.

    Empty where more numbers count than sequences, repeats and steps do.
    """
    lead = axes_of(layout, found, is_step=is_step)
    if len(set(lead)) < len(lead):
        return ""
    first = found[layout.response[0]]
    rows = not is_single(first)
    axes, words = list(lead), []
    if is_step and rows:
        axes.append("sample" if layout.clocked else "channel")
        words = ["features=mean"] * layout.clocked
    elif rows:
        axes.append("step")
    if len(layout.response) > 1 and "channel" not in axes:
        axes.append("channel")
    words = [f"response={'+'.join(layout.response)}:{','.join(axes)}", *words]
    if layout.drive:
        words.append(f"drive={layout.drive}:{','.join(lead)}")
        words += field_guess(layout.drive, found[layout.drive])
    return " ".join(words)
