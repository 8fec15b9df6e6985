"""Sealed netCDF-4 files: xarray and h5py open them as they are, and damage never goes unnoticed.

Decision. HDF5 checks none of a file's bytes. Its library was measured to hang for ever, or to give
wrong numbers without a word, on files with flipped bits, and to crash the program when it writes to
a disk that fills up. So it builds its files in memory and Twinrig writes them; and behind the
file's end, where HDF5 doesn't look (xarray and h5py were tried), stand an index (JSON: each array's
type, shape and place, the texts, the attributes), a mark, the index's length and the SHA-256 of
everything before it. Twinrig checks the digest and then reads the arrays by the index: HDF5 never
opens a file here, it is for others to read them with.
Consequence: a file saved anew by another program has no seal and is refused with that reason;
`twinrig import` takes such files. A file that someone forges with a seal of its own can hold wrong
numbers, but it can neither hang the program nor fill the memory.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import canonical, parse_json, reading, replacing
from app.disk import RESTORE
from models.errors import InputError, raise_problems
from models.json_form import COUNT, TEXT, Leaf, Rows, Table, faults
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

SEAL = b"\ntwinrig seal 2\n"
INDEX_LENGTH = struct.Struct("<Q")
DIGEST_BYTES = 32
FOOT_BYTES = len(SEAL) + INDEX_LENGTH.size + DIGEST_BYTES
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
BLOCK_BYTES = 2**20
TYPES = ("<f8", "<i4")
TYPE = Leaf(f"one of {', '.join(TYPES)}", lambda value: value in TYPES)
SHAPE = Rows(COUNT)
INDEX = Table(
    {
        "attrs": Table(others=TEXT),
        "arrays": Table(others=Table({"type": TYPE, "shape": SHAPE, "at": COUNT})),
        "texts": Table(others=Table({"shape": SHAPE, "words": Rows(TEXT)})),
    }
)


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
) -> dict[str, int]:
    """Write a file whole or not at all, replacing what is there.

    Parameters
    ----------
    path
        The file.
    variables
        By name: float64, int32 or (dtype object) texts; one whose name is its own only dimension
        becomes a coordinate.
    attrs
        Text of the whole file.
    seal
        Leave out the seal where the file will still be changed in place.

    Returns
    -------
    dict
        Byte offset of each array of numbers in the file.

    Raises
    ------
    TwinrigError
        The disk refuses.
    """
    image = io.BytesIO()
    places = _write_image(image, variables, attrs)
    if seal:
        index = _index_of(variables, attrs, places)
        image.seek(0, os.SEEK_END)
        image.write(index + SEAL + INDEX_LENGTH.pack(len(index)))
        image.write(hashlib.sha256(image.getbuffer()).digest())
    with replacing(path) as partial, partial.open("wb", buffering=0) as file:
        # each view let go where the disk refuses, too: Python 3.13 complains of one that is left
        with image.getbuffer() as view:
            done = 0
            while done < len(view):
                with view[done : done + BLOCK_BYTES] as block:
                    done += file.write(block) or 0
        os.fsync(file.fileno())
    return places


def _write_image(
    image: io.BytesIO, variables: Mapping[str, Variable], attrs: Mapping[str, str]
) -> dict[str, int]:
    import h5netcdf  # for writing only: reading, as the window does at its start, needs no HDF5
    import h5py

    sizes: dict[str, int] = {}
    for variable in variables.values():
        sizes.update(zip(variable.dims, variable.values.shape, strict=True))
    with h5netcdf.File(image, "w") as file:
        file.dimensions = sizes
        for name, variable in variables.items():
            values = variable.values
            kind = h5py.string_dtype() if values.dtype == object else values.dtype
            made = file.create_variable(name, variable.dims, kind, data=values)
            for key, text in variable.attrs.items():
                made.attrs[key] = text
        for key, text in attrs.items():
            file.attrs[key] = text
    numbers = [n for n, v in variables.items() if v.values.dtype != object and v.values.size]
    with h5py.File(image, "r") as file:
        places = {name: file[name].id.get_offset() for name in numbers}
    if None in places.values():
        raise ValueError(f"{places}: an array has no fixed place in its file")
    return places


def _index_of(
    variables: Mapping[str, Variable], attrs: Mapping[str, str], places: Mapping[str, int]
) -> bytes:
    index: dict[str, Any] = {"attrs": dict(attrs), "arrays": {}, "texts": {}}
    for name, variable in variables.items():
        values, shape = variable.values, list(variable.values.shape)
        if values.dtype == object:
            words = [str(word) for word in values.ravel()]
            index["texts"][name] = {"shape": shape, "words": words}
        else:
            kind, at = values.dtype.newbyteorder("<").str, places.get(name, 0)
            index["arrays"][name] = {"type": kind, "shape": shape, "at": at}
    if problems := faults(index, INDEX):
        raise ValueError(f"can't be indexed: {'; '.join(problems)}")
    return canonical(index)


def read_netcdf(path: Path, *, whole: bool = True) -> NetcdfContent:
    """Read a sealed file; without `whole` its arrays stay on the disk, its digest unchecked.

    Raises
    ------
    InputError
        Missing, cut short, damaged, not netCDF-4, or not sealed by Twinrig.
    """
    if not file_at(path):
        raise InputError(f"{path}: no such file or folder")
    with reading(path), path.open("rb") as file:
        index, end = _checked_index(path, file, whole=whole)
        raise_problems(InputError, f"{path}: its index ({RESTORE})", _misfits(index, end))
        try:
            arrays = {n: _array(file, entry, whole=whole) for n, entry in index["arrays"].items()}
            texts = {
                name: np.array(entry["words"], dtype=object).reshape(entry["shape"])
                for name, entry in index["texts"].items()
            }
        except ValueError as fault:  # a forged shape: of nothing, but beyond any array's
            raise InputError(f"{path}: its index: {fault}; {RESTORE}") from fault
    return NetcdfContent({**arrays, **texts}, index["attrs"])


def _checked_index(path: Path, file: BinaryIO, *, whole: bool) -> tuple[dict[str, Any], int]:
    """The index, and where it begins; InputError where the seal is missing or, `whole`, broken."""
    if file.read(len(HDF5_MAGIC)) != HDF5_MAGIC:
        raise InputError(
            f"{path}: no netCDF-4 file (its first bytes say so); one of another program becomes a "
            f"recording by twinrig import; {RESTORE}"
        )
    foot = max(file.seek(0, os.SEEK_END) - FOOT_BYTES, 0)
    file.seek(foot)
    tail = file.read(FOOT_BYTES)
    if len(tail) < FOOT_BYTES or not tail.startswith(SEAL):
        raise InputError(
            f"{path}: has no Twinrig seal at its end: cut short, of an earlier Twinrig, or saved "
            f"by another program (twinrig import takes such files); {RESTORE}"
        )
    file.seek(0)
    sealed = foot + FOOT_BYTES - DIGEST_BYTES
    if whole and _digest_of_first(file, sealed) != tail[-DIGEST_BYTES:]:
        raise InputError(
            f"{path}: doesn't match its seal: damaged, or changed after it was recorded; {RESTORE}"
        )
    (length,) = INDEX_LENGTH.unpack_from(tail, len(SEAL))
    if length > foot:
        raise InputError(f"{path}: its index is longer than the file; {RESTORE}")
    file.seek(foot - length)
    return parse_json(file.read(length), f"{path}: its index"), foot - length


def _digest_of_first(file: BinaryIO, size: int) -> bytes:
    digest, left = hashlib.sha256(), size
    while left > 0 and (block := file.read(min(left, BLOCK_BYTES))):
        digest.update(block)
        left -= len(block)
    return digest.digest()


def _misfits(index: dict[str, Any], end: int) -> list[str]:
    """What is wrong with an index: no array may lie outside the file, or all of them fill it twice.

    So nothing that a file claims takes more memory than its bytes do.
    """
    problems = faults(index, INDEX)
    if problems:
        return problems
    total = 0
    for name, entry in index["arrays"].items():
        size = _bytes_of(entry)
        total += size
        if entry["at"] + size > end:
            problems.append(f"array {name} of shape {entry['shape']} lies outside the file")
    for name, entry in index["texts"].items():
        if _product(entry["shape"]) != len(entry["words"]):
            problems.append(f"{name} of shape {entry['shape']} has {len(entry['words'])} words")
    if total > end:
        problems.append("its arrays overlap")
    return problems


def _bytes_of(entry: dict[str, Any]) -> int:
    return _product(entry["shape"]) * int(np.dtype(entry["type"]).itemsize)


def _product(shape: list[int]) -> int:
    total = 1  # of Python: numpy's would overflow
    for size in shape:
        total *= size
    return total


def _array(file: BinaryIO, entry: dict[str, Any], *, whole: bool) -> NDArray[Any]:
    if _bytes_of(entry) and not whole:
        return np.memmap(file, entry["type"], "r", entry["at"], tuple(entry["shape"]))
    file.seek(entry["at"])
    values = np.frombuffer(bytearray(file.read(_bytes_of(entry))), dtype=entry["type"])
    return values.reshape(entry["shape"])
