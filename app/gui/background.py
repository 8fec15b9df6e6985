"""A small task beside the window: run in a thread, told in the window's; stale answers dropped."""

from __future__ import annotations

import threading
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from PyQt6 import sip
from PyQt6.QtCore import QObject, pyqtSignal

if TYPE_CHECKING:
    from collections.abc import Callable


class Courier(QObject):
    """Carries what threads have to tell into the window's thread; it outlives every window.

    Context: a thread that emitted a signal of an object while the window's thread took that object,
    or Qt's application, down ended a window of some hundreds by SIGSEGV (exit −11), its rig safe.
    Decision: threads emit this one's signal only, and none once it is closed.
    """

    _carried = pyqtSignal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self._lock, self._open = threading.Lock(), True
        self._carried.connect(self._deliver)

    def carry(self, to: QObject, tell: Callable[[], None]) -> None:
        """Have `tell` called in the window's thread, if `to` is there then; from any thread."""
        with self._lock:
            if self._open:
                self._carried.emit(to, tell)

    def open(self) -> None:
        """Somebody waits for answers again."""
        self._open = True

    def close(self) -> None:
        """The event loop has ended: from when this returns on no thread touches Qt by it."""
        with self._lock:
            self._open = False

    def _deliver(self, to: QObject, tell: Callable[[], None]) -> None:
        if not sip.isdeleted(to):
            tell()


@cache
def courier() -> Courier:
    """The process's only one; the window's thread asks first."""
    return Courier()


class Latest(QObject):
    """Runs each task in a thread of its own; only the answer to the latest request is told.

    `done(answer, error)`: one of the two is None. With `parent`, nothing is told once that is gone;
    whoever connects a method of a widget needs none.
    """

    done = pyqtSignal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._generation, self._courier = 0, courier()

    def ask(self, task: Callable[[], Any]) -> None:
        """Run `task` in a thread; an earlier request's answer is no longer wanted."""
        self._generation += 1
        number = self._generation
        self._courier.open()
        threading.Thread(target=self._run, args=(number, task), daemon=True).start()

    def forget(self) -> None:
        """No answer is wanted any more."""
        self._generation += 1

    def _run(self, number: int, task: Callable[[], Any]) -> None:
        answer, error = None, None
        try:
            answer = task()
        except Exception as fault:
            error = fault
        self._courier.carry(self, partial(self._tell, number, answer, error))

    def _tell(self, number: int, answer: object, error: object) -> None:
        if number == self._generation:
            self.done.emit(answer, error)


class Reading(QObject):
    """Reads what may change: one reading at a time, and one more behind it if asked meanwhile.

    `done(answer, error)` tells each of them. Context: a library on a slow share takes a minute, and
    is asked for whenever its page or the window comes to the front. Of `Latest` only the answer to
    the last request is told: whoever looked often saw none, and each request read all beside the
    others.
    """

    done = pyqtSignal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._latest = Latest(self)
        self._latest.done.connect(self._told)
        self._goes_on = self._told_once = False
        self._next: Callable[[], Any] | None = None

    @property
    def goes_on(self) -> bool:
        """Whether an answer is waited for."""
        return self._goes_on

    @property
    def is_first(self) -> bool:
        """Whether none has ended yet: what is missing may be there."""
        return not self._told_once

    def ask(self, task: Callable[[], Any]) -> None:
        """Run `task` in a thread; behind the one that goes on, and in place of one that waits."""
        if self._goes_on:
            self._next = task
            return
        self._goes_on = True
        self._latest.ask(task)

    def _told(self, answer: object, error: object) -> None:
        self._goes_on, self._told_once, following = False, True, self._next
        if following is not None:
            self._next = None
            self.ask(following)
        self.done.emit(answer, error)
