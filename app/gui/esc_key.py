"""Esc in the window: it takes back a question, or is Stop; an entry or popup has it before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Callable

EDITORS = (QLineEdit, QAbstractSpinBox, QComboBox, QTextEdit, QPlainTextEdit)


class EscKey(QObject):
    """Listens to what has the focus in a window, not to the thousands of events of all widgets.

    Parameters
    ----------
    window
        The window, which keeps this.
    take_back
        Called first: True where a question was open, and is taken back.
    stop
        Called otherwise, where no editor has the focus.
    """

    def __init__(
        self, window: QWidget, take_back: Callable[[], bool], stop: Callable[[], None]
    ) -> None:
        super().__init__(window)
        self._window, self._take_back, self._stop = window, take_back, stop
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._listen)

    def _listen(self, _before: QWidget | None, now: QWidget | None) -> None:
        if now is not None and now.window() is self._window:
            now.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take an Esc that nothing else is there for."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() == Qt.Key.Key_Escape
            and watched is QApplication.focusWidget()
            and QApplication.activePopupWidget() is None
            and QApplication.activeModalWidget() is None
            and isinstance(watched, QWidget)
            and watched.window() is self._window
        ):
            if self._take_back():
                return True
            if not isinstance(watched, EDITORS):
                self._stop()
                return True
        return False
