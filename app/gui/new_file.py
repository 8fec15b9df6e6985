"""The entry of a file that is to be made: a free name, looked up beside the window."""

from __future__ import annotations

from functools import partial
from os.path import expanduser  # which leaves the home of nobody as it is typed
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from app.gui.background import Latest
from app.new_file import free_name, refuse_taken
from models.command import unquoted
from models.errors import InputError

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QLineEdit


class NewFile(QObject):
    """What stands in an entry as a path, and whether a file can be made there.

    `changed` once the disk has said something new of it.
    """

    changed = pyqtSignal()

    def __init__(self, entry: QLineEdit, usual: str) -> None:
        super().__init__(entry)
        self._entry, self._usual = entry, usual
        self._known = (Path(), "")  # of which path, and what is wrong with it
        self._namer, self._looker = Latest(self), Latest(self)
        self._namer.done.connect(self._named)
        self._looker.done.connect(self._looked)

    @property
    def path(self) -> Path:
        """Where the file goes; `~` is one's own folder, and quotes around it are none of it."""
        return Path(expanduser(unquoted(self._entry.text()) or self._usual))

    def offer(self, path: Path) -> None:
        """Show a path; where something has it, the first of `name-2`, `name-3`, … a moment later.

        One that is typed meanwhile stays.
        """
        self._entry.setText(str(path))
        self._namer.ask(lambda: (path, free_name(path, path.suffix)))

    def _named(self, found: tuple[Path, Path] | None, _error: Exception | None) -> None:
        if found is not None and self._entry.text() == str(found[0]):
            self._entry.setText(str(found[1]))

    def look_again(self) -> None:
        """What was known of the path is old."""
        self._known = (Path(), "")

    def problem(self) -> str:
        """Why no file can be made there; empty where one can, and until the disk has answered."""
        path = self.path
        if path != self._known[0]:
            self._looker.ask(partial(_taken, path))
            return ""
        return self._known[1]

    def _looked(self, known: tuple[Path, str] | None, error: Exception | None) -> None:
        self._known = known or (self.path, str(error))
        self.changed.emit()


def _taken(path: Path) -> tuple[Path, str]:
    try:
        refuse_taken(path)
    except InputError as error:
        return path, str(error)
    return path, ""
