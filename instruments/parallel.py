"""Tasks that may block, one an instrument side by side, and never keep the program waiting.

Context: opening a resource may block inside a VISA library or a name look-up, where neither a
time-out nor Stop reaches it; a pool of threads is joined at its end, and waits with it.
Decision: daemon threads, one an instrument; whoever isn't done in time is left behind and said so.
Consequence: what a thread that was left behind opens later, it closes again by itself.
"""

from __future__ import annotations

import queue
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from models.errors import StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from instruments.bench_spec import InstrumentSpec
    from instruments.clock import Stop

LOOK_S = 0.05  # how soon a request to stop is seen
GRACE_S = 1.0  # how long a task may take to notice Stop and close its link


class HangsError(TwinrigError):
    """An instrument's task was not done in time and is left behind."""


def side_by_side(
    specs: Sequence[InstrumentSpec],
    work: Callable[[InstrumentSpec], Any],
    *,
    one_by_one: bool,
    stop: Stop,
    longest_s: float,
) -> list[Any]:
    """The result of `work` for each instrument, or the exception that it raised.

    In parallel, so that three silent instruments cost one time-out.

    Parameters
    ----------
    specs
        The instruments.
    work
        Called with each of them; what it returns is closed where nobody waits for it any more.
    one_by_one
        For instruments inside this process, where nothing waits and the order of messages is part
        of what a seed repeats.
    stop
        A request ends the waiting within `GRACE_S`; who isn't done gets a `StoppedError`.
    longest_s
        The longest wait for all of them; who isn't done then gets a `HangsError`.
    """
    if one_by_one:
        return [_outcome(partial(work, spec)) for spec in specs]
    desk = _Desk(len(specs))
    for number, spec in enumerate(specs):
        threading.Thread(
            target=desk.run,
            args=(number, partial(work, spec)),
            name=f"connect {spec.name}",
            daemon=True,
        ).start()
    results = desk.collect(stop, longest_s)
    missing: TwinrigError = HangsError(f"neither an answer nor an error within {longest_s:g} s")
    if stop.requested:
        missing = StoppedError("stopped by the user")
    return [results.get(number, missing) for number in range(len(specs))]


def bounded(task: Callable[[], Any], *, stop: Stop, longest_s: float) -> Any:
    """The result of one task that may block; raises what it raised.

    Raises
    ------
    HangsError
        It was not done within `longest_s`, and is left behind.
    StoppedError
        Stop was requested.
    """
    desk = _Desk(1)
    threading.Thread(target=desk.run, args=(0, task), name="bounded", daemon=True).start()
    results = desk.collect(stop, longest_s)
    stop.check()
    result = results.get(0, HangsError(f"neither an answer nor an error within {longest_s:g} s"))
    if isinstance(result, Exception):
        raise result
    return result


class _Desk:
    """Where the threads hand in their results, until it closes."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._handed_in: queue.Queue[tuple[int, Any]] = queue.Queue()
        self._lock = threading.Lock()
        self._open = True

    def run(self, number: int, task: Callable[[], Any]) -> None:
        """One thread: do the task, hand the result in, or close it where that is too late."""
        result = _outcome(task)
        with self._lock:
            if self._open:
                self._handed_in.put((number, result))
                return
        _close(result)

    def collect(self, stop: Stop, longest_s: float) -> dict[int, Any]:
        """What came in until all are there, time is up, or a request to stop has had its grace.

        An exception meanwhile (Ctrl-C) leaves nobody who would close what came in: it is closed.
        """
        results: dict[int, Any] = {}
        try:
            self._wait(results, stop, longest_s)
        except BaseException:
            for result in (results | self._shut()).values():
                _close(result)
            raise
        return results | self._shut()

    def _wait(self, results: dict[int, Any], stop: Stop, longest_s: float) -> None:
        end_s = time.monotonic() + longest_s
        stopping = False
        while len(results) < self._count and time.monotonic() < end_s:
            if stop.requested and not stopping:
                stopping, end_s = True, min(end_s, time.monotonic() + GRACE_S)
            with suppress(queue.Empty):
                number, result = self._handed_in.get(timeout=LOOK_S)
                results[number] = result

    def _shut(self) -> dict[int, Any]:
        """Close the desk; what still lay on it."""
        with self._lock:
            self._open = False
        results = {}
        while not self._handed_in.empty():
            number, result = self._handed_in.get()
            results[number] = result
        return results


def _close(result: Any) -> None:
    if hasattr(result, "close"):
        with suppress(Exception):
            result.close()


def _outcome(task: Callable[[], Any]) -> Any:
    try:
        return task()
    except Exception as error:
        return error
