"""Folders moved to the system's trash, beside the window, by a button that asks first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QDir, QFile, QStandardPaths, QTimer, pyqtSignal
from PyQt6.QtWidgets import QPushButton

from app.gui.background import Latest
from app.gui.words import count
from app.library.index import ancestors, descendants
from app.library.unfinished import goes_on_now
from app.run_lock import RunLock
from models.errors import InputError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from app.library.index import Entry

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

    def press(self, chosen: Sequence[Entry], every: Sequence[Entry]) -> None:
        """Ask, or, asked already, move the chosen ones of the library's entries."""
        if not self.sure.isActive():
            made_from = len(descendants(chosen, every))
            self.setText(f"Sure? {made_from} made from it" if made_from else "Sure?")
            self.sure.start()
            return
        self.not_sure()
        self._moving = Latest()
        self._moving.done.connect(self._moved)
        self._moving.ask(partial(_move_free, list(chosen), list(every)))

    def _moved(self, told: list[tuple[str, str]] | None, error: Exception | None) -> None:
        for words, level in told or [(str(error), "error")]:
            self.told.emit(words, level)
        self.over.emit()


def _move_free(chosen: list[Entry], every: list[Entry]) -> list[tuple[str, str]]:
    return moved_to_trash([one.artefact.path for one in chosen], in_use(chosen, every))


def in_use(chosen: Sequence[Entry], every: Sequence[Entry]) -> dict[Path, list[str]]:
    """What running runs are made from, directly or not: its folder, and the names of those runs.

    Only runs that are made from a chosen one are looked at; each is a file on the disk.
    """
    found: dict[Path, list[str]] = {}
    for one in (*chosen, *descendants(chosen, every)):
        if goes_on_now(one.artefact.path):
            for above in ancestors(one, every):
                found.setdefault(above.artefact.path, []).append(one.artefact.path.name)
    return found


def moved_to_trash(
    folders: list[Path], used: Mapping[Path, Sequence[str]]
) -> list[tuple[str, str]]:
    """Move folders to the system's trash; what to say and its level: what stayed, what went.

    One that stands in another of them goes with that. One that a run writes into stays, and so does
    one that is `used` by those of these names.
    """
    problems: list[str] = []
    folders = [one for one in folders if not any(around in one.parents for around in folders)]
    for folder in folders:
        try:
            RunLock(folder).release()  # refused while a run writes into it
            _refuse_in_use(folder, used.get(folder, ()))
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


def _refuse_in_use(folder: Path, running: Sequence[str]) -> None:
    if running:
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
