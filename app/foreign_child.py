"""What the child process of `app.foreign_files` does: read one file, write plain arrays to stdout.

MAT files of version 7.3 are HDF5 with MATLAB's axes in reverse; older ones are MATLAB's own format.
"""

from __future__ import annotations

import io
import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from app.foreign_files import (
    SAID,
    UNREADABLE,
    Found,
    UnfitError,
    refuse_large,
    unreadable_words,
)
from app.foreign_told import told_by_attributes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Arrays = dict[str, Found]

NUMBERS = "biuf"
HDF5, CLASSIC = b"\x89HDF\r\n\x1a\n", b"CDF"
PLACEHOLDER = b"This is a netCDF dimension but not a netCDF variable"
NOTHING = np.empty(0)
BLOCK_BYTES = 2**24
APPLIED = ("scale_factor", "add_offset")  # where there is one, as the CF convention says
SHOWN = 4  # of an attribute's numbers
SCALES = (
    "gain", "scale", "factor", "offset", "sensitivity", "multiplier", "conversion", "lsb", "slope",
    "volts_per", "v_per", "increment", "yinc",
)  # fmt: skip
"""Words of attributes that may change what numbers mean, and by which convention nobody knows."""


def child() -> None:
    """Read the file named last; exit status 3 and one line on stderr where it can't be read."""
    warnings.simplefilter("ignore")
    try:
        found = _read(Path(sys.argv[-1]))
    except Exception as fault:  # h5py and scipy raise whatever their layers do
        sys.stderr.write(unreadable_words(fault))
        sys.exit(UNREADABLE)
    about = [
        {"name": n, "dims": list(f.dims), "said": {word: getattr(f, word) for word in SAID}}
        for n, f in found.items()
    ]
    numbered: dict[str, Any] = {f"array{i}": f.values for i, f in enumerate(found.values())}
    stream = io.BytesIO()  # Windows' pipes claim that they can be sought in, which an archive does
    np.savez(stream, about=np.array(json.dumps(about)), **numbered)
    with stream.getbuffer() as view:
        for begin in range(0, len(view), BLOCK_BYTES):  # one write of 2 GiB is cut short in silence
            with view[begin : begin + BLOCK_BYTES] as block:
                sys.stdout.buffer.write(block)


def _read(path: Path) -> Arrays:
    with path.open("rb") as file:
        head = file.read(1024)
    if head.startswith(HDF5) or head[512:].startswith(HDF5):  # MATLAB writes 512 bytes of words
        return dict(_hdf5(path))
    if head.startswith(CLASSIC):
        return dict(_classic(path))
    if path.suffix.lower() == ".mat":
        return dict(_mat(path))
    raise UnfitError("it is neither HDF5 nor netCDF, or damaged at its beginning")


def _hdf5(path: Path) -> Iterator[tuple[str, Found]]:
    import h5py

    with h5py.File(path, "r") as file:
        items: list[tuple[str, Any]] = [("", file)]
        file.visititems(lambda name, item: items.append((name, item)))
        items = [(n, item) for n, item in items if not n.startswith("#")]
        datasets = [(n, item) for n, item in items if isinstance(item, h5py.Dataset)]
        refuse_large(sum(float(np.prod(d.shape or (0,), dtype=float)) for _, d in datasets))
        for name, dataset in datasets:
            if dataset.shape is None or _attribute(dataset, "NAME").startswith(PLACEHOLDER):
                continue
            yield from _dataset(name, dataset, file)
        yield from told_by_attributes(dict(items), frozenset(dict(datasets)))


def _dataset(name: str, dataset: Any, file: Any) -> Iterator[tuple[str, Found]]:
    """One HDF5 dataset; MATLAB's has its axes reversed, its cells are references."""
    import h5py

    matlab = _attribute(dataset, "MATLAB_class").decode("ascii", "replace")
    if h5py.check_ref_dtype(dataset.dtype):  # a cell, or a field of an array of structures
        cells = dataset[...].T
        parts = [_of_matlab(file[ref]) for ref in cells.ravel() if ref]
        yield from _cells(name.replace("/", "."), parts, cells.shape)
        return
    if matlab:
        yield from _split(name.replace("/", "."), _of_matlab(dataset), (), "")
        return
    known = {**_unwritten(dataset), **dataset.attrs}
    if isinstance(h5py.check_vlen_dtype(dataset.dtype), np.dtype):  # rows of their own lengths
        parts = list(dataset[...].ravel())
        yield from _with_unapplied(_cells(name, parts, dataset.shape, _unit(known)), known)
        return
    found = _split(name, _scaled(np.asarray(dataset[...]), known), _dims_of(dataset), _unit(known))
    yield from _with_unapplied(found, known)


