"""The tasks of the Network page: all there are, and whether the one that is typed can be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal

from app.gui.background import Latest
from app.gui.network_looked import TaskSaid, described, tasks

if TYPE_CHECKING:
    from app.gui.pages.network_form import NetworkForm
    from app.gui.pages.shell import Shell


class TaskLook(QObject):
    """Looks beside the window; `changed` when an answer has come."""

    changed = pyqtSignal()

    def __init__(self, rows: NetworkForm, shell: Shell) -> None:
        super().__init__(rows)
        self._rows, self._shell = rows, shell
        self._said: TaskSaid | None = None
        self._wrong = ""
        self._texts: tuple[str, ...] = ()  # of the tasks that were asked about
        self._tasks, self._describe = Latest(), Latest()
        self._tasks.done.connect(self._offer)
        self._describe.done.connect(self._described)
        self._tasks.ask(tasks)

    def _offer(self, found: Any, error: Exception | None) -> None:
        if error is not None:
            self._shell.toast(str(error), "error")
        self._rows.offer_tasks(found or {})
        self.changed.emit()

    def wrong(self) -> str:
        """What is wrong with the task that is typed, once it is known; it is made once."""
        texts = self._rows.task_texts
        text = "; ".join(texts)
        if self._said is None or self._said.text != text:
            self._said, self._wrong, self._texts = TaskSaid(text, ""), "", texts
            self._describe.ask(lambda: described(texts))
        return self._wrong

    def look_again(self) -> None:
        """Make tasks of files, and those that were wrong, once more: files may be others by now."""
        texts = self._texts
        if self._wrong or any(text.startswith("file:") for text in texts):
            self._describe.ask(lambda: described(texts))

    def _described(self, said: TaskSaid | None, error: Exception | None) -> None:
        self._wrong = "" if error is None else str(error)
        if said is not None:
            self._said = said
            self._rows.options.setToolTip(f"{said.description}\n{self._rows.defaults}".strip())
        self.changed.emit()
