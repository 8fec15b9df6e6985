"""Arrays of a measured file by name, from `.npz`, `.npy`, `.csv`, `.mat`, `.s2p`, HDF5, netCDF.

Of a folder those of all its files of the most frequent kind, `run_1/X` that of `run_1.csv`.

Nothing in a file is executed: no pickle, and foreign binary formats are read in a child process.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from stat import S_ISDIR
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from app.artefacts import reading
from app.foreign_files import Found, UnfitError, read_foreign, refuse_large, unreadable_words
from app.importing.alike import columns_count, with_alike
from app.importing.csv_text import read_csv
from app.importing.told import with_columns, with_one_each, without_alone
from app.importing.touchstone import SUFFIXES as TOUCHSTONE
from app.importing.touchstone import read_touchstone
from app.words import some_of
from models.errors import InputError, raise_problems
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

T = TypeVar("T")
NUMPY = (".npz", ".npy")
NO_NUMPY = "it is none of NumPy's, or holds Python objects, which are never loaded"
BYTES = 8  # of a number; a small archive may unpack to more than any memory
SHOWN, MOST_CHARACTERS = 5, 80
PARTING = re.compile(r"[\s:+]+")
MOST_PROBLEMS = 12
NOT_READ = np.array("another kind of file")
TABLES = (".csv", ".txt", ".tsv", ".dat", ".asc", ".lvm")
SUFFIXES = (
    ".npz", ".npy", *TABLES, ".nc", ".h5", ".hdf5", ".hdf", ".mat", ".cdf", *TOUCHSTONE,
)  # fmt: skip


def numeric(found: dict[str, Found]) -> dict[str, Found]:
    """Those that are arrays of numbers."""
    return {name: one for name, one in found.items() if _is_numeric(one)}


def left_out(found: dict[str, Found]) -> dict[str, str]:
    """What of a file is no array of numbers, and what it is instead, in words."""
    rest = {name: one for name, one in found.items() if not (_is_numeric(one) or one.part)}
    return {name: _instead(one) for name, one in rest.items()}


def _is_numeric(found: Found) -> bool:
    return found.values.dtype.kind in "biuf" and found.values.size > 0


def _instead(found: Found) -> str:
    values = found.values
    if values.dtype.kind == "O":
        return "Python objects, which are never loaded"
    if values is NOT_READ:
        return str(NOT_READ)
    if values.dtype.kind != "U":
        return "no numbers"
    words = [str(word) for word in values.ravel()[:SHOWN]]
    text = ", ".join(words + ["…"] * (values.size > SHOWN))
    return f"text: {text[:MOST_CHARACTERS]}{'…' * (len(text) > MOST_CHARACTERS)}"


def read_all(file: Path) -> dict[str, Found]:
    """Every array of a file: of numbers as float64, of texts, and of what is never loaded.

    Raises
    ------
    InputError
        Missing, cut short, another format, pickled objects inside, or nothing numeric.
    """
    return drained(read_steps(file))


def drained(reader: Generator[object, None, T]) -> T:
    """What a reader returns, its progress unheard."""
    while True:
        try:
            next(reader)
        except StopIteration as end:
            made: T = end.value
            return made


def read_steps(file: Path) -> Generator[tuple[int, int], None, dict[str, Found]]:
    """As `read_all`; of a folder yields how many of how many files are read."""
    with reading(file):
        is_folder = S_ISDIR(file.stat().st_mode)
    if is_folder:
        try:
            return with_one_each(without_alone((yield from _of_folder(file))))
        except UnfitError as fault:
            raise InputError(f"{file}: {fault}") from fault
    return with_one_each(without_alone(_of_file(file)))


def _of_file(file: Path) -> dict[str, Found]:
    readers = dict.fromkeys(SUFFIXES, read_foreign) | dict.fromkeys(NUMPY, _numpy)
    readers |= dict.fromkeys(TABLES, read_csv) | dict.fromkeys(TOUCHSTONE, read_touchstone)
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise InputError(f"{file}: {file.suffix or 'no'} suffix; known: {', '.join(SUFFIXES)}")
    with reading(file):
        try:
            found = reader(file)
        except (InputError, OSError):
            raise
        except Exception as fault:  # of a text: whatever its parts do
            raise InputError(f"{file}: no readable {file.suffix} file ({fault})") from fault
    made = {
        name: replace(one, values=one.values.astype(np.float64, copy=False))
        if _is_numeric(one)
        else one
        for name, one in _real(found)
    }
    if not numeric(made):
        held = ", ".join(f"{name} ({why})" for name, why in left_out(made).items()) or "nothing"
        raise InputError(f"{file}: holds no array of real numbers (there is: {held})")
    suffix = file.suffix.lower()
    if suffix in TABLES:
        return _with_columns(_mappable(made))
    return _mappable(with_alike(made, "." if suffix == ".mat" else "/"))


def _with_columns(found: dict[str, Found]) -> dict[str, Found]:
    """A table's columns, and for those that count runs one array of all, without the table."""
    if not columns_count(found):
        return found
    whole = with_alike(found)
    return whole | {"values": replace(whole["values"], part=True)}


