"""Arrays of a measured file by name, from `.npz`, `.npy`, `.csv`, `.mat`, HDF5 or netCDF.

Nothing in a file is executed: no pickle, and foreign binary formats are read in a child process.
"""

from __future__ import annotations

import csv
import warnings
from typing import TYPE_CHECKING

import numpy as np

from app.artefacts import reading
from app.foreign_files import Found, read_foreign
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.float64]]

DELIMITERS = ",;\t"
MOST_BYTES = 2**32  # a small archive may unpack to more than any memory
SUFFIXES = (
    ".npz", ".npy", ".csv", ".txt", ".tsv", ".nc", ".h5", ".hdf5", ".hdf", ".mat", ".cdf",
)  # fmt: skip


def read_arrays(file: Path) -> Arrays:
    """Every numeric array of a file as float64, by name (`values` where the format has no names).

    Raises
    ------
    InputError
        As `read_found`.
    """
    return {name: found.values for name, found in read_found(file).items()}


def read_found(file: Path) -> dict[str, Found]:
    """Every numeric array of a file as float64, with what the file says of its axes and unit.

    Raises
    ------
    InputError
        Missing, cut short, another format, pickled objects inside, or nothing numeric.
    """
    readers = dict.fromkeys(SUFFIXES, read_foreign) | {
        ".npz": _npz, ".npy": _npy, ".csv": _csv, ".txt": _csv, ".tsv": _csv,
    }  # fmt: skip
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise InputError(f"{file}: {file.suffix or 'no'} suffix; known: {', '.join(SUFFIXES)}")
    with reading(file):
        try:
            found = reader(file)
        except (InputError, OSError):
            raise
        except Exception as fault:  # on a broken header numpy raises whatever its parser does
            raise InputError(f"{file}: no readable {file.suffix} file ({fault})") from fault
    arrays = {}
    for name, one in found.items():
        if one.values.dtype.kind in "biuf" and one.values.size:
            arrays[name] = Found(one.values.astype(np.float64), one.dims, one.unit)
    if not arrays:
        held = ", ".join(f"{name} ({f.values.dtype})" for name, f in found.items()) or "nothing"
        raise InputError(f"{file}: holds no array of real numbers (there is: {held})")
    return arrays


def _npz(file: Path) -> dict[str, Found]:
    with file.open("rb") as opened, np.load(opened, allow_pickle=False) as archive:
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("its content is one .npy array: name it so")
        parts = [] if archive.zip is None else archive.zip.infolist()
        if sum(int(part.file_size) for part in parts) > MOST_BYTES:
            raise ValueError(f"it unpacks to more than {MOST_BYTES} bytes")
        members = {name: archive[name] for name in archive.files}
    return {name: Found(a) for name, a in members.items() if isinstance(a, np.ndarray)}


def _npy(file: Path) -> dict[str, Found]:
    with file.open("rb") as opened:
        array = np.load(opened, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise ValueError("its content is an .npz archive: name it so")
    return {"values": Found(array)}


def _csv(file: Path) -> dict[str, Found]:
    """The table `(rows, columns)` as `values`, and each named column by its name.

    A unit in brackets behind a column's name, `X (V)` or `X [V]`, is its unit.
    """
    text = file.read_text(encoding="utf-8-sig")
    sample = "\n".join(text.splitlines()[:20])
    delimiter = max(DELIMITERS, key=sample.count)
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    rows = [row for row in rows if not row[0].lstrip().startswith("#")]
    if not rows:
        raise ValueError("it has no rows")
    names = None if _is_number(rows[0][0]) else [name.strip() for name in rows.pop(0)]
    widths = {len(row) for row in rows}
    if len(widths) != 1:
        raise ValueError(
            f"its rows have {min(widths, default=0)} to {max(widths, default=0)} columns"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = np.array([[_number(cell) for cell in row] for row in rows])
    found: dict[str, Found] = {"values": Found(table)}
    for i, head in enumerate(names or []):
        name, unit = _head(head)
        if name:
            found[name] = Found(table[:, i], (), unit)
    return found


def _head(head: str) -> tuple[str, str]:
    """Name and unit of a column's head; blanks in a name become `_`, as a map has none."""
    name, unit = head, ""
    for left, right in ("()", "[]"):
        before, bracket, rest = head.partition(left)
        if bracket and rest.endswith(right) and before.strip():
            name, unit = before, rest[:-1].strip()
    return "_".join(name.split()), unit


def _is_number(cell: str) -> bool:
    try:
        _number(cell)
    except ValueError:
        return False
    return True


def _number(cell: str) -> float:
    """A cell as number; an empty one is a gap (NaN)."""
    return float(cell) if cell.strip() else float("nan")
