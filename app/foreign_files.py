"""HDF5, netCDF and MAT files from anywhere, for `twinrig import`: read in a process of their own.

The HDF5 library was measured to hang for ever on files with flipped bits, and may crash on others.
So a child process opens such a file and hands plain arrays back (`.npz`, nothing pickled); when it
dies or takes too long, that is one clear error here.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError
from models.paths import file_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_S = 60.0  # reading 100 MB takes about one second
MOST_VALUES = 2**28  # 2 GiB: the longest run of a rig has a twentieth of it
START = "from app.foreign_child import child; child()"
UNREADABLE = 3
SAID = ("unit", "unapplied", "told")  # what the child process hands over of an array, in words
OWN_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""Windows' word for `start_new_session`: Ctrl-C is for us, not for the child."""


class UnfitError(ValueError):
    """A file that is whole, but none of what is read; its words are for people."""


@dataclass(frozen=True)
class Found:
    """One array of a file.

    Attributes
    ----------
    values
        Real numbers of any kind, as the file's own program shows them (MATLAB's order of axes);
        texts; or nothing, of what is neither.
    dims
        Names of its axes, where the file has them; else empty.
    unit
        Where the file says one; one each of several channels, joined by commas.
    unapplied
        What else it says of them that may change what they mean, such as `gain = 100`, in words.
    part
        Whether it is one of several alike that are one array of their own, too.
    apart
        Of such an array: those of the same names with other axes or another unit, or no numbers.
    told
        Where its numbers stand, if it is a drive that a name or an attribute tells: in words.
    members
        Of an array of several: the group or file of each, and its place.
    doubles
        Pairs of groups or files that say the same of themselves, of which it has the second.
    """

    values: NDArray[Any]
    dims: tuple[str, ...] = ()
    unit: str = ""
    unapplied: str = ""
    part: bool = False
    apart: tuple[str, ...] = ()
    told: str = ""
    members: tuple[tuple[str, tuple[int, ...]], ...] = ()
    doubles: tuple[tuple[str, str], ...] = ()


def refuse_large(count: float) -> None:
    """Raise UnfitError for more numbers than are read at once."""
    if count > MOST_VALUES:
        raise UnfitError(
            f"it holds {count:.3g} numbers, more than the {MOST_VALUES:.3g} that are read at once: "
            "save a part of it, or means of its samples"
        )


def unreadable_words(fault: Exception) -> str:
    """Why a binary file can't be read: NumPy, h5py and SciPy raise what they please."""
    said = " ".join(str(fault).split()) or type(fault).__name__
    if isinstance(fault, UnfitError):
        return said
    if isinstance(fault, MemoryError):
        return f"it takes more memory than is free: {said}"
    return f"it is cut short, damaged or of another kind: copy or save it anew; its reader: {said}"


def read_foreign(path: Path) -> dict[str, Found]:
    """Arrays of an HDF5, netCDF or MAT file by name; those of neither numbers nor texts are empty.

    Groups, structures and a table's columns become part of the name (`run/spectra`,
    `data.spectra`), a cell array of numeric arrays one array padded with NaN, complex numbers two
    arrays (`s21.real`, `s21.imag`).

    Raises
    ------
    InputError
        Missing, no such file, or one that its library can't cope with.
    """
    if not file_at(path):
        raise InputError(f"{path}: no such file")
    if not path.stat().st_size:
        raise InputError(f"{path}: is empty: 0 bytes")
    kind = path.suffix or "such"
    command = [sys.executable, "-c", START, str(path.resolve())]
    where = Path(__file__).resolve().parents[1]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=LONGEST_S, check=False, cwd=where,
            start_new_session=True, creationflags=OWN_GROUP,
        )  # fmt: skip
    except subprocess.TimeoutExpired as fault:
        raise InputError(
            f"{path}: no readable {kind} file (its library was still busy after {LONGEST_S:g} s)"
        ) from fault
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[-1] if done.returncode == UNREADABLE and said else "its library crashed on it"
        raise InputError(f"{path}: no readable {kind} file ({why})")
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as archive:
        about = json.loads(str(archive["about"]))
        return {
            item["name"]: Found(archive[f"array{i}"], tuple(item["dims"]), **item["said"])
            for i, item in enumerate(about)
        }
