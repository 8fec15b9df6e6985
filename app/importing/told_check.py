"""What is wrong, and what is to be said, where each file or group is a step, or tells a drive.

All of it names the files: which step is missing where, which two say the same, whose frequencies
are others, and which are left out for their names.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.importing.guess_told import group_of, is_single, lead_of, own_name
from app.importing.names import last_word
from app.importing.numbers import doubts_in
from app.importing.spectra import SHOWN, counts_itself, other_axes
from app.importing.table import NEAR
from app.importing.told import BY_NAME
from app.words import counted, some_of
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from app.foreign_files import Found
    from app.importing.mapping import Mapping

    Place = tuple[int, ...]


def told_of(asked: Mapping, found: dict[str, Found]) -> tuple[list[str], list[tuple[str, str]]]:
    """Faults, and remarks with their level, of a map whose response stands in numbered groups."""
    first = found.get(asked.columns[0])
    whole = {n: one for n, one in found.items() if not one.part}
    if first is None or not first.members:
        return [], []
    lead = asked.response_axes[: len(first.members[0][1])]
    itself = counts_itself(asked.columns[0], first)
    of = {n: n if itself else group_of(n) for n, _ in first.members}
    named = {place: of[n] for n, place in first.members}
    drive = found.get(asked.drive or "")
    told = asked.drive if drive is not None and drive.members and is_single(drive) else None
    faults, remarks = _in_doubt(asked, found, told)
    if "step" in lead:
        faults += _twice([(of[a], of[b]) for a, b in first.doubles]) + other_axes(
            asked, whole, named
        )
        values = found[told].values.reshape(first.values.shape[: len(lead)]) if told else None
        again = {of[b] for _, b in first.doubles}
        once = {place: group for place, group in named.items() if group not in again}
        lost, fatal = _missing(lead, first, once, own_name(told or ""), values)
        fatal = fatal and asked.words.cut == ""
        faults += lost if fatal else []
        remarks += [(text, "warning") for text in ([] if fatal else lost)]
    if told and "repeat" in lead:
        twice = {of[n] for pair in first.doubles for n in pair}
        single = {place: group for place, group in named.items() if group not in twice}
        faults += _other_drives(lead, own_name(told), found[told].values, single)
    if told and found[told].told:
        order = asked.words.order or "rising"
        remarks.append((drive_words(str(told), found[told], lead, order), "info"))
    if told or "step" in lead:
        remarks += [(text, "warning") for text in unlike(asked.columns[0], whole)]
    faults += [text for text, level in remarks if level == "warning"] if faults else []
    return faults, remarks


def drive_words(name: str, drive: Found, lead: tuple[str, ...], order: str = "rising") -> str:
    """Where a drive is told, its values, and in which order steps stand."""
    own, said = last_word(name), f"drive {told_words(name, drive)}"
    if "step" not in lead:
        return f"{said}, one for all steps of a run"
    word = drive.dims[lead.index("step")]
    if word.lower() == own:
        return (
            f"{said}; steps stand in {order} order of it (order=falling: in falling order; any "
            "other: number them in the names, step01_5mT)"
        )
    return f"{said}; steps stand in the order of the number behind {word!r}" if word else said


def told_words(name: str, drive: Found) -> str:
    """A drive's name, where it is told, and its values."""
    values = np.unique(drive.values[np.isfinite(drive.values)])
    where = drive.told and f"their {drive.told}"
    where = "the names of files or groups" if drive.told == BY_NAME else where or "each of them"
    unit = f" {drive.unit}" if drive.unit else ""
    return (
        f"{own_name(name)!r} is told by {where}: {counted(len(values), 'value')}, "
        f"{values[0]:g} to {values[-1]:g}{unit}"
    )


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


def falling(asked: Mapping, found: dict[str, Found], file: Path) -> dict[str, Found]:
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
            f"{file}: order=falling is for steps that stand in the order of the drive in their "
            "names: here they are numbered, or not told by names"
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


def _twice(doubles: list[tuple[str, str]]) -> list[str]:
    return [
        f"{one!r} and {other!r} are the same step by their names: move one of "
        "them away, or number the steps, as in step01_5mT"
        for one, other in doubles[:SHOWN]
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
    rest = [axis for axis in lead if axis != "step"]
    used = there  # by other repeats: each sequence has its own steps
    if "repeat" in rest:
        used = np.asarray(there.any(axis=rest.index("repeat"), keepdims=True))
    lost = []
    some = np.asarray(np.any(there, axis=-1))
    gaps = np.argwhere(~there & used & some[..., None])
    for at in gaps[:SHOWN]:
        *runs, step = (int(k) for k in at)
        run = tuple(runs)
        beside = _put(run, int(np.argmax(there[run])), along)
        alike = next(p for p in named if p[along] == step and _of_one(p, beside, lead))
        what = f"step {step}"
        if values is not None:
            what = f"{drive} = {values[alike]:g}"
        lost.append(
            f"there is none of {what} beside {named[beside]!r}, as {named[alike]!r} is: that "
            "repeat counts as not recorded; measure it, leave this step out of all, or number the "
            "steps in the names (step01_5mT) if another value of it is the same step"
        )
    more = [f"and {len(gaps) - SHOWN} more steps are missing"] if len(gaps) > SHOWN else []
    whole = np.asarray((there | ~used).all(axis=-1))
    sequences = np.any(whole, axis=rest.index("repeat")) if "repeat" in rest else whole
    return [*lost, *more], bool(gaps.size) and not sequences.all()


def _of_one(place: Place, other: Place, lead: tuple[str, ...]) -> bool:
    """Whether two places are of one sequence."""
    return all(place[k] == other[k] for k, axis in enumerate(lead) if axis == "sequence")


def _put(run: Place, step: int, along: int) -> Place:
    return (*run[:along], step, *run[along:])


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
    return some_of(said, SHOWN)
