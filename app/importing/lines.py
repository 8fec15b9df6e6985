"""Lines of a text file from elsewhere, whatever its encoding, without LabVIEW's, Excel's head."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SEPARATOR = re.compile(r"\s*\"?sep=.?\"?\s*", re.IGNORECASE)
END = "***End_of_Header***"  # of LabVIEW's measurement files: once for the file, once a segment

BINARY = {
    b"PK\x03\x04": ("a ZIP archive", "name it .npz if NumPy made it; a workbook save as CSV"),
    b"\x89HDF": ("HDF5", "name it .h5"),
    b"\xd0\xcf\x11\xe0": ("an old workbook", "save it as CSV"),
    b"MATLAB 5": ("MATLAB's own format", "name it .mat"),
    b"\x93NUMPY": ("an array of NumPy's", "name it .npy"),
    b"\x1f\x8b": ("compressed by gzip", "unpack it first"),
}
"""What files of other kinds begin with, when somebody has called them a table."""
UNITS, COMMENT = "Y_Unit_Label", "Comment"


def lines_of(file: Path) -> list[str]:
    """Its lines; LabVIEW's header and Excel's `sep=;` are empty ones: the others keep their number.

    Raises
    ------
    ValueError
        Several segments: of all but one the numbers would be gone.
    """
    lines = _text(file).splitlines()
    ends = [k for k, line in enumerate(lines) if line.startswith(END)]
    if len(ends) > 2:
        raise ValueError(f"it has {len(ends) - 1} segments: save each in a file of its own")
    begin = ends[-1] + 1 if ends else 0
    if ends:
        lines[begin:] = _of_labview(lines[begin:], _units(lines[:begin]))
    if lines and SEPARATOR.fullmatch(lines[0]):
        begin = max(begin, 1)
    return [""] * begin + lines[begin:]


def _of_labview(lines: list[str], units: list[str]) -> list[str]:
    """A segment's names with their units, and its rows as long as the names.

    The last name, Comment, stands there whether or not a row has one.
    """
    if not lines:
        return lines
    names = lines[0].split("\t")
    told = [
        f"{name} ({unit})" if unit and name.strip()[-1:] not in (*")]", "") else name
        for name, unit in zip_longest(names, units[: len(names)], fillvalue="")
    ]
    rows = [
        f"{line}\t" if line.strip() and line.count("\t") == len(names) - 2 else line
        for line in lines[1:]
    ]
    return ["\t".join(told), *(rows if names[-1].strip() == COMMENT else lines[1:])]


def _units(header: list[str]) -> list[str]:
    """Units of a segment's columns, from its header; empty where there is none."""
    cells = next((line.split("\t") for line in header[::-1] if line.startswith(UNITS)), [])
    return [unit.strip() for unit in ["", *cells[1:]]]


def _text(file: Path) -> str:
    """Its text; names in an encoding of Windows are no reason to refuse the numbers."""
    raw = file.read_bytes()
    if not raw:
        raise ValueError("it has no rows: 0 bytes")
    for begin, (kind, todo) in BINARY.items():
        if raw.startswith(begin):
            raise ValueError(f"it is no text but {kind}: {todo}")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")  # of Latin-1 0x85 would end a line
