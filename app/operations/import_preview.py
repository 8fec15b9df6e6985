"""What a file holds before anything is imported: arrays, ranges, units, and a map to begin with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.foreign_files import Found
from app.operations.import_map import longer
from app.operations.import_nanoring import USUAL, is_nanoring, pairs_in
from app.operations.import_read import read_found
from app.operations.import_words import TESLA
from training.where import number

if TYPE_CHECKING:
    from collections.abc import Generator

    from app.operations.events import Event

AXIS_WORDS = {
    "sequence": ("sequence", "seq", "pattern", "signal", "drive_id"),
    "repeat": ("repeat", "rep", "trial", "run", "realization", "realisation"),
    "step": ("step", "time", "t", "n", "cycle", "rotation", "index"),
    "channel": ("channel", "ch", "frequency", "freq", "feature", "output"),
}
HOLD_WORDS = ("hold", "holds", "hold_s", "dwell", "dwell_s", "hold_time", "dwell_time", "duration")
DRIVE_WORDS = ("drive", "input", "field", "amplitude", "u", "h", "b", "stimulus")
GUESSES = {
    1: ("step",),
    2: ("repeat", "step"),
    3: ("sequence", "repeat", "step"),
    4: ("sequence", "repeat", "step", "channel"),
}


@dataclass(frozen=True)
class ArrayInfo:
    """One array: name, shape, its axes' names and unit where the file has them, its range."""

    name: str
    shape: tuple[int, ...]
    dims: tuple[str, ...]
    unit: str
    low: float
    high: float
    gaps: int

    def to_json(self) -> dict[str, Any]:
        """Plain values for a result line; a dash where there is no number."""
        said: dict[str, Any] = {
            "shape": " × ".join(map(str, self.shape)), "low": number(self.low),
            "high": number(self.high),
        }  # fmt: skip
        if any(self.dims):
            said["axes"] = ",".join(self.dims)
        if self.unit:
            said["unit"] = self.unit
        return {**said, "gaps": self.gaps} if self.gaps else said

    def words(self) -> str:
        """One line."""
        axes = " × ".join(
            f"{size}{f' {dim}' if dim else ''}"
            for size, dim in zip(self.shape, self.dims or ("",) * len(self.shape), strict=True)
        )
        unit = f" {self.unit}" if self.unit else ""
        gaps = f", {self.gaps} gaps" if self.gaps else ""
        return f"{axes}; {self.low:.4g} … {self.high:.4g}{unit}{gaps}"


@dataclass(frozen=True)
class Preview:
    """The arrays of a file and a guess at its map; `folder`: patterns of the nanoring layout."""

    arrays: tuple[ArrayInfo, ...]
    guess: str
    patterns: int = 0


def preview(file: Path, found: dict[str, Found] | None = None) -> Preview:
    """Look into a file (or a folder of the public nanoring layout); `found`: read already.

    Raises
    ------
    InputError
        As `import_read.read_found`.
    """
    if is_nanoring(file):
        pairs = pairs_in(file)
        shown = [
            _info(name, Found(np.load(path, mmap_mode="r", allow_pickle=False)))
            for name, path in (("drive", pairs[0][1]), ("response", pairs[0][2]))
        ]
        return Preview(tuple(shown), USUAL, len(pairs))
    found = found or read_found(file)
    return Preview(tuple(_info(n, f) for n, f in found.items()), guess_map(found))


def _info(name: str, found: Found) -> ArrayInfo:
    values = found.values
    known = np.isfinite(values)
    low, high = (
        (float(values[known].min()), float(values[known].max())) if known.any() else (np.nan,) * 2
    )
    shape = tuple(int(n) for n in values.shape)
    return ArrayInfo(name, shape, found.dims, found.unit, low, high, int((~known).sum()))


def guess_map(found: dict[str, Found]) -> str:
    """A map to begin with: the largest array as response, a fitting one as drive.

    Names of axes count where the file has them; else the axis that a drive's length fits is the
    step. It is a guess: the axes of equal files differ from laboratory to laboratory.
    """
    table = _table_guess(found)
    if table:
        return table
    by_name = [n for n in found if n.lower() in ("response", "responses")]
    name = by_name[0] if by_name else max(found, key=lambda n: _likeness(n, found[n]))
    shape = _mapped(found[name].values.shape)
    dims = found[name].dims if len(shape) == found[name].values.ndim else ()
    axes = list(_axes_named(dims)) if dims else list(GUESSES.get(len(shape), ()))
    drive = _drive_guess(found, name, shape)
    if drive and not dims:
        axes = _axes_beside(longer(found[drive].values.shape), shape, axes)
    words = [f"response={name}:{','.join(axes)}"]
    if drive:
        known = longer(found[drive].values.shape)
        words.append(f"drive={drive}:{'step' if len(known) == 1 else 'sequence,step'}")
        words += _field_guess(found[drive])
    holds = [n for n in found if n not in (name, drive) and _last_word(n) in HOLD_WORDS]
    if holds and len(longer(found[holds[0]].values.shape)) in (1, 2, 3):
        words.append(f"holds={holds[0]}")
    return " ".join(words)


