"""netCDF-4 files from anywhere, for `twinrig import`: read in a process of their own.

The HDF5 library was measured to hang for ever on files with flipped bits, and may crash on others.
So a child process opens such a file and hands plain arrays back (`.npz`, nothing pickled); when it
dies or takes too long, that is one clear error here.
"""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_S = 60.0  # reading 100 MB takes about one second
START = "from app.foreign_netcdf import child; child()"
UNREADABLE = 3
MOST_VALUES = 2**28  # 2 GiB: the longest run of a rig has a twentieth of it


def read_foreign(path: Path) -> dict[str, NDArray[Any]]:
    """Numeric arrays of a netCDF-4 (or HDF5) file by name; those of other types are left out.

    Raises
    ------
    InputError
        Missing, no such file, or one that the HDF5 library can't cope with.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    command = [sys.executable, "-c", START, str(path.resolve())]
    where = Path(__file__).resolve().parents[1]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=LONGEST_S, check=False, cwd=where
        )
    except subprocess.TimeoutExpired as fault:
        raise InputError(
            f"{path}: no readable netCDF-4 file (HDF5 was still busy after {LONGEST_S:g} s)"
        ) from fault
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[-1] if done.returncode == UNREADABLE and said else "HDF5 crashed on it"
        raise InputError(f"{path}: no readable netCDF-4 file ({why})")
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as archive:
        return {str(name): archive[f"array{i}"] for i, name in enumerate(archive["names"])}


def child() -> None:
    """What the child process does: arrays of the file named last to standard output."""
    import h5netcdf

    warnings.simplefilter("ignore")
    try:
        with h5netcdf.File(sys.argv[-1], "r", phony_dims="sort") as file:
            wanted = {n: v for n, v in file.variables.items() if v.dtype.kind in "biuf"}
            if sum(int(np.prod(v.shape, dtype=float)) for v in wanted.values()) > MOST_VALUES:
                raise ValueError(f"claims more than {MOST_VALUES} numbers")
            arrays = {name: np.asarray(v[...]) for name, v in wanted.items()}
        if not arrays:
            raise ValueError("holds no array of numbers")
    except Exception as fault:  # h5py and h5netcdf raise whatever their layers do
        sys.stderr.write(" ".join(str(fault).split()) or type(fault).__name__)
        sys.exit(UNREADABLE)
    stream = io.BytesIO()
    numbered: dict[str, Any] = {f"array{i}": array for i, array in enumerate(arrays.values())}
    np.savez(stream, names=np.array(list(arrays), dtype=str), **numbered)
    sys.stdout.buffer.write(stream.getbuffer())
