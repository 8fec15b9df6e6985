"""Files that other programs read, of rows (CSV) or of arrays (NumPy's NPZ, MATLAB's MAT)."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from app.words import size
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import BinaryIO

    from numpy.typing import NDArray

    Array = NDArray[Any]

ABOUT = "about"  # of the arrays that one which is JSON of what the others rest on
MAT_BYTES = 2**31 - 1  # of one variable: SciPy writes MATLAB's version 5, which counts so far


def write_csv(file: BinaryIO, rows: Iterable[Sequence[Any]]) -> None:
    """Rows, the first of them names."""
    text = io.TextIOWrapper(file, "utf-8", newline="")
    csv.writer(text).writerows(rows)
    text.flush()
    text.detach()  # the file stays open: whoever opened it closes it


def cells(values: Array) -> list[float | str]:
    """Each number with all its digits; an empty cell where there is none."""
    return ["" if value != value else value for value in values.tolist()]


def write_npz(file: BinaryIO, arrays: Mapping[str, Array]) -> None:
    """NumPy's archive: `np.load(FILE)`, without pickles."""
    named: dict[str, Any] = dict(arrays)
    np.savez_compressed(file, **named)


def write_mat(file: BinaryIO, arrays: Mapping[str, Array]) -> None:
    """MATLAB's version 5; names are cell arrays.

    Raises
    ------
    InputError
        An array is larger than that format holds.
    """
    from scipy.io import savemat

    if (most := max(array.nbytes for array in arrays.values())) > MAT_BYTES:
        raise InputError(
            f"an array of {size(most)}: a MAT file of version 5 holds {size(MAT_BYTES)} in one; "
            "write .npz, or open recording.nc, which is HDF5, with h5read"
        )
    words = {name: a.astype(object) for name, a in arrays.items() if a.dtype.kind == "U"}
    opened: Any = file  # SciPy takes it, its types don't say so
    savemat(opened, {**arrays, **words, ABOUT: str(arrays[ABOUT])}, do_compression=True)


OF_ARRAYS: dict[str, Callable[[BinaryIO, Mapping[str, Array]], None]] = {
    ".npz": write_npz,
    ".mat": write_mat,
}
ENDINGS = (".csv", *OF_ARRAYS)
