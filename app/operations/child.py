"""An operation in a child process, so that its caller (the window) never imports torch.

The child is spawned, sends its events through a pipe and listens there for a stop. It ends when the
operation ends, when it is told to, or when the pipe breaks because the parent is gone.
"""

from __future__ import annotations

import importlib
import inspect
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from instruments.clock import Stop
from models.errors import InputError, StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection as Connection
    else:
        from multiprocessing.connection import Connection

    from app.operations.events import Event

POLL_S = 0.1
STOP_WITHIN_S = 30.0  # a checkpoint of any size is written by then
LEAVES_WITHIN_S = 0.5  # what keeps nothing
ORPHAN_ENDS_WITHIN_S = 10.0  # a checkpoint is mostly written by then; else the last one stays
STOP = "stop"
ASIDE = 10
"""Niceness of what computes: beside a recording and plots of 10^6 points, where both cores are
busy, the window's event loop came to its turn sooner (tests/benchmarks/window_gaps.py)."""


class ChildDiedError(TwinrigError):
    """The child ended without a word: killed, or out of memory."""


def pipe() -> tuple[Connection, Connection]:
    """Both ends of an unnamed pipe: one more conversation with a child of this program."""
    return multiprocessing.get_context("spawn").Pipe()


def in_child(
    function: str, kwargs: dict[str, Any], stop: Callable[[], bool] | None = None, *,
    parent: bool = False, nice: int = ASIDE, keeps_nothing: bool = False,
) -> Generator[Event, None, Any]:  # fmt: skip
    """Run a generator of events in a child process; yields its events, returns its value.

    `close()` stops the child between two of its events: the operation's own `finally:` runs there
    (a fit writes its checkpoint), then the child is joined. An operation that takes a `stop` of
    `instruments.clock` is given one, which is requested then: it may wait between its events.

    Parameters
    ----------
    function
        Dotted name of the operation, e.g. `app.operations.fit.fit`.
    kwargs
        Its arguments; they must pickle.
    stop
        Asked ten times a second, also while the child is silent; True ends it like `close()`.
    parent
        The operation starts children of its own.
    nice
        How far it steps back where the computer is busy (0: not at all). What computes for
        minutes lets the window and the rig go first.
    keeps_nothing
        The operation leaves nothing half done wherever it is ended: a stop doesn't wait for its
        next event.

    Raises
    ------
    TwinrigError
        What the operation raised, in its own class; or the child died.
    StoppedError
        `stop` said so.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_run, args=(theirs, function, kwargs, nice), name=function, daemon=not parent
    )
    process.start()
    theirs.close()
    try:
        while True:
            kind, content = _receive(ours, process, stop)
            if kind == "event":
                yield content
            elif kind == "error":
                raise _error_of(*content)
            else:
                return content
    finally:
        _end(ours, process, LEAVES_WITHIN_S if keeps_nothing else STOP_WITHIN_S)


def _receive(
    ours: Connection,
    process: multiprocessing.process.BaseProcess,
    stop: Callable[[], bool] | None,
) -> tuple[str, Any]:
    try:
        while not ours.poll(POLL_S):  # Windows says here already that nobody is at the other end
            if stop is not None and stop():
                raise StoppedError("stopped by the user")
        message: tuple[str, Any] = ours.recv()
    except (EOFError, OSError) as gone:
        process.join(STOP_WITHIN_S)
        raise ChildDiedError(
            f"what computes ({process.name.rpartition('.')[2]}) ended without a word (exit code "
            f"{process.exitcode}): killed, or out of memory; close other programs, then go on with "
            "--resume (window: Go on)"
        ) from gone
    return message


def _end(ours: Connection, process: multiprocessing.process.BaseProcess, within_s: float) -> None:
    """Ask the child to stop, drain what it still says, join it; end it by force if it hangs."""
    with suppress(OSError, ValueError):
        ours.send(STOP)
    deadline_s = time.monotonic() + within_s
    with suppress(EOFError, OSError):
        while time.monotonic() < deadline_s and (ours.poll(POLL_S) or process.is_alive()):
            if ours.poll():
                ours.recv()
    process.join(max(deadline_s - time.monotonic(), 1.0))
    if process.is_alive():
        process.kill()
        process.join()
    process.close()
    ours.close()


def _error_of(names: tuple[str, ...], message: str, trace: str) -> TwinrigError:
    """The error that the child met, in its own class or the nearest base that is known here.

    Looked up among the classes that are loaded: an import by name could bring torch in.
    """
    known = {kind.__name__: kind for kind in _with_subclasses(TwinrigError)}
    kind = next((known[name] for name in names if name in known), None)
    error = kind(message) if kind else TwinrigError(f"unexpected {names[0]}: {message}")
    error.add_note(f"In the child process:\n{trace}")
    return error


def _with_subclasses(kind: type[TwinrigError]) -> Iterator[type[TwinrigError]]:
    yield kind
    for one in kind.__subclasses__():
        yield from _with_subclasses(one)


def _run(pipe: Connection, function: str, kwargs: dict[str, Any], nice: int) -> None:
    """Run the operation in the child; the parent alone answers Ctrl-C.

    SIGTERM and SIGHUP, which come to all processes of a job or terminal, end it between two events.
    """
    if sys.platform != "win32":  # which has no such number
        os.nice(nice)
    for name in ("SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    stopping, stop, ended = threading.Event(), Stop(), list[int]()

    def end(number: int, _frame: object) -> None:
        ended.append(number)
        stopping.set()
        stop.request()

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, end)
    threading.Thread(target=_listen, args=(pipe, stopping, stop), daemon=True).start()
    with suppress(BrokenPipeError, ConnectionError):
        try:
            operation = _operation(function)
            if "stop" in inspect.signature(operation).parameters:
                kwargs = {"stop": stop, **kwargs}
            value = _drive(pipe, operation(**kwargs), stopping)
            if ended:
                raise StoppedError(f"{function}: stopped by {signal.Signals(ended[0]).name}")
            pipe.send(("done", value))
        except (BrokenPipeError, ConnectionError):
            raise
        except Exception as error:
            names = tuple(kind.__name__ for kind in type(error).__mro__)
            pipe.send(("error", (names, str(error), traceback.format_exc())))


def _drive(pipe: Connection, events: Generator[Event, None, Any], stopping: threading.Event) -> Any:
    """Send event after event; a stop, or a parent that is gone, closes the operation."""
    try:
        while not stopping.is_set():
            try:
                event = next(events)
            except StopIteration as end:
                return end.value
            pipe.send(("event", event))
    finally:
        events.close()
    return None


def _operation(function: str) -> Callable[..., Generator[Event, None, Any]]:
    module, _, name = function.rpartition(".")
    try:
        operation: Callable[..., Generator[Event, None, Any]] = getattr(
            importlib.import_module(module), name
        )
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"operation {function!r}: there is none ({error})") from error
    return operation


def _listen(pipe: Connection, stopping: threading.Event, stop: Stop) -> None:
    """Wait for the stop, then for the parent's end; without one, leave even if nothing follows.

    A parent may be killed while it waits for what it has stopped, as `timeout -k` does.
    """
    with suppress(EOFError, OSError):
        while True:
            pipe.recv()
            stopping.set()
            stop.request()
    stopping.set()
    stop.request()
    time.sleep(ORPHAN_ENDS_WITHIN_S)
    os._exit(1)
