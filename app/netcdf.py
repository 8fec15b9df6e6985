"""Sealed netCDF-4 files: xarray and h5py open them as they are, and damage never goes unnoticed.

Decision. HDF5 checks none of a file's bytes and its library may crash on broken ones, so behind
the file's end stand a mark and the SHA-256 of everything before it. HDF5 ignores bytes behind its
own end (xarray and h5py were tried). Readers check the seal first, so the HDF5 library only ever
meets whole files. Consequence: a file saved anew by another program has no seal and is refused
with that reason; `twinrig import` takes such files.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h5netcdf
import h5py
import numpy as np

from app.artefacts import reading, replacing
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

SEAL = b"\ntwinrig seal\n"
DIGEST_BYTES = 32
BROKEN = (
    ArithmeticError,
    AttributeError,
    KeyError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What h5py and h5netcdf raise on files that aren't theirs."""
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class Variable:
    """One array with named dimensions and attributes (`units`, `long_name`)."""

    dims: tuple[str, ...]
    values: NDArray[Any]
    attrs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NetcdfContent:
    """What a file holds: arrays by name (float64, int32 or str) and its attributes."""

    variables: dict[str, NDArray[Any]]
    attrs: dict[str, Any]


def write_netcdf(
    path: Path, variables: Mapping[str, Variable], attrs: Mapping[str, str], *, seal: bool = True
) -> None:
    """Write a file whole or not at all, replacing what is there.

    Parameters
    ----------
    path
        The file.
    variables
        By name; one whose name is its own only dimension becomes a coordinate.
    attrs
        Text of the whole file.
    seal
        Leave out the seal where the file will still be changed in place.

    Raises
    ------
    TwinrigError
        The disk refuses.
    """
    with replacing(path) as partial:
        _write_variables(partial, variables, attrs)
        with partial.open("r+b") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
            file.seek(0, os.SEEK_END)
            if seal:
                file.write(SEAL + digest)
            file.flush()
            os.fsync(file.fileno())


def _write_variables(
    path: Path, variables: Mapping[str, Variable], attrs: Mapping[str, str]
) -> None:
    sizes: dict[str, int] = {}
    for variable in variables.values():
        sizes.update(zip(variable.dims, variable.values.shape, strict=True))
    with h5netcdf.File(path, "w") as file:
        file.dimensions = sizes
        for name, variable in variables.items():
            values = variable.values
            kind = h5py.string_dtype() if values.dtype == object else values.dtype
            made = file.create_variable(name, variable.dims, kind, data=values)
            for key, text in variable.attrs.items():
                made.attrs[key] = text
        for key, text in attrs.items():
            file.attrs[key] = text


def read_netcdf(path: Path) -> NetcdfContent:
    """Read a sealed file.

    Raises
    ------
    InputError
        Missing, cut short, damaged, not netCDF-4, or not sealed by Twinrig.
    """
    with reading(path):
        check_seal(path)
    return read_unsealed(path)


def read_unsealed(path: Path) -> NetcdfContent:
    """Read a netCDF-4 or HDF5-with-dimensions file from anywhere; InputError where it is none."""
    try:
        with h5netcdf.File(path, "r", phony_dims="sort") as file:
            variables = {name: _decoded(v[...]) for name, v in file.variables.items()}
            attrs = dict(file.attrs)
    except FileNotFoundError as fault:
        raise InputError(f"{path}: no such file") from fault
    except BROKEN as fault:
        raise InputError(f"{path}: no readable netCDF-4 file ({fault})") from fault
    return NetcdfContent(variables, attrs)


def _decoded(values: Any) -> NDArray[Any]:
    """The array; texts, which HDF5 gives as bytes, as str."""
    array = np.asarray(values)
    if array.dtype != object:
        return array
    texts = [one.decode("utf-8") if isinstance(one, bytes) else one for one in array.ravel()]
    return np.array(texts, dtype=object).reshape(array.shape)


def check_seal(path: Path) -> None:
    """Raise InputError where the seal is missing or broken, OSError where the disk fails."""
    size = path.stat().st_size - len(SEAL) - DIGEST_BYTES
    with path.open("rb") as file:
        if file.read(len(HDF5_MAGIC)) != HDF5_MAGIC:
            raise InputError(f"{path}: no netCDF-4 file (its first bytes say so)")
        file.seek(max(size, 0))
        tail = file.read()
        if size < 0 or not tail.startswith(SEAL):
            raise InputError(
                f"{path}: has no Twinrig seal at its end: cut short, or saved by another program "
                "(twinrig import takes such files)"
            )
        file.seek(0)
        digest = _digest_of_first(file, size)
    if digest != tail[len(SEAL) :]:
        raise InputError(
            f"{path}: doesn't match its seal: damaged, or changed after it was recorded"
        )


def _digest_of_first(file: Any, size: int) -> bytes:
    digest, left = hashlib.sha256(), size
    while left > 0 and (block := file.read(min(left, 2**20))):
        digest.update(block)
        left -= len(block)
    return digest.digest()


def offsets_of(path: Path, names: tuple[str, ...]) -> dict[str, int]:
    """Byte offsets of contiguous arrays in a file, for `LiveArrays`; KeyError where one isn't."""
    with h5py.File(path, "r") as file:
        found = {name: file[name].id.get_offset() for name in names}
    missing = [name for name, offset in found.items() if offset is None]
    if missing:
        raise KeyError(f"{path}: {', '.join(missing)} have no fixed place in the file")
    return found


class LiveArrays:
    """Writes values into the arrays of a file in place; its HDF5 structure never changes.

    A kill in the middle can leave old or new numbers, never a file that doesn't open.
    """

    def __init__(self, path: Path, names: tuple[str, ...]) -> None:
        self._offsets = offsets_of(path, names)
        self._file = path.open("r+b", buffering=0)

    def write(self, name: str, index: int, values: NDArray[Any]) -> None:
        """Overwrite `values.size` items of the flattened array `name`, from item `index` on."""
        self._file.seek(self._offsets[name] + index * values.dtype.itemsize)
        view = memoryview(np.ascontiguousarray(values).tobytes())
        while view:
            view = view[self._file.write(view) or 0 :]

    def close(self) -> None:
        """Close the file; never raises."""
        with suppress(OSError):
            self._file.close()
