"""One folder of a library: its artefact by the head that it holds, and those inside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from os.path import isdir  # False where nobody may look, too
from typing import TYPE_CHECKING, Any

from app.artefacts import read_head
from app.library_begun import is_begun
from app.library_kinds import BEGUN, CALIBRATION, HEADS, INSIDE, KINDS, PARTS, SCHEMAS
from app.weights_store import network_schema
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

MOST_HEADS = 10_000


@dataclass(frozen=True)
class Artefact:
    """One artefact of the library: folder, kind (one of `KINDS`), JSON head.

    `inside`: name of the library's folder that it was made in, such as a sweep's; empty: its own.
    """

    path: Path
    kind: str
    changed_s: float
    head: dict[str, Any]
    broken: str = ""
    inside: str = ""

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
        """When it was last written, as a person says it: `24 Nov 15:31`, `3 May 2025 09:02`."""
        then = datetime.fromtimestamp(self.changed_s)
        year = "" if then.year == datetime.now().year else f" {then.year}"
        return f"{then:%d %b}{year} {then:%H:%M}".lstrip("0")


def all_of(folder: Path) -> list[Artefact]:
    """The artefact of a folder, and those inside it; the copy of one of them is not told twice.

    Nor is a part of a run that has no result yet: the whole goes on.
    """
    own = artefact_of(folder)
    found = [] if own is None else [own]
    for pattern in INSIDE.get("" if own is None else own.kind, ()):
        for below in sorted(folder.glob(pattern)):
            own_folder = isdir(below) and below.name.partition("-")[0] not in PARTS
            own_folder = own_folder and not below.name.startswith(".")  # a killed fit's
            one = artefact_of(below) if own_folder else None
            copied = one is None or one.kind == BEGUN or (own is not None and one.id == own.id)
            if one is not None and not copied:
                found.append(replace(one, inside=folder.name))
    return found


def artefact_of(folder: Path) -> Artefact | None:
    """What a folder itself holds; None: nothing of a library.

    One that can't be looked into (another user's, a bad sector) is broken: it may hold something.
    """
    try:
        return _looked_into(folder)
    except FileNotFoundError:  # gone in this moment
        return None
    except OSError as fault:
        words = f"can't be read ({fault.strerror}): check who may read {folder}"
        return Artefact(folder, BEGUN, folder.stat().st_mtime, {}, words)


def _looked_into(folder: Path) -> Artefact | None:
    for kind, name in HEADS.items():
        file = folder / name
        if file.is_file():
            begun = kind == "rec" and folder.name.startswith(CALIBRATION)
            return _read_head(folder, "cal" if begun else kind, file)
    return Artefact(folder, BEGUN, folder.stat().st_mtime, {}) if is_begun(folder) else None


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
    schema = network_schema(file) if kind == "net" else SCHEMAS[kind]
    return read_head(file, KINDS[kind], schema)
