"""Arrays of an open netCDF file that grow in place, for everyone who looks at a run meanwhile."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from app.disk import RESTORE, reading
from app.netcdf import HDF5_MAGIC
from models.errors import InputError
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

ORDER_TYPE = np.dtype("<i4")


class LiveArrays:
    """Writes values into the arrays of a file in place; its HDF5 structure never changes.

    A kill in the middle can leave old or new numbers, never a file that doesn't open.
    """

    def __init__(self, path: Path, offsets: Mapping[str, int]) -> None:
        self.offsets = offsets
        self._file = path.open("r+b", buffering=0)

    def write(self, name: str, index: int, values: NDArray[Any]) -> None:
        """Overwrite `values.size` items of the flattened array `name`, from item `index` on."""
        self._file.seek(self.offsets[name] + index * values.dtype.itemsize)
        view = memoryview(np.ascontiguousarray(values).tobytes())
        while view:
            view = view[self._file.write(view) or 0 :]

    def close(self) -> None:
        """Close the file; never raises."""
        with suppress(OSError):
            self._file.close()


def order_in_file(path: Path, at: int, shape: tuple[int, int]) -> NDArray[np.int64] | None:
    """The order `(S, R)` that an open file shows, read without HDF5; None where there is no file.

    Raises
    ------
    InputError
        What is there can't be the file of this run.
    """
    if not os.path.lexists(path):
        return None
    size, content = shape[0] * shape[1] * ORDER_TYPE.itemsize, b""
    with reading(path):
        if file_at(path):
            with path.open("rb") as file:
                if file.read(len(HDF5_MAGIC)) == HDF5_MAGIC:
                    file.seek(at)
                    content = file.read(size)
    if len(content) < size:
        raise InputError(
            f"{path}: is damaged, so nothing tells whether the journal beside it is whole; "
            f"{RESTORE}, or move {path.name} away to go on with what the journal holds"
        )
    return np.frombuffer(content, dtype=ORDER_TYPE).reshape(shape).astype(np.int64)
