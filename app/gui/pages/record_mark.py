"""The Record page's header: mark a repeat bad or take it back, run or next design in view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.gui.background import Latest
from app.gui.widgets.number_entry import WholeEntry
from app.gui.widgets.segments import Segments
from app.operations.mark import mark_one
from app.recording_marks import bad_positions

if TYPE_CHECKING:
    from pathlib import Path

    from app.gui.live_record import LiveRecording
    from app.gui.theme import Theme


def run_or_next(theme: Theme) -> Segments:
    """What the plots show: the run, or what the form would apply next; hidden before any run."""
    made = Segments(theme, (("Run", False), ("Next", True)), "View: run or next")
    made.setFixedWidth(96)
    made.setToolTip("The run, or what the form would apply next")
    made.hide()
    return made


class MarkPart(QWidget):
    """The number follows the running repeat until another one is chosen; one press marks it.

    A mark made while the run goes on lets the number follow again. After the run it stays: the next
    press takes the mark back, and doesn't mark another repeat.

    Signals: `marked(frozenset)` of what is bad now, `failed(error)`, `chosen(position)` where one
    is chosen by hand (−1: it follows the run again).
    """

    marked = pyqtSignal(object)
    failed = pyqtSignal(object)
    chosen = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self._path: Path | None = None
        self._bad: frozenset[int] = frozenset()
        self._follows, self._running = True, False
        self._task, self._look = Latest(), Latest()
        self._task.done.connect(self._answered)
        self._look.done.connect(self._looked)
        self.number = WholeEntry(1, 1, 1, "", "Repeat to mark, in the order of recording")
        self.number.setPrefix("repeat ")
        self.number.setFixedWidth(96)
        self.number.setToolTip("Which repeat: follows the run until you choose one")
        self.number.valueChanged.connect(self._edited)
        self.button = QPushButton("Mark bad")
        self.button.clicked.connect(self.press)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.number)
        layout.addWidget(self.button)
        self._say()
        self.hide()

    def of_run(self, path: Path | None) -> None:
        """The recording whose repeats are marked; None: none can be (a run in rounds)."""
        self._path, self._follows = path, True
        self._bad = frozenset()
        self._look.forget()
        self.setVisible(path is not None)

    def follow(self, live: LiveRecording, *, running: bool) -> None:
        """Follow the run: its newest repeat, and what is marked."""
        self._running = running
        known = live.done + 1 if running and live.done < live.total else live.done
        self.number.blockSignals(True)
        self.number.setMaximum(max(1, known))
        if self._follows:
            newest = live.position if running else live.levels.newest
            self.number.setValue(newest + 1)
        self.number.blockSignals(False)
        self._bad = live.bad
        self._say()

    def let_go(self) -> None:
        """Follow the run again."""
        self._follows = True

    def choose(self, position: int) -> None:
        """Choose a repeat by its position, as by a click on its dot."""
        self.number.setValue(position + 1)
        self._edited()

    @property
    def position(self) -> int:
        """The chosen repeat's position in the run's order."""
        return int(self.number.value()) - 1

    def press(self) -> None:
        """Mark the chosen repeat, or take it back; the file is written beside the window."""
        path, position = self._path, self.position
        if path is None:
            return
        bad = position not in self._bad
        self._look.forget()  # what it read is older than this mark
        self._task.ask(lambda: (path, mark_one(path, position, bad=bad)))

    def look(self) -> None:
        """Read beside the window what is marked by now, whoever marked it."""
        if (path := self._path) is not None:
            self._look.ask(lambda: bad_positions(path))

    def _looked(self, bad: frozenset[int] | None, _error: Exception | None) -> None:
        """Whether marks can't be read is said by whatever needs them: a mark, a fit, a score."""
        if bad is not None and bad != self._bad:
            self._bad = bad
            self._say()
            self.marked.emit(bad)

    def _answered(
        self, marked: tuple[Path, frozenset[int]] | None, error: Exception | None
    ) -> None:
        if marked is None:
            self.failed.emit(error)
            return
        path, bad = marked
        if path != self._path:  # the next run has begun meanwhile
            return
        self._look.forget()
        self._bad, self._follows = bad, self._follows or self._running
        self._say()
        self.marked.emit(self._bad)
        if self._running:
            self.chosen.emit(-1)

    def _edited(self, _value: int = 0) -> None:
        self._follows = False
        self._say()
        self.chosen.emit(self.position)

    def _say(self) -> None:
        number, bad = self.position + 1, self.position in self._bad
        self.button.setText("Take back" if bad else "Mark bad")
        words = f"repeat {number} back into" if bad else f"repeat {number} out of"
        self.button.setToolTip(f"Leave {words} fits and scores; no data are touched")
        if bad:
            self.button.setToolTip(f"Take {words} fits and scores")
        self.button.setAccessibleName(f"{self.button.text()}, repeat {number}")
