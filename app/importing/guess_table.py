"""A map to begin with for a table with named columns: which of them counts what.

A column that counts or tells the time is no response; nor is a second field, such as a measured one
beside the one that was set.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from app.importing.names import (
    AXIS_WORDS,
    CLOCKS,
    DRIVE_WORDS,
    FIELD_UNIT,
    SET_WORDS,
    last_word,
    named_unit,
    says_holds,
    stem_of,
)
from app.importing.runs import RUN
from app.importing.table import NEAR
from app.importing.words import TESLA
from models.recording import BY_STEP

if TYPE_CHECKING:
    from app.foreign_files import Found

SMALL_R = re.compile(r"r_?\d+")  # a large one is a resistance
MOST_COLUMNS = 16


def table_guess(found: dict[str, Found]) -> str:
    """The map's words; empty where there are no named columns, or none is a response."""
    columns = [n for n, f in found.items() if f.values.ndim == 1]
    if len(columns) < 2 or set(found) - set(columns) - {"values"}:
        return ""
    index = _index(found, columns)
    left = [c for c in columns if c not in index.values()]
    holds = next((c for c in left if says_holds(c)), "")
    alike = _alike(found, [c for c in left if c != holds], index)
    drive = _drive(found, left) or (alike[0] if len(alike) == 1 else "")
    response = [c for c in left if c not in (drive, holds) and np.isfinite(found[c].values).any()]
    response = [c for c in response if not _is_beside(c, found[c], drive)] or response
    response = [c for c in response if c not in alike] or response
    if not response:
        return ""
    index = _runs(found, index, drive)
    words = [f"response={'+'.join(response)}", *(f"{a}={c}" for a, c in index.items())]
    if not {"repeat", "sequence", RUN} & set(index):
        if len({found[c].values.shape for c in columns}) > 1 or len(response) > MOST_COLUMNS:
            return ""
        words = [f"response={'+'.join(response)}:{_axes_of_columns(response)}"]
    if drive:
        words += [f"drive={drive}", *field_guess(drive, found[drive])]
    words += [f"holds={holds}"] if holds else []
    return " ".join(words)


def _index(found: dict[str, Found], columns: list[str]) -> dict[str, str]:
    """Columns that count sequences, repeats and steps; of several words the more usual one."""
    whole = [c for c in columns if _counts(found[c])]
    index: dict[str, str] = {}
    for axis in ("sequence", "repeat", "step"):
        names = AXIS_WORDS[axis]
        there = [c for c in (columns if axis == "step" else whole) if _is_named(c, names)]
        there = [c for c in there if _moves(found[c])] or there
        hit = min(there, key=lambda c: names.index(stem_of(c)), default="")
        if hit and hit not in index.values():
            index[axis] = hit
    again = [c for c in whole if stem_of(c) in AXIS_WORDS["repeat"] and _moves(found[c])]
    if "sequence" not in index and len(again) > 1:  # `run, trial`: the first counts sequences
        index = {**index, "sequence": again[0], "repeat": again[1]}
    if "step" in index and "repeat" in index and not _comes_again(found[index["step"]]):
        del index["step"]  # a clock that runs on: rows come in order
    return index


def _counts(column: Found) -> bool:
    """Whether a column counts: whole numbers, each in several rows."""
    values = column.values[np.isfinite(column.values)]
    return bool(values.size) and not np.mod(values, 1).any()


def _is_named(name: str, words: tuple[str, ...]) -> bool:
    """Whether it is one of these words, a single letter in small: T may be a temperature."""
    stem = stem_of(name)
    return stem in words and (len(stem) > 1 or stem in name)


def _moves(column: Found) -> bool:
    return bool(np.ptp(column.values) > 0)


def _comes_again(column: Found) -> bool:
    return np.unique(column.values).size < column.values.size


def _drive(found: dict[str, Found], columns: list[str]) -> str:
    """The column of a drive by its name; else by a field's unit, one that was set before others."""
    hit = next((c for c in columns if last_word(FIELD_UNIT.sub("", c)) in DRIVE_WORDS), "")
    fields = [c for c in columns if is_field(c, found[c])]
    return hit or next((c for c in fields if SET_WORDS.search(c)), fields[0] if fields else "")


def _alike(found: dict[str, Found], columns: list[str], index: dict[str, str]) -> list[str]:
    """Columns that move, and alike in all repeats of a sequence: what is measured scatters.

    Empty where there are no repeats, or all columns are so.
    """
    if "repeat" not in index or "step" not in index:
        return []
    keys = [found[index[axis]].values for axis in ("sequence", "step") if axis in index]
    _, group = np.unique(np.column_stack(keys), axis=0, return_inverse=True)
    group = group.ravel()
    if group.max() + 1 == group.size:
        return []
    alike = []
    for column in columns:
        values = found[column].values
        first = np.empty(group.max() + 1)
        first[group] = values
        if np.array_equal(first[group], values) and _moves(found[column]):
            alike.append(column)
    return alike if len(alike) < len(columns) else []


def _runs(found: dict[str, Found], index: dict[str, str], drive: str) -> dict[str, str]:
    """With runs for repeats, where those of one sequence have drives of their own."""
    if not drive or "repeat" not in index or {"sequence", "step"} & set(index) != {"step"}:
        return index
    values = found[drive].values
    _, step = np.unique(found[index["step"]].values, return_inverse=True)
    low, high = (np.full(step.max() + 1, start) for start in (np.inf, -np.inf))
    np.fmin.at(low, step.ravel(), values)
    np.fmax.at(high, step.ravel(), values)
    if not (high - low).max() > NEAR * np.ptp(values[np.isfinite(values)]):
        return index
    return {RUN if axis == "repeat" else axis: column for axis, column in index.items()}


def is_field(name: str, column: Found) -> bool:
    """Whether a column's unit is one of a field."""
    return (column.unit or named_unit(name)) in TESLA


def _is_beside(name: str, column: Found, drive: str) -> bool:
    """Whether a column is none of the response: it counts, tells the time, or is a second field."""
    counts = any(_is_named(name, AXIS_WORDS[axis]) for axis in ("sequence", "repeat", "step"))
    ours = name in ("recorded", "bad", *BY_STEP)  # of `twinrig export`
    return counts or ours or stem_of(name) in CLOCKS or (bool(drive) and is_field(name, column))


def _axes_of_columns(columns: list[str]) -> str:
    """A row is a step."""
    return f"step,{axis_of_columns(columns)}" if len(columns) > 1 else "step"


def axis_of_columns(columns: list[str]) -> str:
    """Columns `rep1`, `rep2`, … are repeats, `r1`, `r2`, … too, others channels."""
    if all(SMALL_R.fullmatch(re.split(r"[/.]", column)[-1]) for column in columns):
        return "repeat"
    stems = {last_word(c).rstrip("0123456789").rstrip("s_.") for c in columns}
    return "repeat" if stems <= set(AXIS_WORDS["repeat"]) else "channel"


def field_guess(name: str, drive: Found) -> list[str]:
    """The map's word where a drive is a field, or is beyond 0…1; its unit may stand in its name."""
    unit = drive.unit or named_unit(name)
    beyond = np.nanmin(drive.values) < 0 or np.nanmax(drive.values) > 1
    if unit in TESLA:
        return [f"field=auto,{unit}"]
    return ["field=auto"] if beyond else []
