"""A small task beside the window: run in a thread, told in the window's; stale answers dropped."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal

if TYPE_CHECKING:
    from collections.abc import Callable


class Latest(QObject):
    """Runs each task in a thread of its own; only the answer to the latest request is told.

    `done(answer, error)`: one of the two is None. With `parent`, nothing is told once that is gone;
    whoever connects a method of a widget needs none.
    """

    done = pyqtSignal(object, object)
    _answered = pyqtSignal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._generation = 0
        self._answered.connect(self._tell)

    def ask(self, task: Callable[[], Any]) -> None:
        """Run `task` in a thread; an earlier request's answer is no longer wanted."""
        self._generation += 1
        number = self._generation
        threading.Thread(target=self._run, args=(number, task), daemon=True).start()

    def forget(self) -> None:
        """No answer is wanted any more."""
        self._generation += 1

    def _run(self, number: int, task: Callable[[], Any]) -> None:
        answer, error = None, None
        try:
            answer = task()
        except Exception as fault:
            error = fault
        try:
            self._answered.emit(number, answer, error)
        except RuntimeError:  # the window is gone: nobody wants the answer
            return

    def _tell(self, number: int, answer: object, error: object) -> None:
        if number == self._generation:
            self.done.emit(answer, error)
