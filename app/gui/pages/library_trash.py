"""Folders moved to the system's trash, beside the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QDir, QFile, QStandardPaths

from app.gui.words import count
from app.run_lock import RunLock
from models.errors import TwinrigError

if TYPE_CHECKING:
    from pathlib import Path


def moved_to_trash(folders: list[Path]) -> list[tuple[str, str]]:
    """Move folders to the system's trash; what to say and its level: what stayed, what went."""
    problems: list[str] = []
    for folder in folders:
        try:
            RunLock(folder).release()  # refused while a run writes into it
        except TwinrigError as error:
            problems.append(str(error))
            continue
        _make_room()
        moved, _ = QFile.moveToTrash(str(folder))
        if not moved:
            problems.append(
                f"{folder}: the system has no trash for this drive, or refuses; nothing was "
                "deleted. Move the folder away yourself."
            )
    told = [(words, "error") for words in problems]
    if gone := len(folders) - len(problems):
        said = f"{count(gone, 'artefact')} moved to the system's trash"
        back = "what is put back from there is in the library again"
        told.insert(0, (f"{said}; {back}.", "info"))
    return told


def _make_room() -> None:
    """The folder that holds the trash: Qt makes the trash in it, and gives up where it is missing.

    It is missing in a fresh account (`~/.local/share`).
    """
    place = QStandardPaths.StandardLocation.GenericDataLocation
    QDir().mkpath(QStandardPaths.writableLocation(place))
