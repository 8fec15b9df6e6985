"""Folders moved to the system's trash, beside the window, by a button that asks first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QDir, QFile, QStandardPaths, QTimer, pyqtSignal
from PyQt6.QtWidgets import QPushButton

from app.gui.background import Latest
from app.gui.words import count
from app.library.unfinished import goes_on_now
from app.run_lock import RunLock
from models.errors import InputError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SURE_MS = 6000
ASKED = "Move to trash"


class TrashButton(QPushButton):
    """Asks by its own words, then moves; `told(words, level)` of each, then `over`.

    What was made from an artefact stays.
    """

    told = pyqtSignal(str, str)
    over = pyqtSignal()

    def __init__(self) -> None:
        super().__init__(ASKED)
        self.sure = QTimer(self)
        self.sure.setSingleShot(True)
        self.sure.setInterval(SURE_MS)
        self.sure.timeout.connect(self.not_sure)

    def not_sure(self) -> None:
        """Another one was chosen, or nothing was answered: ask anew."""
        self.sure.stop()
        self.setText(ASKED)

    def press(self, folders: Sequence[Path], below: Mapping[Path, Sequence[Path]]) -> None:
        """Ask, or, asked already, move `folders`; `below`: what was made from each of them."""
        if not self.sure.isActive():
            made_from = len({one for made in below.values() for one in made} - set(folders))
            self.setText(f"Sure? {made_from} made from it" if made_from else "Sure?")
            self.sure.start()
            return
        self.not_sure()
        self._moving = Latest()
        self._moving.done.connect(self._moved)
        self._moving.ask(partial(moved_to_trash, list(folders), dict(below)))

    def _moved(self, told: list[tuple[str, str]] | None, error: Exception | None) -> None:
        for words, level in told or [(str(error), "error")]:
            self.told.emit(words, level)
        self.over.emit()


def moved_to_trash(
    folders: list[Path], below: Mapping[Path, Sequence[Path]] | None = None
) -> list[tuple[str, str]]:
    """Move folders to the system's trash; what to say and its level: what stayed, what went.

    One that stands in another of them goes with that. One that a run writes into stays, and so does
    one that a run is made from, which is among those that stand `below` it.
    """
    problems: list[str] = []
    folders = [one for one in folders if not any(around in one.parents for around in folders)]
    for folder in folders:
        try:
            RunLock(folder).release()  # refused while a run writes into it
            _refuse_in_use(folder, (below or {}).get(folder, ()))
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


def _refuse_in_use(folder: Path, below: Sequence[Path]) -> None:
    if running := [one.name for one in below if goes_on_now(one)]:
        raise InputError(
            f"{folder.name} stays: {', '.join(running)} runs and is made from it. Stop that, "
            "or wait for its end."
        )


def _make_room() -> None:
    """The folder that holds the trash: Qt makes the trash in it, and gives up where it is missing.

    It is missing in a fresh account (`~/.local/share`).
    """
    place = QStandardPaths.StandardLocation.GenericDataLocation
    QDir().mkpath(QStandardPaths.writableLocation(place))