def _with_unapplied(
    found: Iterator[tuple[str, Found]], attributes: dict[str, Any]
) -> Iterator[tuple[str, Found]]:
    """Arrays with what an attribute of theirs may mean for their numbers, and is not applied."""
    told = []
    for key, value in attributes.items():
        array = np.asarray(value)
        applied = key in APPLIED and array.size == 1
        if applied or array.dtype.kind not in NUMBERS or not array.size:
            continue
        if any(word in key.lower() for word in SCALES):
            numbers = [f"{one:g}" for one in array.ravel()[:SHOWN].tolist()]
            told.append(f"{key} = {','.join(numbers)}{'…' if array.size > SHOWN else ''}")
    for name, one in found:
        yield name, replace(one, unapplied=", ".join(told))


def _unit(attributes: dict[str, Any]) -> str:
    """The unit that attributes tell, `units` or `unit` in any letters; one each, by commas."""
    for key, value in attributes.items():
        if key.lower() in ("units", "unit"):
            words = [
                one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)
                for one in np.asarray(value).ravel().tolist()
            ]
            return words[0] if len(set(words)) == 1 else ",".join(words)
    return ""


def _of_matlab(item: Any) -> NDArray[Any]:
    """A variable of MATLAB 7.3 with its own order of axes; nothing of a structure in a cell."""
    if not hasattr(item, "shape"):
        return NOTHING
    values = np.asarray(item[...])
    empty = "MATLAB_empty" in item.attrs  # whose values are its shape
    if _attribute(item, "MATLAB_class") == b"char":
        return np.array("" if empty else "".join(map(chr, values.T.ravel())))
    if empty:
        return np.empty([int(n) for n in values.ravel()])
    return values.T


def _unwritten(dataset: Any) -> dict[str, Any]:
    """What HDF5 gives for values that nobody wrote, as `_FillValue`; of 0 and of bytes none can."""
    told = dataset.dtype.kind in NUMBERS and dataset.dtype.itemsize > 1 and dataset.fillvalue
    return {"_FillValue": dataset.fillvalue} if told else {}


def _dims_of(dataset: Any) -> tuple[str, ...]:
    names = []
    for dim in dataset.dims:
        scale = next(iter(dim.values()), None) if len(dim) else None
        names.append(dim.label or (scale.name.rpartition("/")[2] if scale is not None else ""))
    return tuple(names) if all(names) else ()


def _scaled(values: NDArray[Any], attributes: dict[str, Any]) -> NDArray[Any]:
    """Gaps as NaN, packed numbers unpacked, as the CF convention says."""
    if values.dtype.kind not in NUMBERS:
        return values
    out = values
    for key in ("_FillValue", "missing_value"):
        if key in attributes:
            for gap in np.asarray(attributes[key]).ravel():
                if gap == gap:
                    out = np.where(values == gap, np.nan, out)
    for key, apply in (("scale_factor", np.multiply), ("add_offset", np.add)):
        if key in attributes and np.size(attributes[key]) == 1:
            out = apply(out, float(np.asarray(attributes[key]).ravel()[0]))
    return out


def _attribute(dataset: Any, key: str) -> bytes:
    """A text attribute as bytes; empty where there is none."""
    value = dataset.attrs.get(key, b"")
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else b""
    return value.encode() if isinstance(value, str) else bytes(value) if value else b""


def _classic(path: Path) -> Iterator[tuple[str, Found]]:
    from scipy.io import netcdf_file

    with netcdf_file(path, "r", mmap=False) as file:
        for name, variable in file.variables.items():
            values: NDArray[Any] = np.array(cast("Any", variable)[...])
            values = values.astype(values.dtype.newbyteorder("="))
            dims = tuple(variable.dimensions)
            if values.dtype.kind == "S" and values.ndim:  # texts, a byte each
                values, dims = (
                    np.char.strip(
                        np.ascontiguousarray(values).view(f"S{values.shape[-1]}")[..., 0], b" \0"
                    ),
                    dims[:-1],
                )
            kept = vars(variable).get("_attributes", {})
            parts = _split(name, _scaled(values, kept), dims, _unit(kept))
            yield from _with_unapplied(parts, kept)


