"""What the system's task bar tells of a window that is behind others, or on another desk.

Its title begins with how far the run is; once that has ended, or a fault is told, the window's
entry asks for attention, and its title says how the run ended until somebody looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtWidgets import QApplication

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

NAME, HELD = "Twinrig", "held"


class TaskBar(QObject):
    """The window's title, and its entry's call for attention."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window, self._bench, self._first, self._ended = window, "", "", False
        window.installEventFilter(self)
        self._show()

    def name_bench(self, bench: str) -> None:
        """Say which rig it is: another window may stand beside it."""
        self._bench = bench
        self._show()

    def progress(self, share: float) -> None:
        """Say how far the run is, 0 to 1."""
        self._say(f"{100 * share:.0f} %")

    def hold(self) -> None:
        """Say that the run waits for something that is out of its limits."""
        if self._first != HELD:
            self._say(HELD)
            self.attend()

    def end(self, words: str) -> None:
        """Say how a run has ended, until somebody looks."""
        behind = not self._window.isActiveWindow()
        self._say(words if behind else "")
        self._ended = behind
        self.attend()

    def attend(self) -> None:
        """Have the task bar point at the window, if another one is in front."""
        if not self._window.isActiveWindow():
            QApplication.alert(self._window)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.WindowActivate and self._ended:
            self._say("")
        return False

    def _say(self, first: str) -> None:
        self._ended = False
        if first != self._first:
            self._first = first
            self._show()

    def _show(self) -> None:
        named = f"{NAME}, {self._bench}" if self._bench else NAME
        self._window.setWindowTitle(f"{self._first} · {named}" if self._first else named)
