"""What is wrong, and what is to be said, where each file or group is a step, or tells a drive.

All of it names the files: which step is missing where, which two say the same, whose frequencies
are others, and which are left out for their names.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.operations.import_guess_told import group_of, is_single, layout_of, lead_of
from app.operations.import_names import last_word
from app.operations.import_numbers import doubts_in
from app.operations.import_table import NEAR
from app.operations.import_told import BY_NAME
from app.words import counted
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from app.foreign_files import Found
    from app.operations.import_guess_told import Layout
    from app.operations.import_map import Mapping

    Place = tuple[int, ...]

SHOWN = 5
SAME = 1e-9  # of the frequencies' range


def told_of(asked: Mapping, found: dict[str, Found]) -> tuple[list[str], list[tuple[str, str]]]:
    """Faults, and remarks with their level, of a map whose response stands in numbered groups."""
    first = found.get(asked.columns[0])
    whole = {n: one for n, one in found.items() if not one.part}
    if first is None or not first.members:
        return [], []
    lead = asked.response_axes[: len(first.members[0][1])]
    named = {place: group_of(n) or n for n, place in first.members}
    drive = found.get(asked.drive or "")
    told = asked.drive if drive is not None and drive.members and is_single(drive) else None
    faults, remarks = _in_doubt(asked, found, told)
    if "step" in lead:
        faults += _twice(first) + _other_axes(asked, whole, named)
        values = found[told].values.reshape(first.values.shape[: len(lead)]) if told else None
        lost, fatal = _missing(lead, first, named, own_name(told or ""), values)
        fatal = fatal and asked.words.cut == ""
        faults += lost if fatal else []
        remarks += [(text, "warning") for text in ([] if fatal else lost)]
    if told and "repeat" in lead:
        twice = {group_of(n) for pair in first.doubles for n in pair}
        single = {place: group for place, group in named.items() if group not in twice}
        faults += _other_drives(lead, own_name(told), found[told].values, single)
    if told and found[told].told:
        order = asked.words.order or "rising"
        remarks.append((drive_words(str(told), found[told], lead, order), "info"))
    if told or "step" in lead:
        remarks += [(text, "warning") for text in unlike(asked.columns[0], whole)]
    return faults, remarks


def drive_words(name: str, drive: Found, lead: tuple[str, ...], order: str = "rising") -> str:
    """Where a drive is told, its values, and in which order steps stand."""
    own, values = last_word(name), np.unique(drive.values[np.isfinite(drive.values)])
    where = drive.told and f"their {drive.told}"
    where = "the names of files or groups" if drive.told == BY_NAME else where or "each of them"
    unit = f" {drive.unit}" if drive.unit else ""
    said = (
        f"drive {own_name(name)!r} is told by {where}: {counted(len(values), 'value')}, "
        f"{values[0]:g} to {values[-1]:g}{unit}"
    )
    if "step" not in lead:
        return f"{said}, one for all steps of a run"
    word = drive.dims[lead.index("step")]
    if word.lower() == own:
        return (
            f"{said}; steps stand in {order} order of it (order=falling: in falling order; "
            "measured in another, they need numbers in their names: step01_5mT)"
        )
    return f"{said}; steps stand in the order of the number behind {word!r}" if word else said


def own_name(name: str) -> str:
    """A drive's name without those of its groups."""
    return name.removeprefix(group_of(name)).lstrip("/.")


def unlike(response: str, found: dict[str, Found]) -> list[str]:
    """Files or groups that hold the same and are left out for their names, in words."""
    group, own = group_of(response), own_name(response)
    others = [
        group_of(n)
        for n, one in found.items()
        if n != response and own_name(n) == own and group_of(n) != group and not one.told
    ]
    if not group or not others:
        return []
    more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    listed = ", ".join(map(repr, others[:SHOWN]))
    return [
        f"left out for their names, which are unlike {group!r} (N: a number): {listed}{more}; "
        "rename them if they belong to it"
    ]


