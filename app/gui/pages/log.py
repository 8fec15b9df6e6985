"""The Log page: everything that was said since the start, tracebacks included."""

from __future__ import annotations

from PyQt6.QtWidgets import QApplication, QPlainTextEdit

from app.gui.pages.page import Page, Shell


class LogPage(Page):
    """Notes, warnings and errors in the order they came."""

    key, name = "log", "Log"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Log", "what was said since the start")
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Log")
        self.body.addWidget(self.text, 1)
        self.copy_button.hide()
        self.say("Log", "newest last; the recordings keep their own notes")
        self.form.primary.say("Copy the log", "messages and tracebacks, as text")

    def refresh(self) -> None:
        self.text.setPlainText("\n\n".join(self.shell.log) or "Nothing yet.")
        bar = self.text.verticalScrollBar()
        if bar is not None:
            bar.setValue(bar.maximum())

    def press(self) -> None:
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText("\n\n".join(self.shell.log))
        self.form.primary.say("Copied", f"{len(self.shell.log)} messages")
