"""One running operation: a worker thread pulls its events, the window gets them in batches.

Decision: the generator is pulled *and closed* in the same worker thread, so that its `finally`
ramps the magnet down there, within milliseconds of Stop. (superqt's `thread_worker` was measured
to run it 1.3 s later, in the main thread.)
"""

from __future__ import annotations

import threading
import traceback
from collections import deque
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from app.operations.events import Event, Result
from models.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DRAIN_MS = 33


@dataclass(frozen=True)
class JobSpec:
    """What a page asks the window to run.

    Attributes
    ----------
    page
        Key of the page that shows it.
    title
        What it is, in words, for the status line (`Recording`).
    run_id
        The artefact's id.
    start
        Makes the generator; called in the worker thread with a function that says whether Stop
        was asked for.
    hardware
        Whether it drives the bench.
    """

    page: str
    title: str
    run_id: str
    start: Callable[[Callable[[], bool]], Iterator[Event]]
    hardware: bool


@dataclass(frozen=True)
class Outcome:
    """How a job ended: `status` is `done`, `stopped` or `failed`."""

    status: str
    result: Result | None = None
    error: BaseException | None = None
    trace: str = ""


class Job(QObject):
    """Runs one `JobSpec`; `events` carries everything since the last frame in one list."""

    events = pyqtSignal(list)
    finished = pyqtSignal(object)

    def __init__(
        self,
        spec: JobSpec,
        interrupt: Callable[[], None],
        guard: AbstractContextManager[object] | None = None,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.stop_asked = False
        self._interrupt = interrupt
        self._guard = guard or nullcontext()
        self._queue: deque[Event] = deque()
        self._outcome: Outcome | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(DRAIN_MS)
        self._timer.timeout.connect(self._drain)
        self._thread = threading.Thread(target=self._run, name=f"job {spec.title}")

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()
        self._timer.start()

    def stop(self) -> None:
        """Ask the operation to end: pauses notice, its thread closes the generator."""
        self.stop_asked = True
        self._interrupt()

    def wait(self, seconds: float) -> None:
        """Wait for its thread, where no event loop runs any more."""
        self._thread.join(seconds)

    @property
    def running(self) -> bool:
        """Whether the outcome is still to be told."""
        return self._timer.isActive()

    def _run(self) -> None:
        try:
            with self._guard:
                self._outcome = self._pull()
        except BaseException as error:
            self._outcome = _failed(error)

    def _pull(self) -> Outcome:
        """Pull to the end; a stop closes the generator *here*, in this thread."""
        result: Result | None = None
        source = self.spec.start(lambda: self.stop_asked)
        try:
            for event in source:
                self._queue.append(event)
                result = event if isinstance(event, Result) else result
                if self.stop_asked and result is None:
                    break
        except StoppedError:
            return Outcome("stopped", result)
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()
        if result is not None:
            return Outcome(str(result.values.get("status", "done")), result)
        return Outcome("stopped" if self.stop_asked else "done")

    def _drain(self) -> None:
        over = not self._thread.is_alive()
        batch = [self._queue.popleft() for _ in range(len(self._queue))]
        if batch:
            self.events.emit(batch)
        if over and not self._queue:
            self._timer.stop()
            self._thread.join()
            self.finished.emit(self._outcome or Outcome("failed"))


def _failed(error: BaseException) -> Outcome:
    if isinstance(error, StoppedError):
        return Outcome("stopped")
    return Outcome("failed", error=error, trace="".join(traceback.format_exception(error)))
