"""What is damaged in a library: files beside a head that are not those that it was written with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.artefacts import sha256_of
from models.errors import InputError

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from app.library.folders import Artefact

DIGESTED_BYTES = 64 * 2**20
"""Files up to this size are held against their SHA-256; larger ones when they are opened."""


@dataclass
class Digests:
    """SHA-256 of files; of one that has not changed since it is not read again."""

    _known: dict[Path, tuple[tuple[int, int], str]] = field(default_factory=dict)

    def of(self, file: Path) -> str:
        """SHA-256 of a file; blocks for as long as the disk takes."""
        return self._of(file, file.stat())

    def _of(self, file: Path, stat: os.stat_result) -> str:
        stamp = (stat.st_mtime_ns, stat.st_size)
        known = self._known.get(file)
        if known is None or known[0] != stamp:
            known = self._known[file] = (stamp, sha256_of(file))
        return known[1]

    def is_another(self, file: Path, digest: str) -> bool:
        """Whether a file, unless it is a large one, is not the one of a SHA-256.

        Raises
        ------
        OSError, InputError
            It is missing, or can't be read.
        """
        stat = file.stat()
        return stat.st_size <= DIGESTED_BYTES and self._of(file, stat) != digest

    def damage(self, artefact: Artefact) -> str:
        """The first file beside the head that is missing, or is not the one that was written."""
        for group in ("files", "beside"):
            named = artefact.head.get(group)
            for name, digest in named.items() if isinstance(named, dict) else ():
                file = artefact.path / str(name)
                try:
                    if self.is_another(file, digest):
                        return f"{name} is not the file that was written: damaged or exchanged"
                except (OSError, InputError):
                    return f"{name} is missing, or can't be read"
        return ""