def _likeness(name: str, found: Found) -> tuple[int, bool]:
    """How much an array is like a response: the largest, of two as large not the drive."""
    return found.values.size, not _says_drive(name)


def _says_drive(name: str) -> bool:
    return any(re.split(r"[/._]", name.lower())[-1].startswith(w) for w in DRIVE_WORDS)


def _mapped(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that a map names: of four all, a single repeat or channel among them."""
    return shape if len(shape) == len(GUESSES) else longer(shape)


def _last_word(name: str) -> str:
    """Of an array's name with its groups, in small letters."""
    return re.split(r"[/.]", name.lower())[-1]


def _axes_named(dims: tuple[str, ...]) -> list[str]:
    """Our axes for a file's names of them; what is not recognised takes what is left, in order."""
    made: list[str] = []
    for dim in dims:
        word = dim.lower().rstrip("s_")
        hit = next((a for a, names in AXIS_WORDS.items() if word in names and a not in made), "")
        made.append(hit)
    left = [a for a in ("sequence", "repeat", "step", "channel") if a not in made]
    return [axis or (left.pop(0) if left else "channel") for axis in made]


def _drive_guess(found: dict[str, Found], response: str, shape: tuple[int, ...]) -> str:
    for name, one in found.items():
        size = longer(one.values.shape)
        fits = len(size) in (1, 2) and all(n in shape for n in size) and len(size) < len(shape)
        if name != response and fits and _says_drive(name):
            return name
    return ""


def _axes_beside(drive: tuple[int, ...], shape: tuple[int, ...], axes: list[str]) -> list[str]:
    """Axes whose step (and sequence) are as long as the drive's."""
    made = [""] * len(shape)
    for axis, size in zip(("sequence", "step")[-len(drive) :], drive, strict=True):
        at = next((k for k, n in enumerate(shape) if n == size and not made[k]), None)
        if at is None:
            return axes
        made[at] = axis
    left = [a for a in ("sequence", "repeat", "channel") if a not in made]
    if made.count("") == 1:  # beside the steps of each: repeats before them, channels behind
        left = ["repeat" if made.index("") < made.index("step") else "channel"]
    return [axis or (left.pop(0) if left else "channel") for axis in made]


def _table_guess(found: dict[str, Found]) -> str:
    """Of a table with named columns: which one counts sequences, repeats, steps."""
    columns = [n for n, f in found.items() if f.values.ndim == 1]
    if len(columns) < 2 or set(found) - set(columns) - {"values"}:
        return ""
    index: dict[str, str] = {}
    for axis in ("sequence", "repeat", "step"):
        hit = next((c for c in columns if c.lower().rstrip("s_") in AXIS_WORDS[axis]), "")
        if hit and hit not in index.values():
            index[axis] = hit
    again = [c for c in columns if c.lower().rstrip("s_") in AXIS_WORDS["repeat"]]
    if "sequence" not in index and len(again) > 1:  # `run, trial`: the first counts sequences
        index = {**index, "sequence": again[0], "repeat": again[1]}
    if "repeat" not in index and "sequence" not in index:
        return ""
    left = [c for c in columns if c not in index.values()]
    drive = next((c for c in left if c.lower() in DRIVE_WORDS), "")
    holds = next((c for c in left if c.lower() in HOLD_WORDS), "")
    response = [c for c in left if c not in (drive, holds)]
    if not response:
        return ""
    words = [f"response={'+'.join(response)}", *(f"{a}={c}" for a, c in index.items())]
    if drive:
        words += [f"drive={drive}", *_field_guess(found[drive])]
    words += [f"holds={holds}"] if holds else []
    return " ".join(words)


def _field_guess(drive: Found) -> list[str]:
    """The map's word where a drive is a field, or is beyond 0…1."""
    beyond = np.nanmin(drive.values) < 0 or np.nanmax(drive.values) > 1
    unit = f",{drive.unit}" if drive.unit else ""
    return [f"field=auto{unit}"] if beyond or drive.unit in TESLA else []


def show(file: Path) -> Generator[Event, None, Any]:
    """`twinrig import FILE` without a map: what it holds, and a map to begin with."""
    from app.operations.events import Result

    seen = preview(Path(file))
    held = {info.name: info.to_json() for info in seen.arrays}
    values: dict[str, Any] = {"path": str(file), "arrays": held, "map": seen.guess}
    if seen.patterns:
        values["patterns"] = seen.patterns
    yield Result(values)
    return seen