def _mat(path: Path) -> Iterator[tuple[str, Found]]:
    from scipy.io import loadmat

    for name, value in loadmat(path, squeeze_me=False, struct_as_record=True).items():
        if not name.startswith("__"):
            yield from _matlab(name, value)


def _matlab(name: str, value: Any) -> Iterator[tuple[str, Found]]:
    """A variable of MATLAB's own format: structures and cells are object arrays."""
    array = np.asarray(value)
    if array.dtype.names:
        if array.size == 1:
            for key in array.dtype.names:
                yield from _matlab(f"{name}.{key}", array[key].ravel()[0])
        else:
            for key in array.dtype.names:
                yield from _cells(f"{name}.{key}", list(array[key].ravel()), array.shape)
    elif array.dtype.kind == "O":
        parts = [np.asarray(part) for part in array.ravel()]
        fields = parts[0].dtype.names if len({part.dtype.names for part in parts}) == 1 else None
        for key in fields or ("",):  # of structures in cells as of an array of structures
            of = [part[key].ravel()[0] for part in parts if part.size] if key else parts
            yield from _cells(f"{name}.{key}".rstrip("."), of, array.shape)
    else:
        yield from _split(name, array, (), "")


def _cells(
    name: str, parts: list[Any], shape: tuple[int, ...], unit: str = ""
) -> Iterator[tuple[str, Found]]:
    """Cells of numbers as one array, of texts too; of anything else nothing.

    `shape`: of the cells, whose axes it keeps where there are several.
    """
    arrays = [np.asarray(part) for part in parts]
    if all(a.dtype.kind in NUMBERS + "c" for a in arrays):
        whole, several = _padded(arrays), tuple(n for n in shape if n != 1)
        if len(several) > 1 and np.prod(several) == len(whole):
            whole = whole.reshape(*several, *whole.shape[1:])
        yield from _split(name, whole, (), unit)
    elif all(a.dtype.kind == "U" and a.size < 2 for a in arrays):  # an empty text has none
        yield name, Found(np.array(["".join(a.ravel()) for a in arrays]))
    else:
        yield name, Found(NOTHING)


def _padded(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Arrays of one number of axes in one, along a new first axis, NaN where one is shorter."""
    if not parts or len({part.ndim for part in parts}) != 1:
        return np.empty(0)
    shape = tuple(max(sizes) for sizes in zip(*(p.shape for p in parts), strict=True))
    refuse_large(len(parts) * float(np.prod(shape, dtype=float)))
    kind = complex if any(p.dtype.kind == "c" for p in parts) else float
    whole = np.full((len(parts), *shape), np.nan, dtype=kind)
    for k, part in enumerate(parts):
        whole[k][tuple(slice(0, n) for n in part.shape)] = part
    return whole


def _split(
    name: str, values: NDArray[Any], dims: tuple[str, ...], unit: str
) -> Iterator[tuple[str, Found]]:
    """Numbers and texts as they are; complex ones as two arrays, a table as one for each column."""
    fields = values.dtype.names
    if fields and set(fields) in ({"real", "imag"}, {"r", "i"}):
        values = values[fields[0]] + 1j * values[fields[1]]
        fields = None
    if fields:
        for key in fields:
            yield from _split(f"{name}.{key}", values[key], dims, unit)
    elif values.dtype.kind == "c":
        for part, of in (("real", values.real), ("imag", values.imag)):
            yield f"{name}.{part}", Found(np.ascontiguousarray(of), dims, unit)
    elif values.dtype.kind in NUMBERS:
        yield name, Found(np.ascontiguousarray(values), dims, unit)
    else:
        yield name, Found(_texts(values), dims, unit)


def _texts(values: NDArray[Any]) -> NDArray[Any]:
    """Texts as NumPy's own; of anything else nothing."""
    if values.dtype.kind == "O" and not all(isinstance(v, str | bytes) for v in values.flat):
        return NOTHING
    if values.dtype.kind not in "OSU":
        return NOTHING
    words = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values.flat]
    return np.array(words, dtype=str).reshape(values.shape)
