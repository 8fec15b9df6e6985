"""Wire log and console of the Bench page: what is filtered, saved, sent."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QEvent, QObject, Qt, QTimer
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.gui.background import Latest
from app.gui.pages.bench_wire_view import MOST_SHOWN, NARROW_PX, WireView, milliseconds
from app.gui.theme import mono
from app.gui.widgets.basic import Choice, Elided, Tick, label, set_role
from app.new_file import free_name
from app.operations.console import send
from app.wire_tail import save_messages

if TYPE_CHECKING:
    from pathlib import Path

    from PyQt6.QtGui import QResizeEvent

    from app.gui.pages.shell import Shell
    from app.operations.console import Answer
    from app.wire_tail import Message

LOOK_MS, MOST_HISTORY = 200, 50


def _fix(choice: Choice, width: int) -> None:
    choice.setFixedWidth(width)
    choice.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)


class WirePanel(QWidget):
    """The wire log with its filter, and below it the console of one instrument."""

    def __init__(self, shell: Shell) -> None:
        super().__init__()
        self.shell, self.session = shell, shell.session
        self.history: list[str] = []
        self._at, self._count = 0, -1
        self.sending = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._head())
        self.view = WireView(shell.theme)
        column.addWidget(self.view, 1)
        column.addLayout(self._console())
        self.answer = Elided("", "note")
        self.answer.setFixedHeight(16)
        column.addWidget(self.answer)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._sent, self._saved = Latest(), Latest()
        self._sent.done.connect(self._answered)
        self._saved.done.connect(self._told_saved)

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(8)
        title = label("Wire log", "panel")
        title.setFixedHeight(28)
        self.words = Elided("", "note")
        names = [(one.name, one.name) for one in self.session.spec.instruments]
        self.of = Choice(self.shell.theme, [("all", ""), *names], "Messages of")
        _fix(self.of, 80)  # all there is beside Save in the smallest window
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("filter: IDN -OUTP")
        self.filter.setToolTip("All of the words; none of those with a - before them")
        self.filter.setAccessibleName("Filter of the wire log")
        self.filter.setFixedWidth(128)
        self.idle = Tick(self.shell.theme, "idle")
        self.idle.setToolTip("Idle readings, too: what the window asks by itself")
        self.idle.setFixedWidth(58)
        save = QPushButton("Save")
        save.setToolTip("Write what the filter lets through, as --wire-log does")
        save.clicked.connect(lambda: self.save())
        head.addWidget(title)
        head.addWidget(self.words, 1)
        for widget in (self.idle, self.of, self.filter, save):
            head.addWidget(widget)
        self.filter.textChanged.connect(lambda _: self._look(again=True))
        self.of.currentIndexChanged.connect(lambda _: self._look(again=True))
        self.idle.toggled.connect(lambda _: self._look(again=True))
        return head

    def _console(self) -> QBoxLayout:
        """Instrument, command, Send; the instrument above the others where there is little room."""
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setSpacing(8)
        names = [(one.name, one.name) for one in self.session.spec.instruments]
        self.name = Choice(self.shell.theme, names, "Instrument of the console")
        _fix(self.name, 120)
        self.command = QLineEdit()
        self.command.setFont(mono())
        self.command.setPlaceholderText("command, e.g. *IDN?")
        self.command.setAccessibleName("Command")
        self.command.setToolTip(
            "Up and Down: what was sent before. A magnet's supply is only asked"
        )
        self.command.returnPressed.connect(self.send)
        self.command.installEventFilter(self)
        self.send_button = QPushButton("Send")
        self.send_button.clicked.connect(lambda: self.send())
        typed = QHBoxLayout()
        typed.setSpacing(8)
        typed.addWidget(self.command, 1)
        typed.addWidget(self.send_button)
        self._row.addWidget(self.name)
        self._row.addLayout(typed, 1)
        return self._row

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        wide = self.width() >= NARROW_PX
        ways = QBoxLayout.Direction
        self._row.setDirection(ways.LeftToRight if wide else ways.TopToBottom)
        self.idle.setVisible(wide or self.idle.isChecked())
        self.filter.setVisible(wide or bool(self.filter.text()))

    # the log

    def watch(self, *, on: bool) -> None:
        """Look at the log while the page is shown."""
        if on:
            self._timer.start()
            self._look(again=True)
        else:
            self._timer.stop()

    def _look(self, *, again: bool = False) -> None:
        if not self.isVisible() and not again:
            self._timer.stop()
            return
        tail = self.session.wire
        if tail.count == self._count and not again:
            return
        self._count = tail.count
        shown = self._messages(MOST_SHOWN)
        self.view.show_messages(shown)
        most = "or more " if len(shown) == MOST_SHOWN else ""
        self.words.setText(f"{len(shown):,} {most}of {tail.count:,}".replace(",", "\u2009"))

    def _messages(self, most: int) -> list[Message]:
        return self.session.wire.latest(
            most, name=self.of.currentData() or "", words=self.filter.text(),
            idle=self.idle.isChecked(),
        )  # fmt: skip

    def save(self) -> None:
        """Write what the filter lets through, in a thread."""
        messages = self._messages(self.session.wire.count)
        stem = time.strftime("wire-%Y%m%d-%H%M%S")
        library = self.session.library

        def saved() -> Path:
            path = library.there() / "wire" / f"{stem}.jsonl"
            return save_messages(free_name(path, path.suffix), messages)

        self._saved.ask(saved)

    def _told_saved(self, path: Path | None, error: Exception | None) -> None:
        if error is None:
            self.shell.toast(f"Written: {path}")
        else:
            self.shell.toast(f"Wire log: {error}", "error")

    # the console

    def choose(self, name: str) -> None:
        """Speak to this instrument."""
        self.name.choose(name)
        self.command.setFocus()

    def send(self) -> None:
        """Send what is typed, in a thread; refused while a run has the bench."""
        command, name = self.command.text().strip(), str(self.name.currentData())
        if not command or self.sending:
            return
        if self.session.at_bench:
            self._say(f"{self.session.at_bench} has the bench: ask when it is done", "attention")
            return
        self.history = [*[one for one in self.history if one != command], command][-MOST_HISTORY:]
        self._at = len(self.history)
        self.sending = True
        self.send_button.setEnabled(False)
        self._say(f"{name} …", "note")
        self._sent.ask(lambda: self.session.with_bench(lambda bench: send(bench, name, command)))

    def _answered(self, answer: Answer | None, error: Exception | None) -> None:
        self.sending = False
        self.send_button.setEnabled(True)
        if error is not None:
            self._say(str(error).splitlines()[0], "fault")
            self.shell.log.append(f"console: {''.join(traceback.format_exception(error))}")
        elif answer is not None:
            took = milliseconds(answer.seconds)
            words = "sent, no answer asked" if answer.reply is None else f"← {answer.reply}"
            self._say(f"{answer.name}: {answer.command} {words} ({took})", "note")
            if self.command.text().strip() == answer.command:  # else the next one is being typed
                self.command.clear()
        self._look(again=True)

    def _say(self, words: str, role: str) -> None:
        self.answer.setText(words)
        set_role(self.answer, role)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Up and Down walk through what was sent before."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
            if step and self.history:
                self._at = min(max(0, self._at + step), len(self.history))
                at_end = self._at == len(self.history)
                self.command.setText("" if at_end else self.history[self._at])
                return True
        return False

    def values(self) -> dict[str, Any]:
        """What was sent, for the next start."""
        return {"history": self.history}

    def set_values(self, values: dict[str, Any]) -> None:
        """Put it back."""
        found = values.get("history")
        if isinstance(found, list):
            self.history = [str(one) for one in found][-MOST_HISTORY:]
            self._at = len(self.history)
