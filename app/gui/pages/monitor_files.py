"""What the Monitor page writes: the table that is seen, and a picture of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.operations.monitor_export import export_seen
from models.paths import anything_at

if TYPE_CHECKING:
    from pathlib import Path

    from PyQt6.QtGui import QImage

    from app.library.library import Library
    from app.operations.monitor_export import Seen


def free_table(folder: Path, stem: str) -> Path:
    """A CSV file of this name in a folder, numbered where there is one."""
    taken, number = stem, 2
    while anything_at(folder / f"{taken}.csv"):
        taken, number = f"{stem}-{number}", number + 1
    return folder / f"{taken}.csv"


def written(library: Library, stem: str, seen: Seen, picture: QImage) -> tuple[Path, ...]:
    """Write table and picture; the files written: one where the picture could not be.

    Raises
    ------
    TwinrigError
        If the table can't be written, or the library's folder has vanished.
    """
    path = free_table(library.there() / "monitor", stem)
    export_seen(path, seen)
    image = path.with_suffix(".png")
    return (path, image) if picture.save(str(image)) else (path,)
