"""Calls that may hang (a disk, a terminal), made by a thread of their own; nobody waits long."""

from __future__ import annotations

import logging
import threading
from queue import Queue
from typing import TYPE_CHECKING

from instruments.stop_signals import heard_elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 0.2  # for one call; behind one that took longer nobody waits until all are made

log = logging.getLogger(__name__)


class HandedOver:
    """Makes calls one after another, in their order, from whichever thread they come.

    Whoever hands one over waits until it is made, `PATIENCE_S` at most: a share that is away or a
    terminal that nobody reads must not keep a thread from the way to the safe state.

    Parameters
    ----------
    name
        Of the thread, which starts with the first call and ends with the program.
    """

    def __init__(self, name: str) -> None:
        self._calls: Queue[tuple[Callable[[], object], threading.Event]] = Queue()
        self._name, self._lock = name, threading.Lock()
        self._thread: threading.Thread | None = None
        self._behind = False

    def __call__(self, call: Callable[[], object]) -> None:
        """Have a call made; what it raises is logged."""
        made = threading.Event()
        self._calls.put((call, made))
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._make_all, name=self._name, daemon=True)
                self._thread.start()
        if not self._behind:
            self._behind = not made.wait(PATIENCE_S)

    def finish(self, seconds: float | None = None) -> bool:
        """Wait until all calls are made; whether they are after so many seconds (None: at last)."""
        last = threading.Event()
        if self._thread is None:
            return True
        self._calls.put((last.set, threading.Event()))
        return last.wait(seconds)

    def _make_all(self) -> None:
        with heard_elsewhere():
            while True:
                call, made = self._calls.get()
                try:
                    call()
                except Exception:
                    log.exception("%s", self._name)
                self._behind = self._behind and not self._calls.empty()
                made.set()
