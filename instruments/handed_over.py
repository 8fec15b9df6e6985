"""Calls that may hang (a disk, a terminal), made by a thread of their own; nobody waits long."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from queue import Empty, Queue
from typing import TYPE_CHECKING

from instruments.stop_signals import heard_elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable

IDLE_S = 1.0
PATIENCE_S = 0.2  # for one call; behind one that took longer nobody waits until all are made

log = logging.getLogger(__name__)


class HandedOver:
    """Makes calls one after another, in their order, from whichever thread they come.

    Whoever hands one over waits until it is made, `PATIENCE_S` at most: a share that is away or a
    terminal that nobody reads must not keep a thread from the way to the safe state.

    Parameters
    ----------
    name
        Of the thread, which starts with a call and ends when none came for a second.
    """

    def __init__(self, name: str) -> None:
        self._calls: Queue[tuple[Callable[[], object], threading.Event]] = Queue()
        self._name, self._lock = name, threading.Lock()
        self._thread: threading.Thread | None = None
        self._behind = False

    def __call__(self, call: Callable[[], object]) -> None:
        """Have a call made; what it raises is logged."""
        made = self._put(call)
        if not self._behind:
            self._behind = not made.wait(PATIENCE_S)

    def finish(self, seconds: float | None = None) -> bool:
        """Wait until all calls are made; whether they are after so many seconds (None: at last)."""
        return self._thread is None or self._put(lambda: None).wait(seconds)

    def _put(self, call: Callable[[], object]) -> threading.Event:
        made = threading.Event()
        with self._lock:
            self._calls.put((call, made))
            if self._thread is None:
                self._thread = threading.Thread(target=self._make_all, name=self._name, daemon=True)
                self._thread.start()
        return made

    def _make_all(self) -> None:
        with heard_elsewhere():
            while (item := self._next()) is not None:
                call, made = item
                try:
                    call()
                except Exception:
                    log.exception("%s", self._name)
                self._behind = self._behind and not self._calls.empty()
                made.set()

    def _next(self) -> tuple[Callable[[], object], threading.Event] | None:
        """What was handed over next; None where nothing was, and this thread is no more."""
        with suppress(Empty):
            return self._calls.get(timeout=IDLE_S)
        with self._lock:
            if self._calls.empty():
                self._thread = None
                return None
        return self._calls.get()