def falling(asked: Mapping, found: dict[str, Found]) -> dict[str, Found]:
    """The arrays with their steps in falling order of the drive, where the map asks for it.

    Raises
    ------
    InputError
        Steps do not stand in the order of a drive in names.
    """
    if not asked.words.order:
        return found
    drive, own = found.get(asked.drive or ""), last_word(asked.drive or "")
    lead = () if drive is None else tuple(w.lower() for w in drive.dims[: lead_of(drive)])
    if drive is None or not drive.members or own not in lead:
        raise InputError(
            "order=falling is for steps that stand in the order of the drive in their names: here "
            "they are numbered, or not told by names"
        )
    k, many = lead.index(own), drive.values.shape[: len(lead)]
    return {n: _flipped(one, k) if one.members and one.values.shape[: len(lead)] == many
            and one.dims[: len(lead)] == drive.dims[: len(lead)] else one
            for n, one in found.items()}  # fmt: skip


def _flipped(one: Found, axis: int) -> Found:
    last = one.values.shape[axis] - 1
    members = tuple((n, (*p[:axis], last - p[axis], *p[axis + 1 :])) for n, p in one.members)
    return replace(one, values=np.flip(one.values, axis), members=members)


def _in_doubt(
    asked: Mapping, found: dict[str, Found], told: str | None
) -> tuple[list[str], list[tuple[str, str]]]:
    """Files beside the response's whose value may be negative: faults where others tell a drive."""
    own = own_name(asked.columns[0])
    groups = dict.fromkeys(group_of(n) for n in found if own_name(n) == own)
    doubtful = doubt_words(groups)
    return (doubtful, []) if told else ([], [(text, "warning") for text in doubtful])


def doubt_words(groups: Iterable[str]) -> list[str]:
    """Files or groups whose value may be negative, in words; empty: none."""
    doubtful = doubts_in(groups)
    if not doubtful:
        return []
    group, number = next(iter(doubtful.items()))
    more = f" and {len(doubtful) - 1} more" if len(doubtful) > 1 else ""
    return [
        f"{number!r} in {group!r}{more}: a minus, or something else? Nobody can tell, so that the "
        "name tells no drive: write B_-5mT, or B_5mT"
    ]


def _twice(first: Found) -> list[str]:
    return [
        f"{group_of(one)!r} and {group_of(other)!r} are the same step by their names: move one of "
        "them away, or number the steps, as in step01_5mT"
        for one, other in first.doubles[:SHOWN]
    ]


def _missing(
    lead: tuple[str, ...],
    first: Found,
    named: dict[Place, str],
    drive: str,
    values: NDArray[np.float64] | None,
) -> tuple[list[str], bool]:
    """Steps that some repeats lack, in words, and whether no repeat of a sequence is whole."""
    along = lead.index("step")
    there: NDArray[np.bool_] = np.zeros(first.values.shape[: len(lead)], dtype=np.bool_)
    for place in named:
        there[place] = True
    there = np.asarray(np.moveaxis(there, along, -1))
    lost = []
    some = np.asarray(np.any(there, axis=-1))
    gaps = np.argwhere(~there & some[..., None])
    for at in gaps[:SHOWN]:
        *runs, step = (int(k) for k in at)
        run = tuple(runs)
        beside = _put(run, int(np.argmax(there[run])), along)
        alike = next(p for p in named if p[along] == step)
        what = f"step {step}"
        if values is not None:
            what = f"{drive} = {values[alike]:g}"
        lost.append(
            f"there is none of {what} beside {named[beside]!r}, as {named[alike]!r} is: that "
            "repeat counts as not recorded; measure it, leave this step out of all, or number the "
            "steps in the names (step01_5mT) if another value of it is the same step"
        )
    more = [f"and {len(gaps) - SHOWN} more steps are missing"] if len(gaps) > SHOWN else []
    whole = np.asarray(there.all(axis=-1))
    rest = [axis for axis in lead if axis != "step"]
    sequences = np.any(whole, axis=rest.index("repeat")) if "repeat" in rest else whole
    return [*lost, *more], bool(gaps.size) and not sequences.all()


