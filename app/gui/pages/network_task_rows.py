"""The task's rows of the Network page's form: which one, its options, its folds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QLineEdit, QPushButton

from app.gui.network_asks import TABLE
from app.gui.widgets.basic import Choice, row
from app.gui.widgets.file_dialog import ask_file
from app.gui.widgets.number_entry import WholeEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PyQt6.QtWidgets import QFileDialog, QWidget

    from app.gui.theme import Theme
    from app.gui.widgets.form import Form

FIRST_TASK = "mackey-glass"


class TaskRows(QObject):
    """The half of the form that has the task; `changed` when any value has changed."""

    changed = pyqtSignal()

    def __init__(self, theme: Theme, form: Form) -> None:
        super().__init__(form)
        self._form, self._theme = form, theme
        self._rows: list[tuple[tuple[str, ...], QWidget]] = []
        self.options_of: dict[str, dict[str, Any]] = {}
        self.defaults = ""
        self._task_rows()
        self.task.currentIndexChanged.connect(self._task_chosen)

    def _text(self, value: str, name: str) -> QLineEdit:
        made = QLineEdit(value)
        made.setAccessibleName(name)
        return made

    def _task_rows(self) -> None:
        self._form.section("Task")
        self.task = Choice(self._theme, ((FIRST_TASK, FIRST_TASK),), "Task")
        self.options = self._text("", "Options of the task")
        self.folds = WholeEntry(0, 0, 100, "folds", "Folds of the task")
        self.folds.setSpecialValueText("no folds")
        self.file_button = QPushButton("File")
        self.file_button.setToolTip("Choose the JSON header of a task of your own")
        self.file_button.clicked.connect(lambda: self.choose_file())
        self.file_button.hide()
        self._form.row("Task", row(self.task, self.file_button))
        self._form.row("Options", row(self.options, self.folds))
        self._rows.append(((TABLE,), self.folds))

    def _tell(self, *_: Any) -> None:
        self.changed.emit()

    def offer_tasks(self, found: Mapping[str, tuple[str, dict[str, Any]]]) -> None:
        """Every task's first line and its options with their defaults."""
        self.options_of = {name: options for name, (_, options) in found.items()}
        self.task.offer([(name, name) for name in found])
        for index, (words, _) in enumerate(found.values()):
            self.task.setItemData(index, words, 3)  # Qt.ItemDataRole.ToolTipRole
        self._show_task()

    def _task_chosen(self, *_: Any) -> None:
        self.options.clear()  # another task has others
        self._show_task()
        self._tell()

    def choose_file(self) -> QFileDialog:
        """Ask for a task's header without holding up the window."""
        return ask_file(
            self.file_button, "A task of your own", Path.home(), "JSON header of a task (*.json)",
            self.options.setText,
        )  # fmt: skip

    def _show_task(self) -> None:
        """The options and their defaults, in the empty entry."""
        name = str(self.task.currentData())
        options = self.options_of.get(name, {})
        words = ", ".join(f"{key}={value}" for key, value in options.items())
        own = name == "file"
        self.file_button.setVisible(own)
        path = "path of a JSON header" if own else "none"
        self.options.setPlaceholderText(words or path)
        self.defaults = words
        self.options.setToolTip(words)
        tip = self.task.itemData(self.task.currentIndex(), 3)
        self.task.setToolTip(str(tip or ""))
