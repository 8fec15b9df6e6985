"""The window: strip, rail, pages, status line; it runs one job and stops it at every moment."""

from __future__ import annotations

import traceback
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QByteArray, QEvent, QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QStackedWidget,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.config import Settings
from app.gui.actions import PAGES, make_actions, shortcut_sheet
from app.gui.bench_window import BenchWindow
from app.gui.job import Job, JobSpec, Outcome
from app.gui.link import BenchLink
from app.gui.pages import make_page
from app.gui.theme import MODES
from app.gui.top import TopStrip
from app.gui.widgets.rail import Rail
from app.gui.widgets.status import StatusLine
from app.gui.widgets.toast import AskBar, Toasts
from app.operations.bench_read import BenchRead
from app.operations.events import Event, Note, PointMeasured, Progress, RunPlan, StepRead
from app.words import duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PyQt6.QtGui import QResizeEvent, QShowEvent

    from app.gui.pages.page import Page
    from app.gui.theme import Theme
    from app.session import Session

WITHIN = {"calibrate": "bench", "bench_draft": "bench", "import_data": "library"}
"""Pages that are reached from another one."""
EDITORS = (QLineEdit, QAbstractSpinBox, QComboBox, QTextEdit, QPlainTextEdit)


class Window(BenchWindow):
    """Everything around the pages. `usable` is emitted once, after the first frame is on screen."""

    usable = pyqtSignal()

    def __init__(self, session: Session, theme: Theme, settings: Settings | None = None) -> None:
        super().__init__()
        self.session, self.theme = session, theme
        self.settings = settings or Settings()
        self.job: Job | None = None
        self.log: list[str] = []
        self.pages: dict[str, Page] = {}
        self.link = BenchLink(session)
        self.setWindowTitle(f"Twinrig, {session.spec.name}")
        self.setMinimumSize(1024, 640)
        self.resize(1440, 900)
        self._lay_out()
        self._connect_link()
        self.actions_by_id = make_actions(self, self._handlers(), self.top.menu)
        self.toasts = Toasts(self.sheet)
        app = QApplication.instance()
        if app is not None:
            app.installEventFilter(self)
        if self.settings.geometry:
            self.restoreGeometry(QByteArray.fromHex(self.settings.geometry.encode()))
        self.open_page("record")

    def _lay_out(self) -> None:
        self.sheet = QWidget()
        self.sheet.setObjectName("sheet")
        self.setCentralWidget(self.sheet)
        outer = QVBoxLayout(self.sheet)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        self.top = TopStrip(self.theme, self.session)
        self.top.stop_button.clicked.connect(self.stop)
        self.bar = AskBar()
        names = [(key, name, str(n)) for n, (key, name) in enumerate(PAGES, start=1)]
        self.rail = Rail(self.theme, names, [("log", "Log", "F8")], self.open_page, WITHIN)
        self.stack = QStackedWidget()
        self.status = StatusLine(self.theme)
        outer.addWidget(self.top)
        outer.addWidget(self.bar)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.rail)
        middle.addWidget(self.stack, 1)
        outer.addLayout(middle, 1)
        outer.addWidget(self.status)

    def _handlers(self) -> dict[str, Callable[[], None]]:
        pages = [*(key for key, _ in PAGES), *WITHIN, "log"]
        return {
            "stop": self.stop,
            "pause": self.pause,
            "reconnect": self.reconnect,
            **{f"page.{key}": partial(self.open_page, key) for key in pages},
            "copy": lambda: self.page().copy_plots(),
            **{f"theme.{mode}": partial(self.set_theme, mode) for mode in MODES},
            "shortcuts": lambda: self.toast(shortcut_sheet()),
            "quit": self._quit,
        }

    def _quit(self) -> None:
        self.close()

    # the shell that pages see

    def open_page(self, key: str, artefact: Path | None = None) -> None:
        """Show a page (made when first shown), with an artefact chosen on it."""
        page = self.pages.get(key)
        if page is None:
            page = make_page(key, self)
            self.pages[key] = page
            self.stack.addWidget(page)
            page.set_form_values(self.settings.forms.get(key, {}))
        self.stack.setCurrentWidget(page)
        self.rail.choose(key)
        page.refresh()
        if artefact is not None:
            page.choose(artefact)

    def page(self) -> Page:
        """The page in view."""
        return next(p for p in self.pages.values() if p is self.stack.currentWidget())

    def toast(self, text: str, level: str = "info", trace: str = "") -> None:
        """Say something in the corner, and keep it in the log."""
        self.log.append(f"{level}: {text}" + (f"\n{trace}" if trace else ""))
        self.toasts.show(text, level, trace)

    def run(self, spec: JobSpec) -> bool:
        """Run a page's operation; one at a time."""
        if self.job is not None or self.closing:
            running = self.job.spec.title if self.job else "The window's end"
            self.toast(f"{running} is under way: stop it, or wait for its end", "warning")
            return False
        if spec.hardware and self.session.unsafe:
            self.toast(f"The bench is not safe yet: {self.session.unsafe}", "error")
            return False
        interrupt = self.session.request_stop if spec.hardware else _nothing
        self.session.clear_stop()
        guard = self.session.job(spec.title, hardware=spec.hardware)
        self.job = Job(spec, interrupt, guard)
        self.job.events.connect(self._take)
        self.job.finished.connect(self._finished)
        self.status.say(f"{spec.title}, starting", fraction=0.0)
        self.status.say_right("", spec.run_id)
        self.pages[spec.page].job_started()
        self.job.start()
        return True

    def stop(self) -> None:
        """Stop: first the job's own way down; again, or while idle: make the bench safe at once."""
        job = self.job
        if job is not None and not job.stop_asked:
            job.stop()
            self.status.say(f"{job.spec.title}, stopping", fraction=self.status.fraction)
            if job.spec.hardware:
                self.top.waiting("Stopping", "field to zero, then output off")
            return
        self.link.make_safe()

    def pause(self) -> None:
        """Pause the bench's job after its repeat, or let it go on; nothing without one."""
        job = self.job
        if job is None or not job.spec.hardware or job.stop_asked:
            return
        self.session.pause.toggle()
        self.pages[job.spec.page].show_pause()

    def reconnect(self) -> None:
        """Connect the bench again, in a worker."""
        if self.session.bench is None:
            self.top.waiting("Connecting", self.session.spec.name)
            self.link.connect_bench()
        else:
            self.toast("The bench is connected")

    def set_theme(self, mode: str) -> None:
        """Light, dark, or as the system."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            self.theme.apply(app, mode)

    # the job

    def _take(self, events: list[Event]) -> None:
        job = self.job
        if job is None:
            return
        page = self.pages[job.spec.page]
        step = next((e for e in reversed(events) if isinstance(e, StepRead)), None)
        if step is not None and not job.stop_asked:
            self.top.show_step(step.field_T, step.current_A, step.values)
        point = next((e for e in reversed(events) if isinstance(e, PointMeasured)), None)
        if point is not None and not job.stop_asked:
            self.top.show_point(point)
        look = next((e for e in reversed(events) if isinstance(e, BenchRead)), None)
        if look is not None and not job.stop_asked:
            self.top.show_reading(look)
            self.status.say(f"{job.spec.title}, {1e3 * look.field_T:.4g} mT")
        for other in self.pages.values():
            if other is not page:
                other.watch(events)
        progress = next((e for e in reversed(events) if isinstance(e, Progress)), None)
        if progress is not None and not job.stop_asked:
            share = progress.done / progress.total if progress.total else 0.0
            left = "" if progress.remaining_s is None else f"{duration(progress.remaining_s)} left"
            words = f"{job.spec.title}, {progress.done:g} of {progress.total:g} {progress.unit}"
            self.status.say(words, fraction=share, left=left)
            self.rail.item(job.spec.page).show_mark(f"{100 * share:.0f} %")
        for event in events:
            if isinstance(event, RunPlan):
                self.status.say_right("every complete repeat is on disk", event.run_id)
            elif isinstance(event, Note) and (
                event.level == "info" or (event.level == "warning" and page.shows_warnings)
            ):
                self.log.append(f"{event.level}: {event.text}")
            elif isinstance(event, Note):
                self.toast(event.text, event.level)
        page.take(events)
        if page.wait.words and not job.stop_asked:
            if page.wait.at_zero:
                self.top.show_rest()
            if page.wait.reason:
                self.top.forbidden("Held", page.wait.reason)
            self.status.say(f"{job.spec.title}, {page.wait.words}", fraction=self.status.fraction)
        if progress is None and not job.stop_asked and page.progress is not None:
            share, left = page.progress
            self.status.say(job.spec.title, fraction=share, left=left)
            self.rail.item(job.spec.page).show_mark(f"{100 * share:.0f} %")

    def _finished(self, outcome: Outcome) -> None:
        job, self.job = self.job, None
        if job is None:
            return
        self.session.clear_stop()
        if self.closing:  # before anything is shown: what fails there must not keep the bench
            self._close_bench()
        elif job.spec.hardware and self.session.unsafe:
            self._given_up(self.session.unsafe)
            self.link.make_safe()
        self._show_end(job, outcome)
        job.deleteLater()

    def _show_end(self, job: Job, outcome: Outcome) -> None:
        self.top.idle()
        failed = outcome.status == "failed"
        self.rail.item(job.spec.page).show_mark("fault" if failed else "")
        word = {"done": "done", "stopped": "stopped"}.get(outcome.status, "failed")
        self.status.say(f"{job.spec.title}, {word}")
        self.status.say_right("")
        try:
            self.pages[job.spec.page].job_finished(outcome)
        except Exception as error:
            self.toast(f"{error}", "error", traceback.format_exc())
        if failed and outcome.error is not None:
            self.toast(f"{job.spec.title}: {outcome.error}", "error", outcome.trace)

    # Qt

    def settings_now(self) -> Settings:
        """What should come back at the next start."""
        forms = {**self.settings.forms}
        forms.update({key: page.form_values() for key, page in self.pages.items()})
        geometry = bytes(self.saveGeometry().toHex().data()).decode()
        return Settings(self.theme.mode, self.settings.bench, geometry, forms)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Esc is Stop only where no entry, list or popup could mean it otherwise."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() == Qt.Key.Key_Escape
            and watched is QApplication.focusWidget()
            and QApplication.activePopupWidget() is None
            and not isinstance(watched, EDITORS)
        ):
            self.stop()
            return True
        return False

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.toasts.arrange()

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        QTimer.singleShot(0, self._when_exposed)

    def _when_exposed(self) -> None:
        handle = self.windowHandle()
        if handle is not None and not handle.isExposed():
            QTimer.singleShot(2, self._when_exposed)
            return
        self.usable.emit()


def _nothing() -> None:
    """A child process needs no interrupt: its generator is closed at the next event."""
