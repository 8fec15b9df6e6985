"""The window: strip, rail, pages, status line; it runs one job and stops it at every moment.

Decision: it is on screen before the bench file is read and the first page is made (both import
much), and is furnished with a session then. Until that, Stop has nothing to stop, a press on the
rail is kept, and closing closes at once.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QByteArray, QSize, QTimer, pyqtSignal
from PyQt6.QtWidgets import QApplication, QVBoxLayout, QWidget

from app.config import Settings
from app.gui.actions import PAGES, make_actions
from app.gui.dropped import DroppedWindow
from app.gui.esc_key import EscKey
from app.gui.pages import PAGE_CLASSES, make_page
from app.gui.task_bar import TaskBar
from app.gui.theme import MODES
from app.gui.top import TopStrip
from app.gui.widgets.middle import Middle, Pages
from app.gui.widgets.rail import Rail
from app.gui.widgets.status import StatusLine
from app.gui.widgets.toast import AskBar, Toasts

if TYPE_CHECKING:
    from collections.abc import Callable

    from PyQt6.QtGui import QResizeEvent, QShowEvent

    from app.gui.background import Latest
    from app.gui.guide import Guide
    from app.gui.pages.page import Page
    from app.gui.theme import Theme
    from app.session import Session

WITHIN = {
    "calibrate": "bench", "bench_draft": "bench", "serve": "bench", "welcome": "bench",
    "import_data": "library", "demo": "library", "keys": "settings", "words": "settings",
}  # fmt: skip
"""Pages that are reached from another one."""
FIRST_PAGE = "record"
LEAST = QSize(1024, 640)


class Window(DroppedWindow):
    """Everything around the pages.

    Signals: `framed` once its first frame is on screen; `usable` once the first page is, too, and
    answers; `complete` once that page's plots are, where it has some; `page_opened(key)`.
    """

    framed = pyqtSignal()
    usable = pyqtSignal()
    complete = pyqtSignal()
    page_opened = pyqtSignal(str)

    def __init__(
        self, session: Session | None, theme: Theme, settings: Settings | None = None
    ) -> None:
        super().__init__()
        self.theme = theme
        self.settings = settings or Settings()
        self.guide: Guide | None = None
        self.reports: Latest | None = None
        self._framed = self._used = False
        self._wanted = ""
        self.bench_file = self.settings.bench
        self.task_bar = TaskBar(self)
        screen = self.screen()
        self.setMinimumSize(LEAST if screen is None else LEAST.boundedTo(screen.availableSize()))
        self.resize(1440, 900)
        self._lay_out()
        self.actions_by_id = make_actions(self, self._handlers(), self.top.menu)
        self.toasts = Toasts(self.sheet, self.rail.minimumWidth(), self.room_for_toasts)
        EscKey(self, self.bar.take_back, self.stop)
        if self.settings.geometry:
            self.restoreGeometry(QByteArray.fromHex(self.settings.geometry.encode()))
        if session is not None:
            self.furnish(session)

    def furnish(self, session: Session, page: str = "") -> None:
        """Give it its bench and library, and show a page: the one asked for, or the last one."""
        from app.gui.link import BenchLink

        self.session = session
        self.link = BenchLink(session)
        self.furnished = True
        self.complete.connect(self._watch)
        self.task_bar.name_bench(session.spec.name)
        self.top.begin(session)
        self._connect_link()
        last = self.settings.page if self.settings.page in PAGE_CLASSES else FIRST_PAGE
        self.open_page(self._wanted or page or last)
        self._tell_usable()

    def _lay_out(self) -> None:
        self.sheet = QWidget()
        self.sheet.setObjectName("sheet")
        self.setCentralWidget(self.sheet)
        outer = QVBoxLayout(self.sheet)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        self.top = TopStrip(self.theme)
        self.top.stop_button.clicked.connect(self.stop)
        self.bar, self.guide_bar = AskBar(), AskBar("guide")
        names = [(key, name, str(n)) for n, (key, name) in enumerate(PAGES, start=1)]
        foot = [("log", "Log", "F8"), ("settings", "Settings", "Ctrl ,")]
        self.rail = Rail(self.theme, names, foot, self.open_page, WITHIN)
        self.stack = Pages()
        self.status = StatusLine(self.theme)
        outer.addWidget(self.top)
        outer.addWidget(self.bar)
        outer.addWidget(self.guide_bar)
        outer.addWidget(Middle(self.rail, self.stack), 1)
        outer.addWidget(self.status)

    def _handlers(self) -> dict[str, Callable[[], None]]:
        pages = [*(key for key, _ in PAGES), *WITHIN, "log", "settings"]
        return {
            "stop": self.stop,
            "pause": self.pause,
            "reconnect": self.reconnect,
            **{f"page.{key}": partial(self.open_page, key) for key in pages},
            "copy": self._copy,
            **{f"theme.{mode}": partial(self.set_theme, mode) for mode in MODES},
            "guide": self.start_guide,
            "problem": self.report_problem,
            "quit": self._quit,
        }

    def _quit(self) -> None:
        self.close()

    def _copy(self) -> None:
        if self.furnished:
            self.page().copy_plots()

    def open_page(self, key: str, artefact: Path | None = None) -> None:
        """Show a page (made when first shown), with an artefact chosen on it."""
        if not self.furnished:
            self._wanted = key
            return
        page = self._made(key)
        self.stack.turn_to(page)
        self.rail.choose(key)
        self.toasts.arrange()
        page.refresh()
        if artefact is not None:
            page.choose(artefact)
        self.page_opened.emit(key)

    def _made(self, key: str) -> Page:
        """A page, made when first asked for, with its form as it was left."""
        page = self.pages.get(key)
        if page is None:
            page = self.pages[key] = make_page(key, self)
            self.stack.addWidget(page)
            page.set_form_values(self.settings.forms.get(key, {}))
        return page

    def _watch(self) -> None:
        """Alarms of the last start are in force before anybody opens their page."""
        if self.settings.forms.get("monitor", {}).get("alarms") and not self.closing:
            self._made("monitor")

    def page(self) -> Page:
        """The page in view."""
        return next(p for p in self.pages.values() if p is self.stack.currentWidget())

    def toast(self, text: str, level: str = "info", trace: str = "") -> None:
        """Say something in the corner, and keep it in the log."""
        self.log.append(f"{level}: {text}" + (f"\n{trace}" if trace else ""))
        self.toasts.show(text, level, trace)
        if level == "error":
            self.task_bar.attend()

    def reconnect(self) -> None:
        """Connect the bench (again), in a worker."""
        if not self.furnished:
            return
        if self.session.bench is None:
            self.top.waiting("Connecting", self.session.spec.name)
            self.link.connect_bench()
        else:
            self.toast("The bench is connected")

    def fill_form(self, key: str, values: dict[str, Any]) -> None:
        """Put values into a page's form, and let it say what they cost."""
        page = self.pages[key]
        page.set_form_values(values)
        page.form_changed()

    @property
    def on_virtual_rig(self) -> bool:
        """Whether its bench is the built-in rig, connected or not."""
        from instruments.bench_file import read_bench  # its drivers: not before the first frame

        return self.session.spec == read_bench("virtual")

    def use_virtual(self) -> None:
        """Go to the virtual rig: connect it, or close this bench and open it."""
        if not self.on_virtual_rig:
            self.open_bench(Path("virtual"))
            return
        self.bench_file = "virtual"
        if self.session.bench is None:
            self.reconnect()
        self.open_page("record")

    def set_theme(self, mode: str) -> None:
        """Light, dark, or as the system."""
        if isinstance(app := QApplication.instance(), QApplication):
            self.theme.apply(app, mode)

    def start_guide(self) -> None:
        """Walk through a first run; it can be left at any time."""
        from app.gui.guide import Guide

        if not self.furnished:
            return
        if self.guide is not None:
            self.guide.leave()
        self.guide = Guide(self)
        self.guide.begin()

    def report_problem(self) -> None:
        """Write a bundle for a report beside the library's artefacts, and say what is in it."""
        from app.gui.problem import report

        if self.furnished:
            report(self)

    # Qt

    def settings_now(self) -> Settings:
        """What should come back at the next start."""
        forms = {**self.settings.forms}
        forms.update({key: page.form_values() for key, page in self.pages.items()})
        for key, values in (self.guide.borrowed() if self.guide is not None else {}).items():
            forms[key] = {**forms[key], **values}
        geometry = bytes(self.saveGeometry().toHex().data()).decode()
        shown = next((k for k, p in self.pages.items() if p is self.stack.currentWidget()), "")
        page = shown if shown not in ("", "welcome", "keys", "words") else self.settings.page
        return Settings(self.theme.mode, self.bench_file, geometry, forms, page)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.toasts.arrange()

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        if self.focusWidget() is None:
            self.setFocus()  # no button is framed before somebody goes there
        QTimer.singleShot(0, self._when_exposed)

    def _when_exposed(self) -> None:
        handle = self.windowHandle()
        if handle is not None and not handle.isExposed() and not self.isMinimized():
            QTimer.singleShot(2, self._when_exposed)
            return
        if not self._framed:
            self._framed = True
            self.repaint()
            self.framed.emit()
        self._tell_usable()

    def _tell_usable(self) -> None:
        """Once both are there: the frame on screen, and its first page painted in it.

        One that begins minimised, as at log-on, waits for neither: its bench is connected and its
        alarms are in force, plots are made once somebody looks.
        """
        if self._framed and self.furnished and not self._used:
            self._used = True
            self.repaint()
            self.usable.emit()
            if self.page().whole or self.isMinimized():
                self.complete.emit()
            else:
                self.page().made_whole.connect(lambda: QTimer.singleShot(0, self._tell_complete))

    def _tell_complete(self) -> None:
        self.repaint()
        self.complete.emit()