def _put(run: Place, step: int, along: int) -> Place:
    return (*run[:along], step, *run[along:])


def _other_axes(asked: Mapping, found: dict[str, Found], named: dict[Place, str]) -> list[str]:
    """Files whose frequencies are not those of the most, in words."""
    layout = _layout_for(asked, found)
    axis = found.get(layout.axis) if layout else None
    if axis is None or not axis.members:
        return []
    rows = {place: axis.values[place] for _, place in axis.members}
    usual = np.frombuffer(Counter(row.tobytes() for row in rows.values()).most_common(1)[0][0])
    near = SAME * (float(np.nanmax(usual) - np.nanmin(usual)) or 1.0)
    others = [p for p, row in rows.items() if not np.allclose(row, usual, 0.0, near, True)]
    first = next(p for p in rows if p not in others)
    said = [
        f"{named.get(p, p)!r} has other frequencies ({_span(rows[p], axis.unit)}) than "
        f"{named.get(first, first)!r} ({_span(usual, axis.unit)}): channels need one axis, so "
        "interpolate it onto that, or move it away"
        for p in others[:SHOWN]
    ]
    more = len(others) - SHOWN
    return [*said, f"and {more} more have other frequencies"] if more > 0 else said


def _span(row: np.ndarray, unit: str) -> str:
    row = row[np.isfinite(row)]
    low, high = (row.min(), row.max()) if row.size else (np.nan, np.nan)
    return f"{row.size} from {low:g} to {high:g}{f' {unit}' if unit else ''}"


def _other_drives(
    lead: tuple[str, ...], name: str, drive: np.ndarray, named: dict[Place, str]
) -> list[str]:
    """Repeats whose names tell another drive than the first one's, in words."""
    along = lead.index("repeat")
    span = float(np.nanmax(drive) - np.nanmin(drive))
    said = []
    firsts: dict[Place, Place] = {}
    for place, group in named.items():
        same = firsts.setdefault((*place[:along], *place[along + 1 :]), place)
        apart = abs(float(drive[place].item() - drive[same].item()))
        if apart > NEAR * span:
            said.append(
                f"{group!r} says {name} = {drive[place].item():g}, {named[same]!r} "
                f"{drive[same].item():g}: repeats need one drive; number them as another "
                "sequence, or rename the wrong one"
            )
        elif not np.isfinite(drive[place]):
            said.append(f"{group!r} says no {name}: give it one, or move it away")
    return [*said[:SHOWN], *([f"and {len(said) - SHOWN} more"] if len(said) > SHOWN else [])]


def _layout_for(asked: Mapping, found: dict[str, Found]) -> Layout | None:
    layout = layout_of(found)
    return layout if layout and set(asked.columns) <= {*layout.response} else None


def with_frequencies(asked: Mapping, found: dict[str, Found]) -> Mapping:
    """The map with channels named by their frequencies, where it names none: `S21_5.5GHz`."""
    whole = {n: one for n, one in found.items() if not one.part}
    layout = _layout_for(asked, whole)
    axis = found.get(layout.axis) if layout else None
    if (
        layout is None
        or axis is None
        or asked.words.channels
        or asked.response_axes[-1] != "channel"
    ):
        return asked
    row = axis.values[axis.members[0][1]] if axis.members else axis.values.ravel()
    own = [f"{own_name(c)}_" if c != layout.group else "" for c in asked.columns]
    names = tuple(f"{column}{_frequency(f, axis.unit)}" for column in own for f in row)
    return replace(asked, words=replace(asked.words, channels=names)) if _fit(names) else asked


def _frequency(value: float, unit: str) -> str:
    """A frequency with its unit, of hertz in GHz, MHz or kHz where it is as large."""
    for prefix, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)) if unit == "Hz" else ():
        if value >= scale:
            return f"{value / scale:.9g}{prefix}Hz"
    return f"{value:.9g}{unit}"


def _fit(names: tuple[str, ...]) -> bool:
    odd = any((name[:1] + name[-1:]).isdigit() or "nan" in name for name in names)
    return len(set(names)) == len(names) and not odd
