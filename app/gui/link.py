"""The window's own threads to the bench: connect, poll while idle, make safe, close."""

from __future__ import annotations

import threading
import traceback
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from app.operations.safely import Voice
from models.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.session import Session

POLL_S, LOST_POLL_S = 0.25, 1.0
SAFETY = "make safe"
TRY_AGAIN_S = 1.0  # after a way to safety was given up


class BenchLink(QObject):
    """Connects in a worker, then reads the bench four times a second while no job has it.

    Signals: `connected`; `failed(error, traceback)` of connecting; `reading(BenchReading)`, or
    `at_work(T, A)`, where the magnets are on their way, while a job or another has the bench;
    `lost(error)` when a reading failed; `told(words)` of a way to safety that goes well, and
    `safe(sentences)` of its end; `unsafe(words)` each second while a supply can't be reached;
    `given_up(words)` when it was not made safe within its time, with what to do by hand (it goes
    on being tried); `stuck(error)` when closing gave up on it; `closed`. `noted(words)`: what a
    watchdog says, before or while the bench is energised.
    """

    connected = pyqtSignal()
    failed = pyqtSignal(object, str)
    reading = pyqtSignal(object)
    at_work = pyqtSignal(float, float)
    lost = pyqtSignal(object)
    safe = pyqtSignal(list)
    told = pyqtSignal(str)
    noted = pyqtSignal(str)
    unsafe = pyqtSignal(str)
    given_up = pyqtSignal(str)
    stuck = pyqtSignal(object)
    closed = pyqtSignal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._end = threading.Event()
        self._poller: threading.Thread | None = None
        self._errands: list[threading.Thread] = []

    def connect_bench(self) -> None:
        """Connect (or reconnect) in a worker; the window stays usable."""
        if self._poller is not None and self._poller.is_alive():
            return
        self._end.clear()
        self._poller = threading.Thread(target=self._connect_and_poll, name="bench", daemon=True)
        self._poller.start()

    def make_safe(self) -> None:
        """Bring the bench to its safe state in a thread of its own, beside anything that runs.

        It tries until the bench is safe or closed; one such thread is enough.
        """
        if not self.making_safe:
            self._errand(SAFETY, self._make_safe)

    @property
    def making_safe(self) -> bool:
        """Whether the bench is on its way to its safe state by this link."""
        return any(t.name == SAFETY and t.is_alive() for t in self._errands)

    def close(self) -> None:
        """End polling, make safe, disconnect; tells `closed` when that is done."""
        self._end.set()
        self._errand("close bench", self._close)

    def wait(self, seconds: float) -> None:
        """Wait for the threads to end: at the window's end and in tests."""
        self._end.set()
        for thread in [self._poller, *self._errands]:
            if thread is not None:
                thread.join(seconds)

    def _errand(self, name: str, task: Callable[[], None]) -> None:
        self._errands = [t for t in self._errands if t.is_alive()]
        thread = threading.Thread(target=task, name=name)
        self._errands.append(thread)
        thread.start()

    def _connect_and_poll(self) -> None:
        try:
            bench = self._session.connect()
            bench.tell = Voice(self.told.emit, self.unsafe.emit)
            bench.note = self.noted.emit
            for words in bench.remarks:
                bench.note(words)
        except Exception as error:
            self.failed.emit(error, "".join(traceback.format_exception(error)))
            return
        self.connected.emit()
        pause_s = 0.0
        while not self._end.wait(pause_s):
            pause_s = POLL_S
            try:
                reading = self._session.poll()
            except StoppedError:  # a Stop came amid this reading: the bench is not lost
                continue
            except Exception as error:
                if not self._end.is_set() and not self._session.at_bench:
                    self.lost.emit(error)
                pause_s = LOST_POLL_S
                continue
            if reading is not None:
                self.reading.emit(reading)
            else:
                self.at_work.emit(*self._session.passing())

    def _make_safe(self) -> None:
        while True:
            try:
                said = self._session.make_safe()
            except Exception as error:
                self.given_up.emit(str(error))
            else:
                self.safe.emit(said)
                return
            if self._end.wait(TRY_AGAIN_S):  # closing goes on with it
                return

    def _close(self) -> None:
        if self._poller is not None:
            self._poller.join()
        try:
            self._session.close()
        except Exception as error:
            self.stuck.emit(error)
            return
        self.closed.emit()
