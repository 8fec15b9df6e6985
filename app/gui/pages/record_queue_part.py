"""The queue's part of the Record page: its list and buttons in the form, what runs next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer
from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.gui.pages.record_queue_list import QueueList
from app.gui.record_queue import RecordQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.gui.job import Outcome
    from app.gui.record_design import Plan
    from app.gui.record_saved import NewDesign
    from app.gui.theme import Theme
    from app.gui.widgets.form import Form


class QueuePart(QObject):
    """List and buttons; `begin` runs a design and says whether it began.

    Parameters
    ----------
    theme, form
        Where it stands.
    begin
        Begins a recording; False where something else runs.
    present
        The form's design and plan now; None where there is none to add.
    tell
        Says a sentence in the corner, with its level.
    bench
        Name of the bench that it records on.
    """

    def __init__(
        self,
        theme: Theme,
        form: Form,
        begin: Callable[[NewDesign], bool],
        present: Callable[[], tuple[NewDesign, Plan | None] | None],
        tell: Callable[[str, str], None],
        bench: str,
    ) -> None:
        super().__init__(form)
        self.queue = RecordQueue(bench)
        self.running = False
        self._begin, self._present, self._tell = begin, present, tell
        self.note = form.section("Queue")
        self.list = QueueList(theme)
        self.list.moved.connect(self._move)
        self.list.removed.connect(self._remove)
        form.widget(self.list)
        form.widget(self._buttons())
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._run_next)
        self.show()

    def _buttons(self) -> QWidget:
        made = QWidget()
        layout = QHBoxLayout(made)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        at = self.list.currentRow
        self.add_button = self._button("Add", "Add the form to the queue", self.add)
        self.up_button = self._button("↑", "Earlier", lambda: self._move(at(), at() - 1))
        self.down_button = self._button("↓", "Later", lambda: self._move(at(), at() + 1))
        self.remove_button = self._button("×", "Take it out", lambda: self._remove(at()))
        self.start_button = self._button("Start queue", "Record them one after another", self.start)
        for button in (self.add_button, self.up_button, self.down_button, self.remove_button):
            layout.addWidget(button)
        layout.addStretch(1)
        layout.addWidget(self.start_button)
        return made

    def _button(self, text: str, words: str, press: Callable[[], object]) -> QPushButton:
        made = QPushButton(text)
        made.setToolTip(words)
        made.setAccessibleName(words)
        made.clicked.connect(lambda: press())
        if len(text) == 1:
            made.setFixedWidth(32)
        return made

    def show(self) -> None:
        """Show the queue as it stands."""
        queue = self.queue
        self.list.show_queue(queue.waiting)
        self.note.setText(queue.words)
        self.note.setToolTip(queue.held)
        several = len(queue.waiting) > 1
        self.up_button.setEnabled(several)
        self.down_button.setEnabled(several)
        self.remove_button.setEnabled(bool(queue.waiting))
        self.start_button.setEnabled(bool(queue.waiting) and not queue.going)
        self.start_button.setText("Runs next" if queue.going and self.running else "Start queue")

    def add(self) -> bool:
        """Put the form's design at the end; False where it makes none."""
        found = self._present()
        if found is not None:
            self.queue.add(*found)
            self.show()
        return found is not None

    def add_and_go(self) -> None:
        """Put the form's design at the end; it begins when what runs is done."""
        if self.add():
            self._go()

    def start(self) -> None:
        """Record them one after another, now or after what runs."""
        self._go()
        if not self.running:
            self._run_next()

    def _go(self) -> None:
        if words := self.queue.start():
            self._tell(words, "warning")
        self.show()

    def ended(self, outcome: Outcome) -> None:
        """A recording has ended: the next one, or words why not."""
        self.running = False
        words = self.queue.ended(outcome)
        if words:
            self._tell(words, "warning")
        self.show()
        if self.queue.going:
            self._next.start(0)  # once the window has let the ended one go

    def _run_next(self) -> None:
        one = self.queue.next()
        if one is None or not self.queue.going:
            self.queue.going = False
        else:
            self.queue.took(one)
            if not self._begin(one.design):
                self.queue.put_back(one)
        self.show()

    def _move(self, index: int, to: int) -> None:
        if 0 <= index < len(self.queue.waiting):
            at = self.queue.move(index, to)
            self.show()
            self.list.setCurrentRow(at)

    def _remove(self, index: int) -> None:
        if 0 <= index < len(self.queue.waiting):
            self.queue.remove(index)
            self.show()
