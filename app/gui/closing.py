"""How the window ends: it asks in the window, stops, waits visibly for the safe state, closes."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from PyQt6.QtCore import QTimer, pyqtSignal
from PyQt6.QtWidgets import QApplication, QMainWindow

if TYPE_CHECKING:
    from pathlib import Path

    from PyQt6.QtGui import QCloseEvent

    from app.gui.job import Job
    from app.gui.link import BenchLink
    from app.gui.widgets.toast import AskBar
    from app.session import Session


KEEP = "Keep running"
JOB_ENDS_MS = 15_000  # of a closing: a job whose disk answers has written and ended by then


class ClosingWindow(QMainWindow):
    """The closing half of the window. `gone` is emitted when the bench is closed, too.

    `left_unsafe`: it closed beside a bench that could not be made safe.
    """

    gone = pyqtSignal()
    session: Session
    job: Job | None
    furnished: bool
    link: BenchLink
    bar: AskBar

    def __init__(self) -> None:
        super().__init__()
        self.furnished = self.closing = False
        self.job = None
        self.log: list[str] = []
        self._closed = self._forced = self._asks = self.left_unsafe = False
        self.next_bench: Path | None = None  # to be opened once this window has closed safely

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
                [("Stop and close", lambda: self.shut_down()), (KEEP, self.bar.hide)],
                KEEP,
            )
            return
        self.shut_down()

    def shut_down(self, *, forced: bool = False) -> None:
        """Stop, make safe, disconnect, close: without asking; `forced` by a signal, to the end.

        A signal also ends a closing that asks what to do about a bench it could not make safe,
        after one more try.
        """
        self._forced = self._forced or forced
        if self.closing:
            if forced and self._asks:
                self._close_bench()
            return
        self.closing = True
        if not self.furnished:  # no bench yet
            self._bench_closed()
            return
        if self.job is None:
            self._close_bench()
        elif not self.job.stop_asked:
            self.stop()
        self.bar.ask("Closing: stopping what runs, field to zero, output off …", [])
        QTimer.singleShot(JOB_ENDS_MS, self._held_up)

    def _held_up(self) -> None:
        """A job that does not end, of a bench that is at zero: the user need not wait for it."""
        if self._closed or self.job is None:
            return
        if self.session.carries_current:  # a large coil, on its way
            QTimer.singleShot(JOB_ENDS_MS, self._held_up)
            return
        words = (
            f"{self.job.spec.title} does not end: does its disk answer? No magnet carries current. "
            "Hidden, the program ends by itself once the disk has answered."
        )
        self.bar.ask(words, [("Hide the window", self.hide)])

    def _close_bench(self) -> None:
        self._asks = False
        self.session.request_stop()  # a bench that is just being connected has to end, too
        self.link.close()

    def _stuck(self, error: BaseException) -> None:
        """Closing could not make the bench safe: the user decides, unless a signal has."""
        self.log.append(f"error: {error}")
        if self._forced:
            with suppress(Exception):  # a terminal that is gone must not keep the window
                sys.stderr.write(f"twinrig: {error}\n")
            self._close_anyway()
            return
        self._asks = True
        self.bar.ask(
            str(error), [("Try again", self._close_bench), ("Close anyway", self._close_anyway)]
        )

    def _close_anyway(self) -> None:
        self.session.drop()
        self.left_unsafe = True
        self.next_bench = None  # a bench that is not safe wants a person, not another bench
        self._bench_closed()

    def _bench_closed(self) -> None:
        self._closed = True
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)
        self.close()
        self.gone.emit()