def _mappable(found: dict[str, Found]) -> dict[str, Found]:
    """Arrays by names that a map can hold: in one, blanks, colons and plus signs part entries."""
    named = {PARTING.sub("_", name.strip()): one for name, one in found.items()}
    return named if len(named) == len(found) else found


def files_in(folder: Path) -> list[Path]:
    """The files of a folder's most frequent kind, of its folders too, by their paths."""
    return _of_one_kind(_all_in(folder))


def _of_one_kind(files: list[Path]) -> list[Path]:
    kinds = Counter(p.suffix.lower() for p in files if p.suffix.lower() in SUFFIXES)
    most = [kind for kind, _ in kinds.most_common(1)]
    return [p for p in files if p.suffix.lower() in most]


def _all_in(folder: Path) -> list[Path]:
    """Every file but hidden ones, such as a Mac leaves on a stick beside each."""
    return sorted(p for p in folder.rglob("*") if file_at(p) and not p.name.startswith("."))


def _of_folder(folder: Path) -> Generator[tuple[int, int], None, dict[str, Found]]:
    """The arrays of a folder's files, each by its file's path in it; all faults at once."""
    found: dict[str, Found] = {}
    problems = []
    with reading(folder):
        every = _all_in(folder)
    files = _of_one_kind(every)
    rest, size = sorted(set(every) - set(files)), 0.0
    for done, file in enumerate(files, start=1):
        yield done, len(files)
        own = file.relative_to(folder).with_suffix("").as_posix()
        try:
            arrays = _of_file(file)
        except InputError as fault:
            problems.append(str(fault))
            continue
        for name, one in arrays.items():
            if name == "values" and file.suffix.lower() in TABLES:
                if len(arrays) > 1:  # its columns have names
                    continue
                one = replace(one, dims=("step", "channel"))
            found[f"{own}/{name}"] = one
            size += one.values.size
        refuse_large(size)
    if not files:
        raise InputError(f"{folder}: holds no file that can be read: {', '.join(SUFFIXES)}")
    said = some_of(problems, MOST_PROBLEMS)
    raise_problems(InputError, f"{folder} (move away what is no part of it)", said)
    found |= {p.relative_to(folder).as_posix(): Found(NOT_READ) for p in rest}
    return _mappable(with_columns(with_alike(found, ungrouped=False)))


def _real(found: dict[str, Found]) -> Iterator[tuple[str, Found]]:
    """Complex arrays as two, `s21.real` and `s21.imag`, tables column by column, texts as texts."""
    for name, one in found.items():
        values = one.values
        if values.dtype.names:
            columns = {f"{name}.{key}": Found(values[key]) for key in values.dtype.names}
            yield from _real(columns)
        elif values.dtype.kind == "c":
            yield f"{name}.real", replace(one, values=values.real)
            yield f"{name}.imag", replace(one, values=values.imag)
        elif values.dtype.kind == "S":
            yield name, Found(np.char.decode(values, "utf-8", "replace"), one.dims)
        elif values.dtype.kind in "mM":
            yield name, Found(values.astype(str), one.dims)
        else:
            yield name, one


def _numpy(file: Path) -> dict[str, Found]:
    """NumPy's own formats; ValueError with words for people."""
    if not file.stat().st_size:
        raise InputError(f"{file}: is empty: 0 bytes")
    try:
        return _npz(file) if file.suffix.lower() == ".npz" else _npy(file)
    except OSError:
        raise
    except Exception as fault:  # on a broken header numpy raises whatever its parser does
        pickled = "allow_pickle" in str(fault)  # which advises to load it
        raise ValueError(NO_NUMPY if pickled else unreadable_words(fault)) from fault


def _npz(file: Path) -> dict[str, Found]:
    with file.open("rb") as opened:
        loaded = np.load(opened, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise UnfitError("its content is one .npy array: name it so")
        with loaded as archive:
            parts = [] if archive.zip is None else archive.zip.infolist()
            refuse_large(sum(int(part.file_size) for part in parts) / BYTES)
            members = {name: _member(archive, name) for name in archive.files}
    return {name: Found(a) for name, a in members.items() if isinstance(a, np.ndarray)}


def _member(archive: np.lib.npyio.NpzFile, name: str) -> NDArray[np.generic]:
    """One array; of Python objects, which are never unpickled, an empty one of their kind."""
    try:
        return archive[name]
    except ValueError as fault:
        if "allow_pickle" not in str(fault):
            raise
        return np.empty(0, dtype=object)


def _npy(file: Path) -> dict[str, Found]:
    refuse_large(file.stat().st_size / BYTES)
    with file.open("rb") as opened:
        array = np.load(opened, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise UnfitError("its content is an .npz archive: name it so")
    return {"values": Found(array)}
