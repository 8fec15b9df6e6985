"""Two operations at once: one here, the other in a child process on another core."""

from __future__ import annotations

import os
import queue
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from app.operations.child import in_child
from app.operations.events import Note

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from app.operations.events import Event

POLL_S = 0.1


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def side_by_side(
    here: Generator[Event, None, Any], function: str, kwargs: dict[str, Any], name: str
) -> Generator[Event, None, None]:
    """Events of `here`, and of the operation `function` in a child once `here` has ended.

    While both run, what the child says in words is told with its `name` before it. Closing it, and
    a fault of either, ends both as `close()` does: what goes on from a checkpoint keeps one.

    Parameters
    ----------
    here
        An operation that runs in this process.
    function, kwargs
        Those of `app.operations.child.in_child`.
    name
        Of what the child makes.

    Raises
    ------
    TwinrigError
        What either raises.
    """
    child = _Child(function, kwargs)
    child.thread.start()
    try:
        with closing(here):
            for event in here:
                yield event
                child.check()
                yield from _named(child.said(), name)
        while child.thread.is_alive():
            yield from child.said(POLL_S)
        yield from child.said()
        child.check()
    finally:
        child.over.set()
        child.thread.join()


class _Child:
    """A child whose events a thread takes, so that nobody waits for them."""

    def __init__(self, function: str, kwargs: dict[str, Any]) -> None:
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._pull, args=(function, kwargs), name=function)
        self._events: queue.Queue[Event] = queue.Queue()
        self._fault: BaseException | None = None

    def _pull(self, function: str, kwargs: dict[str, Any]) -> None:
        try:
            with closing(in_child(function, kwargs, self.over.is_set)) as events:
                for event in events:
                    self._events.put(event)
                    if self.over.is_set():  # one that always has something to say is never asked
                        return
        except BaseException as fault:
            self._fault = fault

    def said(self, wait_s: float = 0.0) -> Iterator[Event]:
        """Events that have come; of none the first that comes within `wait_s`."""
        with suppress(queue.Empty):
            if wait_s:
                yield self._events.get(timeout=wait_s)
            while True:
                yield self._events.get_nowait()

    def check(self) -> None:
        """Raise what the child raised."""
        if self._fault is not None:
            raise self._fault


def _named(events: Iterator[Event], name: str) -> Iterator[Event]:
    """Of events only the words, which one takes for those of another operation else."""
    for event in events:
        if isinstance(event, Note):
            yield Note(f"{name}: {event.text}", event.level)
