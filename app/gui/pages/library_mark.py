"""The Library page's row that marks repeats of a recording bad, or takes them back.

Below it stand those that are marked.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.gui.background import Latest
from app.gui.widgets.basic import label, row
from app.gui.words import count
from app.operations.events import Note, Result
from app.operations.mark import mark
from app.recording_marks import bad_positions, numbers_of
from models.errors import InputError
from training.doubtful_repeats import listed

if TYPE_CHECKING:
    from pathlib import Path


class MarkRow(QWidget):
    """Numbers of repeats and two buttons; `marked(words)` once it is on disk, `failed(error)`.

    `warned(words)` says what the marks then mean, such as that no repeat is left.
    """

    marked = pyqtSignal(str)
    warned = pyqtSignal(str)
    failed = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self._path: Path | None = None
        self._task = Latest()
        self._task.done.connect(self._answered)
        self._reading = Latest()
        self._reading.done.connect(self._read)
        self.numbers = QLineEdit()
        self.numbers.setAccessibleName("Repeats to mark")
        self.numbers.setPlaceholderText("repeats 3, 7-9")
        self.numbers.setToolTip("Numbers from 1 in the order of recording; nothing is deleted")
        self.numbers.textChanged.connect(self._follow)
        self.buttons = {bad: QPushButton(text) for text, bad in (("Bad", True), ("Good", False))}
        self.left_out = label("", "note", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(row(self.numbers, *self.buttons.values()))
        layout.addWidget(self.left_out)
        for bad, button in self.buttons.items():
            button.setAccessibleName("Mark repeats bad" if bad else "Take repeats back")
            button.clicked.connect(partial(self.press, bad))
        self.follow(None)

    def follow(self, recording: Path | None) -> None:
        """Of this recording; None: of nothing."""
        if recording != self._path:
            self.numbers.clear()
            self.left_out.clear()
        self._path = recording
        self.setVisible(recording is not None)
        self._follow()
        self._look()

    def _look(self) -> None:
        """Read, in a thread, which repeats are marked."""
        self.left_out.setVisible(bool(self.left_out.text()))
        if self._path is None:
            self._reading.forget()
        else:
            self._reading.ask(partial(bad_positions, self._path))

    def _read(self, bad: frozenset[int] | None, error: Exception | None) -> None:
        said = f"marked bad: {listed(bad)}" if bad else ""
        self.left_out.setText(str(error) if error else said)
        self.left_out.setVisible(bool(self.left_out.text()))

    def _follow(self, *_: Any) -> None:
        good = self._path is not None and bool(self._typed())
        for button in self.buttons.values():
            button.setEnabled(good)

    def _typed(self) -> tuple[int, ...]:
        """What is written; nothing where it is no list of repeats."""
        try:
            return numbers_of(self.numbers.text())
        except InputError:
            return ()

    def press(self, bad: bool, *_: Any) -> None:
        """Mark them, in a thread: the recording is read for it."""
        path, numbers = self._path, self._typed()
        if path is not None and numbers:
            self._task.ask(lambda: (path, *_marked(path, numbers, bad)))

    def _answered(self, told: tuple[Any, ...] | None, error: Exception | None) -> None:
        if told is None:
            self.failed.emit(str(error))
            return
        path, words, *warnings = told
        if path == self._path:  # else the numbers are of another one by now
            self.numbers.clear()
        self.marked.emit(words)
        for text in warnings:
            self.warned.emit(text)
        self._look()


def _marked(path: Path, numbers: tuple[int, ...], bad: bool) -> tuple[str, ...]:
    """Mark, and say how many are left out now; behind it warnings."""
    values: dict[str, Any] = {}
    warnings: list[str] = []
    for event in mark(path, bad=numbers if bad else (), good=() if bad else numbers):
        if isinstance(event, Result):
            values = event.values
        elif isinstance(event, Note) and event.level == "warning":
            warnings.append(f"{path.name}: {event.text}")
    left_out = len(values.get("bad", ()))
    return f"{path.name}: {count(left_out, 'repeat')} left out of fits and scores", *warnings
