"""One folder of a library: its artefact by the head that it holds, and those inside it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.artefacts import read_head, schema_of
from app.library.kinds import BEGUN, CALIBRATION, HEADS, INSIDE, KINDS, PARTS, SCHEMAS
from app.library.unfinished import MAY_BE_BEGUN, is_begun
from app.words import day
from models.errors import InputError
from models.schemas import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Entries = dict[str, os.DirEntry[str]]
    Stamp = tuple[tuple[str, int, int], ...]

MOST_HEADS = 10_000


@dataclass(frozen=True)
class Artefact:
    """One artefact of the library: folder, kind (one of `KINDS`), JSON head.

    `inside`: name of the library's folder that it was made in, such as a sweep's; empty: its own.
    `note`: the first line of what somebody wrote beside it, where that was read.
    """

    path: Path
    kind: str
    changed_s: float
    head: dict[str, Any]
    broken: str = ""
    inside: str = ""
    note: str = ""

    @property
    def id(self) -> str:
        """Its id: the folder's name, unless the head knows better."""
        meta = self.head.get("meta")
        known = meta.get("id") if isinstance(meta, dict) else None
        return str(known or self.head.get("id") or self.path.name)

    @property
    def label(self) -> str:
        """What a list calls it: its folder, as a copy has the same id; and the one around it."""
        return f"{self.path.name} in {self.inside}" if self.inside else self.path.name

    @property
    def version(self) -> int:
        """1, or of a twin that was fitted further one more than the twin before it."""
        meta = self.head.get("meta")
        line = meta.get("ancestors") if isinstance(meta, dict) else None
        return 1 + len(line) if isinstance(line, list) else 1

    @property
    def when(self) -> str:
        """When it was last written, as a person says it: `24 Nov 15:31`, `3 May 2025 09:02`.

        Empty where no calendar has that: the clock of a share may say anything.
        """
        try:
            then = datetime.fromtimestamp(self.changed_s)
        except (ValueError, OverflowError, OSError):
            return ""
        year = "" if then.year == datetime.now().year else f" {then.year}"
        return f"{day(then)}{year} {then:%H:%M}"


def entries_of(folder: Path) -> Entries:
    """What stands in a folder, by name: one call of the disk, however much that is.

    Decision: a folder is listed once, in place of asking for each file that it might hold. On a
    share that is one answer to wait for, not twenty.

    Raises
    ------
    OSError
        It is gone, is none, or nobody may look into it.
    """
    with os.scandir(folder) as found:
        return {entry.name: entry for entry in found}


def stamp_of(entries: Iterable[os.DirEntry[str]]) -> Stamp:
    """Name, time and size of each file of a folder: alike as long as nothing in it changes."""
    return tuple(sorted(map(_stamp, entries)))


def _stamp(entry: os.DirEntry[str]) -> tuple[str, int, int]:
    try:
        stat = entry.stat()
    except OSError:
        return entry.name, 0, 0
    return entry.name, stat.st_mtime_ns, stat.st_size


def folders_in(folder: Path, entries: Entries | None = None) -> list[Path]:
    """The folders in a folder, by name; none that leads back to it or to one around it.

    Such a link would show, and give to the trash, each artefact a second time.

    Raises
    ------
    OSError
        `folder` can't be listed.
    """
    there = entries_of(folder) if entries is None else entries
    return [folder / name for name in sorted(there) if _is_inside(there[name])]


def _is_inside(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):  # a link to itself; where nobody may look
        if entry.is_symlink():
            return entry.is_dir() and not _leads_back(Path(entry.path))
        return entry.is_dir()
    return False


def _leads_back(link: Path) -> bool:
    target = link.resolve()
    here = link.parent.resolve()
    return target == here or target in here.parents


def all_of(folder: Path) -> list[Artefact]:
    """The artefact of a folder, and those inside it; the copy of one of them is not told twice.

    Nor is a part of a run that has no result yet: the whole goes on.
    """
    try:
        entries = entries_of(folder)
        own = artefact_of(folder, entries)
        if own is None:
            _enter(folder, entries)
    except FileNotFoundError:  # gone in this moment
        return []
    except OSError as fault:
        return [_closed(folder, fault)]
    found = [] if own is None else [own]
    for below in _inside(folder, entries, "" if own is None else own.kind):
        one = artefact_of(below)
        copied = one is None or one.kind == BEGUN or (own is not None and one.id == own.id)
        if one is not None and not copied:
            found.append(replace(one, inside=folder.name))
    return found


def _enter(folder: Path, entries: Entries) -> None:
    """Raise PermissionError of a folder (of rights 744) that tells names and nothing about them."""
    for name in entries:
        with suppress(FileNotFoundError):
            os.stat(folder / name, follow_symlinks=False)
        return


def _inside(folder: Path, entries: Entries, kind: str) -> Iterator[Path]:
    """Folders in which one of a kind keeps artefacts of its own."""
    for pattern in INSIDE.get(kind, ()):
        first, _, rest = pattern.partition("/")
        matching = {name: one for name, one in entries.items() if fnmatchcase(name, first)}
        around = folders_in(folder, matching)
        for below in around if not rest else _in_each(around):
            hidden = below.name.startswith(".")  # a killed fit's
            if below.name.partition("-")[0] not in PARTS and not hidden:
                yield below


def _in_each(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        with suppress(OSError):
            yield from folders_in(folder)


def artefact_of(folder: Path, entries: Entries | None = None) -> Artefact | None:
    """What a folder itself holds (`entries`: as it was listed); None: nothing of a library.

    One that can't be looked into (another user's, a bad sector) is broken: it may hold something.
    """
    try:
        return _looked_into(folder, entries_of(folder) if entries is None else entries)
    except FileNotFoundError:  # gone in this moment
        return None
    except OSError as fault:
        return _closed(folder, fault)


def _closed(folder: Path, fault: OSError) -> Artefact:
    changed_s = 0.0
    with suppress(OSError):
        changed_s = folder.stat().st_mtime
    words = f"can't be read ({fault.strerror}): check who may read {folder}"
    return Artefact(folder, BEGUN, changed_s, {}, words)


def _looked_into(folder: Path, entries: Entries) -> Artefact | None:
    for kind, name in HEADS.items():
        if name in entries and _is_file(entries[name]):
            begun = kind == "rec" and folder.name.startswith(CALIBRATION)
            return _read_head(folder, "cal" if begun else kind, folder / name)
    if MAY_BE_BEGUN.isdisjoint(entries) or not is_begun(folder):
        return None
    return Artefact(folder, BEGUN, folder.stat().st_mtime, {})


def _is_file(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):  # a link to itself
        return entry.is_file()
    return False


def _read_head(folder: Path, kind: str, file: Path) -> Artefact:
    stat = file.stat()
    if file.suffix != ".json":
        return Artefact(folder, kind, stat.st_mtime, {})
    try:
        head = _head_of(file, kind, (stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return Artefact(folder, kind, stat.st_mtime, head)
    except InputError as fault:
        return Artefact(folder, kind, stat.st_mtime, {}, f"{file.name} can't be read: {fault}")


@lru_cache(maxsize=MOST_HEADS)
def _head_of(file: Path, kind: str, _stamp: tuple[int, int, int]) -> dict[str, Any]:
    """A head, read and checked once for as long as its file stays the one of this stamp.

    Each page that is opened reads the library: of 1000 artefacts that were 3 s of parsing, beside
    a run whose steps the same computer times.
    """
    schema = schema_of(file, HEADS[kind], NETWORKS) if kind == "net" else SCHEMAS[kind]
    return read_head(file, KINDS[kind], schema)
