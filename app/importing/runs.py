"""The axis `run`: runs in any order, of which those of one drive are repeats of one sequence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.importing.join import longer
from app.importing.table import NEAR, SAME
from app.words import counted
from models.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.importing.mapping import Mapping

    Array = NDArray[np.float64]

RUN = "run"
BY_RUN = (RUN, "step")


def run_faults(made: Mapping) -> list[str]:
    """What a map with the axis `run` lacks, in words."""
    if RUN not in made.response_axes:
        return ["`run` needs to be an axis of the response too"] * (
            RUN in (*made.drive_axes, *made.holds_axes)
        )
    problems = []
    if {"sequence", "repeat"} & set(made.response_axes):
        problems.append(
            "response: `run` becomes sequences and repeats by its drive: leave those axes out"
        )
    if made.drive is None or set(made.drive_axes) not in ({RUN}, set(BY_RUN)):
        problems.append(
            "response: runs of one drive are repeats of one sequence, so `run` needs each one's "
            "drive, drive=NAME:run,step (or one value each, drive=NAME:run); without a drive say "
            "repeat"
        )
    return problems


def table_run_faults(made: Mapping) -> list[str]:
    """What a table's map with `run=COLUMN` lacks, in words."""
    index = dict(made.index)
    if RUN not in index:
        return []
    problems = []
    if {"sequence", "repeat"} & set(index):
        problems.append("run= becomes sequences and repeats by its drive: leave those out")
    if made.drive is None:
        problems.append(
            "run=: runs of one drive are repeats of one sequence, so say drive=COLUMN; without a "
            f"drive say repeat={index[RUN]}"
        )
    return problems


def table_by_drive(
    table: tuple[Array, Array | None, Array | None], asked: Mapping
) -> tuple[tuple[Array, Array | None, Array | None], str]:
    """A table's response, drive and holds of one sequence as `by_drive` groups them, and its words.

    Raises
    ------
    InputError
        As `by_drive`.
    """
    response, drive, holds = table
    arrays = {str(asked.drive): drive} | ({} if holds is None else {str(asked.holds): holds})
    axes = (RUN, "step")
    runs = replace(
        asked, response_axes=(*axes, "channel"), drive_axes=axes,
        holds_axes=() if holds is None else axes,
    )  # fmt: skip
    grouped, made, _, said = by_drive(
        response[0], {name: one[0] for name, one in arrays.items() if one is not None}, runs
    )
    return (
        grouped,
        made[str(asked.drive)],
        None if holds is None else made[str(asked.holds)],
    ), said


def by_drive(
    array: Array, arrays: dict[str, Array], asked: Mapping
) -> tuple[Array, dict[str, Array], Mapping, str]:
    """The response's array, all arrays and the map with sequences and repeats, and what was found.

    Sequences stand in the order of their first run; where one has fewer runs, NaN. A run whose
    drive holds no number is left out.

    Raises
    ------
    InputError
        Response, drive and holds are not of as many runs.
    """
    drive = _runs_first(arrays[str(asked.drive)], asked.drive_axes)
    near = NEAR if drive.ndim > 1 else SAME  # one value a run is no measured one
    drive = drive.reshape(len(drive), -1)
    found = {"response": _runs_first(array, asked.response_axes), "drive": drive}
    if asked.holds is not None and RUN in asked.holds_axes:
        found["holds"] = _runs_first(arrays[asked.holds], asked.holds_axes)
    if len({len(one) for one in found.values()}) > 1:
        each = ", ".join(f"{name} {len(one)}" for name, one in found.items())
        raise InputError(f"run: {each} runs: nobody can tell which of them belong together")
    driven = np.isfinite(drive).any(axis=1)
    lost = int(driven.any()) * int((~driven).sum())
    if lost:
        found = {name: one[driven] for name, one in found.items()}
        drive = found["drive"]
    groups = _of_one_drive(drive, near)
    first = ("sequence", "repeat")
    stepped = ("step",) * ("step" in asked.drive_axes)
    grouped = _regrouped(drive, groups)
    made = {**arrays, str(asked.drive): grouped if stepped else grouped[..., 0]}
    asked = replace(asked, drive_axes=(*first, *stepped))
    if asked.holds is not None and "holds" in found:
        made[asked.holds] = _regrouped(found["holds"], groups)
        asked = replace(asked, holds_axes=(*first, "step"))
    rest = tuple(axis for axis in asked.response_axes if axis != RUN)
    response = _regrouped(found["response"], groups)
    sizes = sorted({len(group) for group in groups})
    each = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    said = (
        f"{counted(len(drive), 'run')} by drive: {counted(len(groups), 'sequence')} of {each} "
        f"{'repeat' if sizes[-1] == 1 else 'repeats'}"
    )
    if lost:
        said += f"; {counted(lost, 'run')} without a number in the drive left out"
    return response, made, replace(asked, response_axes=(*first, *rest)), said


def _runs_first(array: Array, axes: tuple[str, ...]) -> Array:
    """Runs along the first axis, the others in their order."""
    if len(axes) != array.ndim:
        array = array.reshape(longer(array.shape))
    return np.moveaxis(array, axes.index(RUN), 0)


def _of_one_drive(drive: Array, near: float) -> list[list[int]]:
    """Runs of each drive `(N, T)`; a run that was cut short belongs to the one that it begins.

    `near`: of the drive's range, what those of one drive differ by at most.
    """
    span = float(np.nanmax(drive) - np.nanmin(drive)) if np.isfinite(drive).any() else 0.0
    known = np.isfinite(drive)
    groups: list[list[int]] = []
    for run in np.argsort(-known.sum(axis=1), kind="stable"):  # the whole ones first
        for group in groups:
            both = known[run] & known[group[0]]
            apart = np.abs(drive[run] - drive[group[0]])[both]
            if apart.size and apart.max() <= near * span:
                group.append(int(run))
                break
        else:
            groups.append([int(run)])
    return sorted(sorted(group) for group in groups)


def _regrouped(array: Array, groups: list[list[int]]) -> Array:
    """Runs `(N, …)` as `(sequence, repeat, …)`, NaN where a sequence has fewer."""
    out = np.full((len(groups), max(map(len, groups)), *array.shape[1:]), np.nan)
    for s, group in enumerate(groups):
        out[s, : len(group)] = array[group]
    return out
