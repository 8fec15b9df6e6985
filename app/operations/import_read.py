"""Arrays of a measured file by name, from `.npz`, `.npy`, `.csv` or `.nc`; nothing is executed."""

from __future__ import annotations

import csv
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import reading
from app.foreign_netcdf import read_foreign
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.float64]]

DELIMITERS = ",;\t"
MOST_BYTES = 2**32  # a small archive may unpack to more than any memory


def read_arrays(file: Path) -> Arrays:
    """Every numeric array of a file as float64, by name (`values` where the format has no names).

    Raises
    ------
    InputError
        Missing, cut short, another format, pickled objects inside, or nothing numeric.
    """
    readers = {".npz": _npz, ".npy": _npy, ".csv": _csv, ".txt": _csv, ".nc": _netcdf}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise InputError(f"{file}: {file.suffix or 'no'} suffix; known: {', '.join(readers)}")
    with reading(file):
        try:
            found = reader(file)
        except (InputError, OSError):
            raise
        except Exception as fault:  # on a broken header numpy raises whatever its parser does
            raise InputError(f"{file}: no readable {file.suffix} file ({fault})") from fault
    arrays = {}
    for name, array in found.items():
        if array.dtype.kind in "biuf" and array.size:
            arrays[name] = array.astype(np.float64)
    if not arrays:
        held = ", ".join(f"{name} ({array.dtype})" for name, array in found.items()) or "nothing"
        raise InputError(f"{file}: holds no array of real numbers (there is: {held})")
    return arrays


def _npz(file: Path) -> dict[str, NDArray[Any]]:
    with file.open("rb") as opened, np.load(opened, allow_pickle=False) as archive:
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("its content is one .npy array: name it so")
        parts = [] if archive.zip is None else archive.zip.infolist()
        if sum(int(part.file_size) for part in parts) > MOST_BYTES:
            raise ValueError(f"it unpacks to more than {MOST_BYTES} bytes")
        members = {name: archive[name] for name in archive.files}
    return {name: array for name, array in members.items() if isinstance(array, np.ndarray)}


def _npy(file: Path) -> dict[str, NDArray[Any]]:
    with file.open("rb") as opened:
        array = np.load(opened, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise ValueError("its content is an .npz archive: name it so")
    return {"values": array}


def _netcdf(file: Path) -> dict[str, NDArray[Any]]:
    return read_foreign(file)


def _csv(file: Path) -> dict[str, NDArray[Any]]:
    """The table `(rows, columns)` as `values`, and each named column by its name."""
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
    columns = {name: table[:, i] for i, name in enumerate(names or []) if name}
    return {"values": table, **columns}


def _is_number(cell: str) -> bool:
    try:
        _number(cell)
    except ValueError:
        return False
    return True


def _number(cell: str) -> float:
    """A cell as number; an empty one is a gap (NaN)."""
    return float(cell) if cell.strip() else float("nan")
