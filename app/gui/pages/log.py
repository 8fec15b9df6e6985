"""The Log page: everything that was said since the start, tracebacks included, to be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QLineEdit, QPlainTextEdit

from app.gui.pages.page import Page
from app.gui.widgets.segments import Segments
from app.gui.words import count

if TYPE_CHECKING:
    from PyQt6.QtGui import QHideEvent, QShowEvent

    from app.gui.pages.shell import Shell

LEVELS = (("All", ""), ("Warnings", "warning"), ("Errors", "error"))
LOOK_MS = 500
MOST_SHOWN = 1000  # messages: a page that is opened must not take seconds after a week


class LogPage(Page):
    """Notes, warnings and errors in the order they came."""

    key, name = "log", "Log"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Log", "what was said since the start")
        self.form.section("Show")
        self.level = Segments(self.theme, LEVELS, "Messages of")
        self.level.chosen.connect(lambda _: self.refresh())
        self.form.widget(self.level)
        self.search = QLineEdit()
        self.search.setPlaceholderText("search, tracebacks too")
        self.search.setAccessibleName("Search the log")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _: self.refresh())
        self.form.widget(self.search)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Log")
        self.body.addWidget(self.text, 1)
        self.copy_button.hide()
        self.form.primary.say("Copy the log", "messages and tracebacks, as text")
        self._seen = 0
        self._look = QTimer(self)
        self._look.setInterval(LOOK_MS)
        self._look.timeout.connect(self._follow)

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._look.start()

    def hideEvent(self, event: QHideEvent | None) -> None:
        super().hideEvent(event)
        self._look.stop()

    def _follow(self) -> None:
        """What is said meanwhile comes below; who reads further up or marks words stays there."""
        bar = self.text.verticalScrollBar()
        reads = bar is not None and bar.value() < bar.maximum()
        if len(self.shell.log) != self._seen and not (
            reads or self.text.textCursor().hasSelection()
        ):
            self.refresh()

    def _chosen(self) -> list[str]:
        """The messages that fit, oldest first."""
        level, words = str(self.level.value), self.search.text().casefold().split()
        levels = ("warning", "error") if level == "warning" else (level,)
        return [
            one
            for one in self.shell.log
            if (not level or one.startswith(levels)) and all(w in one.casefold() for w in words)
        ]

    def refresh(self) -> None:
        chosen, self._seen = self._chosen(), len(self.shell.log)
        nothing = "Nothing like that was said." if self.shell.log else "Nothing yet."
        self.text.setPlainText("\n\n".join(chosen[-MOST_SHOWN:]) or nothing)
        bar = self.text.verticalScrollBar()
        if bar is not None:
            bar.setValue(bar.maximum())
        more = f", the last {MOST_SHOWN}" if len(chosen) > MOST_SHOWN else ""
        self.say("Log", f"{count(len(chosen), 'message')}{more}, newest last")
        self.form.primary.say("Copy the log", f"{count(len(chosen), 'message')}, as text")

    def press(self) -> None:
        """Copy what is shown."""
        chosen = self._chosen()
        self.copy_text("\n\n".join(chosen))
        self.form.primary.say("Copied", count(len(chosen), "message"))
