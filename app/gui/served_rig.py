"""A virtual rig that the window serves on TCP, in a process of its own.

It is no job: recordings run on it meanwhile, also those of this window. So it outlives a window
that closes to open another bench, such as the rig's own, and ends with the program.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from app.gui.serve_asks import OPERATION
from app.operations.child import in_child
from app.operations.events import Note
from app.operations.serve import Listening
from models.errors import StoppedError

if TYPE_CHECKING:
    from app.gui.serve_asks import ServeAsk
    from app.operations.events import Event

ENDS_WITHIN_S = 35.0  # `in_child` ends a child that hangs by force before


class ServedRig(QObject):
    """One rig, or none: `asked`, the `instruments` that can be reached, who can, why it ended.

    Signals: `changed` of any of them; `failed(words)` where it ended by itself.
    """

    changed = pyqtSignal()
    failed = pyqtSignal(str)
    _told = pyqtSignal(object)
    _over = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.asked: ServeAsk | None = None
        self.instruments: list[Listening] = []
        self.reach = self.problem = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._told.connect(self._take)
        self._over.connect(self._ended)

    @property
    def running(self) -> bool:
        """Whether it is served, or about to be."""
        return self._thread is not None

    @property
    def ready(self) -> bool:
        """Whether all of it can be reached, and its bench file is there."""
        return self.running and bool(self.reach)

    @property
    def stopping(self) -> bool:
        """Whether it is on its way out."""
        return self.running and self._stop.is_set()

    def start(self, asked: ServeAsk) -> None:
        """Serve a rig; nothing where one is served already."""
        if self.running:
            return
        self.asked, self.instruments, self.reach, self.problem = asked, [], "", ""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(asked,), name="served rig")
        self._thread.start()
        self.changed.emit()

    def stop(self) -> None:
        """Ask it to end; returns at once."""
        self._stop.set()
        self.changed.emit()

    def close(self) -> None:
        """End it and wait for that: at the program's end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(ENDS_WITHIN_S)

    def _run(self, asked: ServeAsk) -> None:
        problem = ""
        try:
            for event in in_child(OPERATION, asked.arguments(), self._stop.is_set, nice=0):
                self._told.emit(event)
        except StoppedError:
            pass
        except Exception as error:
            problem = str(error)
        self._over.emit(problem)

    def _take(self, event: Event) -> None:
        if isinstance(event, Listening):
            self.instruments.append(event)
        elif isinstance(event, Note):
            self.reach = event.text
        self.changed.emit()

    def _ended(self, problem: str) -> None:
        if self._thread is not None:
            self._thread.join()
        self._thread, self.instruments, self.problem = None, [], problem
        self.reach = ""
        self.changed.emit()
        if problem:
            self.failed.emit(problem)
