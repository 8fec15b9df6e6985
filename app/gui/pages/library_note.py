"""The Library page's note: kept beside an artefact a moment after it was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QTimer, pyqtSignal
from PyQt6.QtWidgets import QPlainTextEdit

from app.library_note import write_note
from models.errors import TwinrigError

if TYPE_CHECKING:
    from pathlib import Path

    from app.library_index import Entry

NOTE_MS = 800


class NoteEntry(QPlainTextEdit):
    """The note of one artefact; `kept` once it is on disk, `failed(words)` where it is not."""

    kept = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self._of: Path | None = None
        self._typed = False
        self._unkept: dict[Path, str] = {}  # what could not be written
        self.setAccessibleName("Note")
        self.setPlaceholderText("A note; kept beside the artefact, whose own files stay")
        self.setTabChangesFocus(True)
        self.setFixedHeight(96)
        self._write = QTimer(self)
        self._write.setSingleShot(True)
        self._write.setInterval(NOTE_MS)
        self._write.timeout.connect(self.keep)
        self.textChanged.connect(self._changed)

    def follow(self, entry: Entry | None) -> None:
        """Show the note of this one; None: of nothing.

        The library is read again behind each note that is kept: one who types on keeps words and
        cursor.
        """
        if entry is not None and entry.artefact.path == self._of and self.hasFocus():
            return
        self._of = None
        self.setEnabled(entry is not None)
        path = entry.artefact.path if entry else None
        unkept = self._unkept.get(path) if path else None
        self.setPlainText(unkept if unkept is not None else entry.note if entry else "")
        self._of, self._typed = path, unkept is not None

    def _changed(self) -> None:
        if self._of is not None:
            self._typed = True
            self._write.start()

    def keep(self) -> None:
        """Write what was typed, if anything was, beside the artefact that it belongs to."""
        self._write.stop()
        if not self._typed or self._of is None:
            return
        self._typed = False
        try:
            write_note(self._of, self.toPlainText())
        except TwinrigError as error:
            self._typed = True  # it stays in view, comes back with its artefact, is tried again
            self._unkept[self._of] = self.toPlainText()
            self.failed.emit(str(error))
            return
        self._unkept.pop(self._of, None)
        self.kept.emit()
