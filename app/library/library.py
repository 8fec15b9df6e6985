"""The folder that holds all artefacts, one folder each, and what is found in it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import platformdirs

from app.artefacts import new_id
from app.library.damage import Digests
from app.library.folders import Artefact, all_of, artefact_of, entries_of, folders_in
from app.library.note import read_note
from app.slow_disk import each
from models.errors import RefusedError, TwinrigError
from models.paths import folder_at

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

T = TypeVar("T")


class Library:
    """A folder with one folder an artefact, or with several of one operation in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.digests = Path(folder), Digests()
        self._drive = self._drive_now()

    def vanished(self) -> str:
        """Words where the folder was there and is no more; it must not be made anew in silence.

        Nor filled where it stands empty on another drive: a share that is gone leaves its place.
        """
        drive, empty = self._drive_now(), True
        with suppress(OSError):
            empty = not any(self.folder.iterdir())
        if self._drive is None or drive == self._drive or not empty:
            self._drive = drive
            return ""
        return (
            f"the library's folder {self.folder} has vanished (moved, deleted, or a share that is "
            "gone): bring it back; for an empty library make the folder and start Twinrig anew"
        )

    def there(self) -> Path:
        """The folder, to write in.

        Raises
        ------
        RefusedError
            It has vanished: what is written now would make it anew.
        """
        if gone := self.vanished():
            raise RefusedError(gone)
        return self.folder

    def _drive_now(self) -> int | None:
        """The drive that holds the folder; None where it isn't there."""
        with suppress(OSError):
            return self.folder.stat().st_dev
        return None

    def new_path(self, kind: str) -> Path:
        """A free folder for a new artefact; its name is the id."""
        return self.folder / new_id(kind)

    def folders(self) -> list[Path]:
        """All folders in it, none where it is not there.

        Raises
        ------
        OSError
            It can't be listed.
        """
        with suppress(FileNotFoundError):
            found = folders_in(self.folder)
            self._drive = self._drive or self._drive_now()
            return found
        return []

    def artefacts(self, kind: str | None = None) -> list[Artefact]:
        """All artefacts, or those of a kind, newest first; a broken one says what is wrong.

        Those inside the folder of another one, or of no artefact, come after all others.
        """
        found = [one for some in each(all_of, self.folders()) for one in some]
        wanted = [artefact for artefact in found if kind in (None, artefact.kind)]
        wanted.sort(key=lambda a: (a.changed_s, a.path.name), reverse=True)
        return sorted(wanted, key=lambda a: bool(a.inside))

    def checked(self, kind: str) -> list[Artefact]:
        """Those of a kind, each held against the SHA-256 of its files: a damaged one is broken.

        With the first line of the note beside it.
        """

        def check(one: Artefact) -> Artefact:
            note = read_note(one.path).strip().partition("\n")[0].strip()
            return replace(one, broken=one.broken or self.digests.damage(one), note=note)

        return each(check, self.artefacts(kind))

    def readable(self, read: Callable[[Path], T | None], named: Collection[str] = ()) -> list[T]:
        """What `read` finds in each folder, newest first; None and what is damaged are left out.

        `named`: a folder that has none of these names is not read: there may be a thousand of them.
        """

        def look(folder: Path) -> tuple[float, T] | None:
            with suppress(TwinrigError, OSError, KeyError, TypeError, ValueError):
                asked = not named or not frozenset(named).isdisjoint(entries_of(folder))
                one = read(folder) if asked else None
                if one is not None:
                    return folder.stat().st_mtime, one
            return None

        found = [pair for pair in each(look, self.folders()) if pair is not None]
        return [one for _, one in sorted(found, key=lambda pair: pair[0], reverse=True)]

    def find(self, path: Path) -> Artefact | None:
        """The artefact at a path (its folder, or a file in it); None where there is none."""
        folder = path if folder_at(path) else path.parent
        return artefact_of(folder) if folder_at(folder) else None


def library_folder(given: str | None = None) -> Path:
    """Where artefacts go: `given`, `TWINRIG_LIBRARY`, else `Twinrig` in the documents."""
    chosen = given or os.environ.get("TWINRIG_LIBRARY")
    return Path(chosen) if chosen else Path(platformdirs.user_documents_dir()) / "Twinrig"
