"""The lineage of a library: which parents are there, and which are other files than they were."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from app.library.kinds import HEADS
from app.slow_disk import each
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.library.index import Entry, Parent
    from app.library.library import Library


class Links:
    """What has become of the parents that entries name: which are there, which are others now."""

    def __init__(self, library: Library, entries: Sequence[Entry]) -> None:
        self._library, self._entries = library, entries
        self._by_id = {entry.id: entry for entry in entries}
        self._digests: dict[tuple[Path | None, str], bool] = {}

    def linked(self) -> list[Entry]:
        """The entries, each with its parents; blocks for as long as the disk takes."""
        named = {(parent.id, parent.path): parent for e in self._entries for parent in e.parents}
        found = dict(zip(named, each(self._find, named.values()), strict=True))
        files = {(one, p.sha256) for e in self._entries for p in e.parents
                 if p.sha256 and (one := _file_of(found[p.id, p.path]))}  # fmt: skip
        self._digests = dict(zip(files, each(self._is_another, files), strict=True))
        return [self._of(entry, found) for entry in self._entries]

    def _of(self, entry: Entry, found: Mapping[tuple[str, str], Entry | None]) -> Entry:
        pairs = [(parent, found[parent.id, parent.path]) for parent in entry.parents]
        there = [(parent, one) for parent, one in pairs if one is not None]
        changed = [
            one.id for parent, one in there if self._digests.get((_file_of(one), parent.sha256))
        ]
        return replace(
            entry,
            made_from=tuple(one.id for _, one in there),
            changed=tuple(changed),
            missing=tuple(parent.id for parent, one in pairs if one is None),
        )

    def _find(self, parent: Parent) -> Entry | None:
        """By its id; else by where it was, which takes the disk: links lead elsewhere."""
        return self._by_id.get(parent.id) or self._by_path.get(Path(parent.path).parent.resolve())

    @cached_property
    def _by_path(self) -> dict[Path, Entry]:
        real = {
            around: around.resolve() for around in {e.artefact.path.parent for e in self._entries}
        }

        def placed(entry: Entry) -> tuple[Path, Entry]:
            path = entry.artefact.path
            return (path.resolve() if path.is_symlink() else real[path.parent] / path.name), entry

        return dict(each(placed, self._entries))

    def _is_another(self, named: tuple[Path, str]) -> bool:
        with suppress(OSError, InputError):  # told as its own damage, or not finished
            return self._library.digests.is_another(*named)
        return False


def _file_of(entry: Entry | None) -> Path | None:
    """The file that a child keeps the digest of; None of what has none."""
    name = None if entry is None else HEADS.get(entry.kind)
    return None if entry is None or name is None else entry.artefact.path / name
