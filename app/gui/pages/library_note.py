"""The Library page's note: kept beside an artefact a moment after it was typed."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QTimer, pyqtSignal
from PyQt6.QtGui import QTextCursor
from PyQt6.QtWidgets import QPlainTextEdit

from app.gui.background import courier
from app.library.note import joined, read_note, write_note
from models.errors import TwinrigError

if TYPE_CHECKING:
    from pathlib import Path

    from PyQt6.QtGui import QHideEvent

    from app.library.index import Entry

NOTE_MS = 800


class NoteEntry(QPlainTextEdit):
    """The note of one artefact; `kept` once it is on disk, `failed(words)` where it is not.

    Where another window wrote meanwhile, what was typed here stands below; `warned(words)` tells.

    It is written in a thread, as a share that hangs must not hold the window, and no daemon: what
    was typed is written also when the window closes at once. Each writes the newest text of its
    artefact, one after the other.
    """

    kept = pyqtSignal()
    failed, warned = pyqtSignal(str), pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self._of: Path | None = None
        self._typed = False
        self._unkept: dict[Path, str] = {}  # what is not on disk yet
        self._began: dict[Path, str] = {}  # what stood there when what is shown was
        self._one, self._courier = threading.Lock(), courier()
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
        cursor. What somebody else wrote meanwhile is shown, or the next word typed would undo it.
        """
        path = entry.artefact.path if entry else None
        unkept = self._unkept.get(path) if path else None
        if entry is not None and path == self._of and self.hasFocus():
            same = entry.note.strip() == self.toPlainText().strip()
            if self._typed or unkept is not None or same:
                return
        self._of = None
        self.setEnabled(entry is not None)
        self.setPlainText(unkept if unkept is not None else entry.note if entry else "")
        self._of, self._typed = path, unkept is not None
        if entry is not None and unkept is None:
            self._began[entry.artefact.path] = entry.note

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Another page, or the window closes: what was typed a moment ago is written, too."""
        super().hideEvent(event)
        self.keep()

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
        self._unkept[self._of] = self.toPlainText()
        self._courier.open()
        threading.Thread(target=self._write_down, args=(self._of,)).start()

    def _write_down(self, path: Path) -> None:
        words = ""
        with self._one:
            text = self._unkept.get(path)
            if text is None:
                return  # a thread before this one has written it
            whole = joined(self._began.get(path, ""), read_note(path), text)
            try:
                write_note(path, whole)
                self._began[path] = text
            except TwinrigError as error:
                words = str(error)
        self._courier.carry(self, partial(self._written, path, text, whole, words))

    def _written(self, path: Path, text: str, whole: str, words: str) -> None:
        if words:
            if path == self._of:
                self._typed = True  # it stays in view, comes back with its artefact, is tried again
            self.failed.emit(words)
            return
        if self._unkept.get(path) == text:
            del self._unkept[path]
        if whole != text.strip():
            self._show_both(path, whole)
        self.kept.emit()

    def _show_both(self, path: Path, whole: str) -> None:
        """What another window wrote, and ours below; who types on sees it at the next pause."""
        self.warned.emit(f"{path.name}: its note was changed elsewhere; yours stands below it")
        if path == self._of and not self._typed:
            self._of = None
            self.setPlainText(whole)
            self.moveCursor(QTextCursor.MoveOperation.End)
            self._of, self._began[path] = path, whole
