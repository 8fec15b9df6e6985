"""Tables with one row a step: columns that say which sequence, repeat and step a row belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from app.importing.mapping import Mapping

    Array = NDArray[np.float64]

SAME = 1e-9  # of the drive's range: rounding is no other drive
NEAR = 0.02  # of it: what a field that was measured at each step scatters by
MOST_VALUES = 2**28


def pivot(
    arrays: dict[str, Array], asked: Mapping, file: Path
) -> tuple[Array, Array | None, Array | None]:
    """Response `(S, R, T, C)`, drive `(S, R, T)` and hold times `(S, R, T)` of a table.

    NaN where it has no row.

    Values of the index columns are sorted: the smallest step of a repeat is its first. A column
    that is not given counts one sequence, one repeat; without `step=` rows come in order.

    Raises
    ------
    InputError
        An index that is no number, two rows for one step.
    """
    columns = [arrays[name].ravel() for name in asked.columns]
    rows = columns[0].size
    given = {word: arrays[name].ravel() for word, name in asked.index}
    problems = [
        f"column {name!r} has {int((~np.isfinite(given[word])).sum())} rows without a number"
        for word, name in asked.index
        if not np.isfinite(given[word]).all()
    ]
    raise_problems(InputError, str(file), problems)
    sequence = _numbered(given.get("sequence", np.zeros(rows)), np.zeros(rows, dtype=np.int64))
    repeat = _numbered(given.get("repeat", given.get("run", np.zeros(rows))), sequence)
    of = sequence * (int(repeat.max()) + 1) + repeat
    step = (
        _numbered(given["step"], sequence)  # not of each repeat: a missing row is a gap there
        if "step" in given
        else _numbered(np.arange(rows, dtype=float), of)
    )
    if "step" in given:
        _refuse_own_steps(dict(asked.index)["step"], sequence, of, step, file)
    shape = (int(sequence.max()) + 1, int(repeat.max()) + 1, int(step.max()) + 1)
    if float(np.prod(shape, dtype=float)) * len(columns) > MOST_VALUES:
        raise InputError(f"{file}: the table makes {shape} sequences × repeats × steps: too many")
    place = (sequence, repeat, step)
    if np.unique(np.ravel_multi_index(place, shape)).size != rows:
        names = ", ".join(f"{word}={name}" for word, name in asked.index)
        raise InputError(f"{file}: several rows belong to one step ({names}): which one counts?")
    response = np.full((*shape, len(columns)), np.nan)
    for c, column in enumerate(columns):
        response[(*place, c)] = column
    drive, holds = (
        None if name is None else _put(arrays[name].ravel(), place, shape)
        for name in (asked.drive, asked.holds)
    )
    return response, drive, holds


def _refuse_own_steps(
    name: str,
    sequence: NDArray[np.int64],
    of: NDArray[np.int64],
    step: NDArray[np.int64],
    file: Path,
) -> None:
    """Refuse a column of steps that is another in each repeat, as a clock's times are."""
    rows = np.bincount(of)
    most = np.zeros(int(sequence.max()) + 1, dtype=np.int64)
    np.maximum.at(most, sequence, rows[of])
    steps = np.zeros_like(most)
    np.maximum.at(steps, sequence, step + 1)
    if (steps > most).all():
        raise InputError(
            f"{file}: step={name}: sequence 0 has {steps[0]} different values of it and at most "
            f"{most[0]} rows in a repeat, so that no repeat is whole. Times that differ from "
            "repeat to repeat? Leave step= out: rows come in order"
        )


def _put(values: Array, place: tuple[NDArray[np.int64], ...], shape: tuple[int, ...]) -> Array:
    out = np.full(shape, np.nan)
    out[place] = values
    return out


def _numbered(values: Array, within: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place of each value among the different ones of its group, from 0."""
    order = np.lexsort((values, within))
    v, g = values[order], within[order]
    starts = np.concatenate([[True], g[1:] != g[:-1]])
    steps = np.concatenate([[False], v[1:] != v[:-1]]) & ~starts
    count = np.cumsum(steps)
    out = np.empty(values.size, dtype=np.int64)
    out[order] = count - count[starts][np.cumsum(starts) - 1]
    return out


def one_drive(drive: Array, name: str, file: Path) -> tuple[Array, tuple[tuple[str, str], ...]]:
    """Each sequence's drive `(S, T)`, of that of its repeats `(S, R, T)`, and what to say of it.

    Raises
    ------
    InputError
        Repeats of one sequence with different drives.
    """
    there = np.isfinite(drive)
    low = np.where(there, drive, np.inf).min(axis=1)
    high = np.where(there, drive, -np.inf).max(axis=1)
    known = there.any(axis=1)
    span = float(np.nanmax(drive) - np.nanmin(drive)) if np.isfinite(drive).any() else 0.0
    apart = np.where(known, high - low, 0.0) / max(span, 1e-300)
    if (apart > NEAR).any():
        s, t = (int(i) for i in np.argwhere(apart > NEAR)[0])
        raise InputError(
            f"{file}: drive {name!r} differs between repeats of sequence {s} at step {t} "
            f"({low[s, t]:g} and {high[s, t]:g}): repeats need one drive; are they sequences? "
            "Of runs in any order say run for repeat"
        )
    if (apart <= SAME).all():
        return np.where(known, low, np.nan), ()
    mean = np.where(there, drive, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    said = (
        f"drive {name!r} differs between repeats by up to {100 * apart.max():.2g} % of its range, "
        "as a measured one does: their mean stands for it"
    )
    return np.where(known, mean, np.nan), ((said, "warning"),)
