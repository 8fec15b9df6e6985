"""How the window ends: it asks in the window, stops, waits visibly for the safe state, closes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QApplication, QMainWindow

if TYPE_CHECKING:
    from PyQt6.QtGui import QCloseEvent

    from app.gui.job import Job
    from app.gui.link import BenchLink
    from app.gui.widgets.toast import AskBar
    from app.session import Session


class ClosingWindow(QMainWindow):
    """The closing half of the window. `gone` is emitted when the bench is closed, too."""

    gone = pyqtSignal()
    session: Session
    job: Job | None
    log: list[str]
    link: BenchLink
    bar: AskBar

    def __init__(self) -> None:
        super().__init__()
        self.closing = False
        self._closed = self._forced = False

    def stop(self) -> None:
        """Stop what runs; the window knows how."""
        raise NotImplementedError

    def closeEvent(self, event: QCloseEvent | None) -> None:
        if event is None or self._closed:
            return
        event.ignore()
        if self.closing:
            return
        if self.job is not None:
            what = self.job.spec.title
            self.bar.ask(
                f"{what} is under way. Stop it, bring the bench to its safe state, and close?",
                [("Stop and close", lambda: self.shut_down()), ("Keep running", self.bar.hide)],
            )
            return
        self.shut_down()

    def shut_down(self, *, forced: bool = False) -> None:
        """Stop, make safe, disconnect, close: without asking; `forced` by a signal, to the end."""
        self._forced = self._forced or forced
        if self.closing:
            return
        self.closing = True
        self.bar.ask("Closing: stopping what runs, field to zero, output off …", [])
        if self.job is None:
            self._close_bench()
        elif not self.job.stop_asked:
            self.stop()

    def _close_bench(self) -> None:
        self.link.close()

    def _stuck(self, error: BaseException) -> None:
        """Closing could not make the bench safe: the user decides, unless a signal has."""
        self.log.append(f"error: {error}")
        if self._forced:
            sys.stderr.write(f"twinrig: {error}\n")
            self._close_anyway()
            return
        self.bar.ask(
            str(error), [("Try again", self._close_bench), ("Close anyway", self._close_anyway)]
        )

    def _close_anyway(self) -> None:
        self.session.drop()
        self._bench_closed()

    def _bench_closed(self) -> None:
        self._closed = True
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)
        self.close()
        self.gone.emit()
