"""What all pages share: form, header with buttons, events in batches, one draw a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from PyQt6.QtCore import QEvent, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QApplication, QBoxLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.gui.live_wait import LiveWait
from app.gui.widgets.basic import Elided
from app.gui.widgets.form import Form
from app.gui.widgets.picture import FLASH_MS, flash, picture
from app.gui.widgets.tab_order import chain, focusable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from PyQt6.QtCore import QObject
    from PyQt6.QtGui import QPixmap, QShowEvent

    from app.gui.job import Outcome
    from app.gui.pages.shell import Shell
    from app.operations.events import Event
    from instruments.bench_reading import BenchReading

LEAST_HEADING_PX = 136  # of a header, left of its buttons: `No twin shown` whole
ROW, COLUMN = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
LAID_OUT = (QEvent.Type.Resize, QEvent.Type.LayoutRequest)


class Remembers(Protocol):
    """Rows of a form whose values come back at the next start."""

    def values(self) -> dict[str, Any]:
        """Its values, as JSON has them."""

    def set_values(self, values: dict[str, Any]) -> None:
        """Put values back; what doesn't fit is left alone."""


class Page(QWidget):
    """Form at the left, header and plots at the right.

    `made_whole` tells that what was to come behind the first paint is there.
    """

    made_whole = pyqtSignal()

    key = ""
    name = ""
    shows_warnings = False  # on the page, where they stay: no toast over it while it is in view
    of_library = False  # what it offers changes by other pages' jobs and by other programs
    remembers: Remembers | None = None

    def __init__(self, shell: Shell, title: str, subtitle: str) -> None:
        super().__init__()
        self.shell, self.theme, self.session = shell, shell.theme, shell.session
        self.running = False
        self.pause_button: QPushButton | None = None
        self._pause_words, self._pause_after = "Pause", "repeat"
        self.wait = LiveWait()
        self.setObjectName("body")
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        self.form = Form(self.theme, title, subtitle)
        self.form.primary.clicked.connect(self.press)
        outer.addWidget(self.form)
        self.content = QWidget()
        self.content.setObjectName("content")
        outer.addWidget(self.content, 1)
        self.body = QVBoxLayout(self.content)
        self.body.setContentsMargins(16, 16, 16, 12)
        self.body.setSpacing(12)
        self._header()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(120)
        self._later.timeout.connect(self.show_cost)
        self.made_whole.connect(self._order_tabs)

    def _header(self) -> None:
        self._head = head = QBoxLayout(ROW)
        head.setSpacing(8)
        words = QVBoxLayout()
        words.setSpacing(2)
        self.heading, self.subheading = Elided("", "title"), Elided("", "note")
        words.addWidget(self.heading)
        words.addWidget(self.subheading)
        head.addLayout(words, 1)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        head.addLayout(self._buttons)
        head.setAlignment(self._buttons, Qt.AlignmentFlag.AlignLeft)  # where they stand below
        self.body.addLayout(head)
        self.copy_button = self.button("Copy plots", self.copy_plots)
        self._spared = False  # the button, where the header has no room for it
        self.content.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Whatever changes the header or its room."""
        if watched is self.content and event is not None and event.type() in LAID_OUT:
            self._arrange_header()
        return super().eventFilter(watched, event)

    def _arrange_header(self) -> None:
        """Buttons never overlap, nor cut the heading short: in a narrow window they stand below it.

        The one that copies goes first, where there are plots: menu and Ctrl+Shift+C copy, too.
        """
        items = [self._buttons.itemAt(k) for k in range(self._buttons.count())]
        widgets = [w for i in items if i is not None and (w := i.widget()) is not None]
        shown = [w for w in widgets if w is not self.copy_button and not w.isHidden()]
        gap = self._buttons.spacing()
        needed = sum(max(w.minimumSizeHint().width(), w.minimumWidth()) + gap for w in shown)
        margins = self.body.contentsMargins()
        room = self.content.width() - margins.left() - margins.right()
        below = needed + LEAST_HEADING_PX > room
        if self._spared or not self.copy_button.isHidden():
            needed += self.copy_button.minimumSizeHint().width() + gap
            self._spared = needed + (0 if below else LEAST_HEADING_PX) > room
            self.copy_button.setVisible(not self._spared)
        self._head.setDirection(COLUMN if below else ROW)

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._order_tabs()

    def _order_tabs(self) -> None:
        """On from the form's button: also to plots that are made behind the first paint."""
        chain([self.form.primary, *focusable(self.body)])

    def button(self, text: str, press: Callable[[], None]) -> QPushButton:
        """A button at the right of the header, left of those that are there."""
        made = QPushButton(text)
        made.clicked.connect(lambda: press())
        self._buttons.insertWidget(0, made)
        return made

    def offer_pause(self, words: str = "Pause", after: str = "repeat") -> None:
        """A button that pauses the page's job `after` what runs, and lets it go on.

        It is there while one runs.
        """
        self._pause_words, self._pause_after = words, after
        self.pause_button = self.button(words, self.shell.pause)
        self.pause_button.hide()

    def show_pause(self) -> None:
        """Say on the button what a press does now."""
        if self.pause_button is not None:
            asked = self.session.pause.requested
            self.pause_button.setText("Resume" if asked else self._pause_words)
            words = "Go on" if asked else f"Wait at zero current after this {self._pause_after}"
            self.pause_button.setToolTip(f"{words} (Ctrl+P)")
            self.pause_button.setVisible(self.running)

    def at_foot(self, stop: str) -> str:
        """What stands below the running job: why it waits, or will, or what Stop would do."""
        asked = self.session.pause.requested
        return self.wait.words or (f"pauses after this {self._pause_after}" if asked else stop)

    def say(self, heading: str, subheading: str = "") -> None:
        """What the header says."""
        self.heading.setText(heading)
        self.subheading.setText(subheading)

    def form_changed(self, *_: Any) -> None:
        """A control changed: the cost is computed a moment later, once."""
        self._later.start()

    def copy_plots(self) -> None:
        """Copy the plots of the page to the clipboard, with a flash."""
        clipboard = QApplication.clipboard()
        if clipboard is None:
            return
        clipboard.setPixmap(self.picture())
        self.copy_button.setText("Copied")
        QTimer.singleShot(8 * FLASH_MS, self._offer_copy)  # a method ends with the page
        flash(self.content, self.theme.tokens.selected)

    def picture(self) -> QPixmap:
        """Heading and plots for a paper or a slide."""
        return picture(self.content, self.theme, self.content.devicePixelRatioF())

    def _offer_copy(self) -> None:
        self.copy_button.setText("Copy plots")

    def copy_text(self, text: str) -> None:
        """Copy a text to the clipboard."""
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(text)

    def press(self) -> None:
        """The primary button was pressed."""

    def show_cost(self) -> None:
        """Compute the cost line from the form, by the code that will run it."""

    @property
    def whole(self) -> bool:
        """Whether all of the page is made: some make their plots behind the first paint."""
        return True

    @property
    def progress(self) -> tuple[float, str] | None:
        """Share done and time left for the status line, where no `Progress` event says it."""
        return None

    def take(self, events: Sequence[Event]) -> None:
        """Take the events of one frame; draw once."""

    def job_started(self) -> None:
        """The job of this page begins."""
        self.running, self.wait = True, LiveWait()
        self.show_pause()

    def made_safe(self, words: str) -> None:
        """Its job is on the way to the bench's safe state: it runs no more, nor waits."""
        self.wait = LiveWait()
        self.say(self.heading.text(), words)
        self.form_changed()

    def job_finished(self, outcome: Outcome) -> None:
        """The job of this page has ended."""
        self.running = False
        self.show_pause()
        self.refresh()

    def bench_changed(self) -> None:
        """The bench was connected or lost."""
        self.form_changed()

    def take_reading(self, reading: BenchReading) -> None:
        """An idle reading of the bench, four times a second while no job has it."""

    def take_way(self, field_T: float, current_A: float) -> None:
        """Where field and magnet are while a job has the bench and no step says it."""

    def watch(self, events: Sequence[Event]) -> None:
        """See the events of one frame of a job that another page runs."""

    def bench_lost(self, words: str) -> None:
        """An idle reading failed: what every page shows of the bench is old."""

    def refresh(self) -> None:
        """Read again what the page offers from the library: when shown, and after a job."""

    def refresh_in_view(self) -> None:
        """Read it again because somebody else may have changed it."""
        if self.of_library and self.isVisible():
            self.refresh()

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        came = event is not None and event.type() == QEvent.Type.ActivationChange
        if came and self.isActiveWindow():  # back from a terminal, which may have made something
            self.refresh_in_view()

    def choose(self, artefact: Path) -> None:
        """Choose an artefact that another page hands over."""

    def form_values(self) -> dict[str, Any]:
        """Values of the form that come back at the next start."""
        return {} if self.remembers is None else self.remembers.values()

    def set_form_values(self, values: dict[str, Any]) -> None:
        """Put values back; what doesn't fit is left alone."""
        if self.remembers is not None:
            self.remembers.set_values(values)
