"""What a file holds before anything is imported: arrays, ranges, units, and a map to begin with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.foreign_files import Found
from app.importing.exported import EXPORTED, is_exported
from app.importing.guess import guess_map
from app.importing.guess_notes import notes_on_guess
from app.importing.guess_told import is_of_each
from app.importing.join import join_shapes
from app.importing.mapping import Mapping
from app.importing.nanoring import USUAL, is_nanoring, load_pattern, pairs_in
from app.importing.reading import left_out, numeric, read_all
from app.importing.told_notes import told_notes
from app.recording_reader import FILE_NAME as RECORDING
from models.json_form import number
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Generator

    from app.operations.events import Event


@dataclass(frozen=True)
class ArrayInfo:
    """One array: name, shape, its axes' names and unit where the file has them, its range.

    `of_each`: a drive's one value for each file or group, along their axes only.
    """

    name: str
    shape: tuple[int, ...]
    dims: tuple[str, ...]
    unit: str
    low: float
    high: float
    gaps: int
    unapplied: str = ""
    of_each: bool = False

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
        if self.gaps:
            said["gaps"] = self.gaps
        return {**said, "not applied": self.unapplied} if self.unapplied else said

    def words(self) -> str:
        """One line."""
        axes = " × ".join(
            f"{size}{f' {dim}' if dim else ''}"
            for size, dim in zip(self.shape, self.dims or ("",) * len(self.shape), strict=True)
        )
        unit = f" {self.unit}" if self.unit else ""
        gaps = f", {self.gaps} gaps" if self.gaps else ""
        unapplied = f"; not applied: {self.unapplied}" if self.unapplied else ""
        return f"{axes}; {self.low:.4g} … {self.high:.4g}{unit}{gaps}{unapplied}"


@dataclass(frozen=True)
class Preview:
    """The arrays of a file and a guess at its map.

    `patterns`: of the nanoring layout; `left_out`: what is no numbers, and what it is; `joined`:
    the response that the guess makes of several arrays; `notes`: what the guess leaves out.
    """

    arrays: tuple[ArrayInfo, ...]
    guess: str
    patterns: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    joined: ArrayInfo | None = None
    notes: tuple[str, ...] = ()

    def left_out_words(self) -> list[str]:
        """A line for each array that is left out, those of the guess first."""
        return [*self.notes, *(f"{name}   left out: {why}" for name, why in self.left_out.items())]


def preview(file: Path, found: dict[str, Found] | None = None) -> Preview:
    """Look into a file (or a folder of the public nanoring layout); `found`: read already.

    Raises
    ------
    InputError
        As `import_read.read_all`.
    """
    if is_nanoring(file):
        pairs = pairs_in(file)
        shown = [
            _info(name, Found(load_pattern(path)))
            for name, path in (("drive", pairs[0][1]), ("response", pairs[0][2]))
        ]
        return Preview(tuple(shown), USUAL, len(pairs))
    found = found or read_all(file)
    numbers = numeric(found)
    others = {n: f for n, f in found.items() if n not in numbers}
    numbers = {n: f for n, f in numbers.items() if not f.part}
    if is_exported(found):
        return Preview(tuple(_info(n, f) for n, f in numbers.items()), EXPORTED)
    guess = guess_map(numbers, others)
    infos = tuple(_info(n, f) for n, f in numbers.items())
    notes = (*_of_our_own(file), *told_notes(found, numbers), *notes_on_guess(numbers, guess))
    return Preview(infos, guess, 0, left_out(found), _joined(guess, infos), notes)


def _of_our_own(file: Path) -> list[str]:
    """That a file is a recording already, in words; none: it is not."""
    if file.name != RECORDING and not file_at(file / RECORDING):
        return []
    return [
        "it is a recording of Twinrig already: fit, evaluate and export take it as it is, and an "
        "import by a map loses its field, reset, times and marks"
    ]


def _joined(guess: str, infos: tuple[ArrayInfo, ...]) -> ArrayInfo | None:
    """The array that a guess puts together, where it does."""
    array, _, axes = guess.partition(" ")[0].removeprefix("response=").rpartition(":")
    shapes = {info.name: info.shape for info in infos}
    made, shapes, _ = join_shapes(Mapping(array, tuple(axes.split(","))), shapes)
    if not made.joined:
        return None
    parts = [info for info in infos if info.name in made.columns]
    low, high = min(info.low for info in parts), max(info.high for info in parts)
    gaps = sum(info.gaps for info in parts)
    return ArrayInfo(array, shapes[array], (), parts[0].unit, low, high, gaps)


def _info(name: str, found: Found) -> ArrayInfo:
    values = found.values
    known = np.isfinite(values)
    gaps = int(known.size - np.count_nonzero(known))
    inside = values[known] if gaps else values
    low, high = (float(inside.min()), float(inside.max())) if inside.size else (np.nan, np.nan)
    shape = tuple(int(n) for n in values.shape)
    unapplied, of_each = found.unapplied, is_of_each(name, found)
    return ArrayInfo(name, shape, found.dims, found.unit, low, high, gaps, unapplied, of_each)


def show(file: Path) -> Generator[Event, None, Any]:
    """`twinrig import FILE` without a map: what it holds, and a map to begin with."""
    from app.operations.events import Result

    seen = preview(Path(file))
    held = {info.name: info.to_json() for info in seen.arrays}
    values: dict[str, Any] = {"path": str(file), "arrays": held}
    if seen.left_out:
        values["left_out"] = [f"{name}: {why}" for name, why in seen.left_out.items()]
    if seen.notes:
        values["notes"] = list(seen.notes)
    if seen.guess:
        values["map"] = seen.guess
    if seen.patterns:
        values["patterns"] = seen.patterns
    yield Result(values)
    return seen
