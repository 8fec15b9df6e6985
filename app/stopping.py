"""Ctrl-C, SIGTERM, SIGHUP and Windows' Ctrl-Break as requests to stop.

Context: a Python signal handler runs between two instructions of the main thread, perhaps while
that thread holds the lock that a request to stop, or a write to the terminal, needs. Decision: the
handler counts and sets a flag, and nothing else; the system's wake-up pipe carries the signal's
number to a thread that is there already, and that one requests and speaks. Consequence: no
exception arises at a place that can't bear one, a wait of the main thread ends at once, and the
next message to an instrument is not sent, though that other thread may not have run yet.

Ctrl-Z is no request: a program that is suspended with current flowing is looked after by nobody,
not by its watchdog either, which waits for the program's end. So a run with a bench isn't.

Windows' console close, log-off and shutdown are no signals: `app.console_close` sends them here.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from app.console_close import on_console_close
from instruments.stop_signals import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from app.connect import Run

SUSPEND = int(getattr(signal, "SIGTSTP", -1))  # Ctrl-Z; Windows has none
NOT_SUSPENDED = (
    "Ctrl-Z is not obeyed while a magnet may be energised: suspended, nobody would look after its "
    "current, nor would the watchdog. Ctrl-C stops; p and Enter pauses at zero current"
)
CONSOLE_CLOSED = 0  # no signal has this number: it stands for Windows' console events


def stop_signals() -> list[int]:
    """Numbers of the signals to stop at; SIGHUP stays ignored where `nohup` has it ignored."""
    numbers = [*NUMBERS]
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) is signal.SIG_IGN:
        numbers.remove(int(hangup))
    return numbers


@contextmanager
def stop_on_signals(run: Run, say: Callable[[str], None]) -> Iterator[None]:
    """Within it the stop signals ask `run` to stop instead of ending the process.

    A second one makes the rig safe once more where the run holds one, and otherwise raises
    KeyboardInterrupt, as the first does where a run keeps nothing. To be used in the main thread.
    """

    def count(_number: int, _frame: FrameType | None) -> None:
        run.asked += 1
        run.stop.flag()
        if (run.asked > 1 or run.keeps_nothing) and not run.holds_bench:
            raise KeyboardInterrupt

    def console_closed() -> None:
        run.asked += 1
        wakes.send(bytes([CONSOLE_CLOSED]))

    hears, wakes = socket.socketpair()
    wakes.setblocking(False)
    listener = threading.Thread(target=_listen, args=(hears, run, say), daemon=True)
    listener.start()
    before = {number: signal.signal(number, count) for number in stop_signals()}
    before |= not_suspended(lambda: run.holds_bench)
    pipe = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    try:
        with on_console_close(console_closed):
            yield
    finally:
        signal.set_wakeup_fd(pipe)
        for number, handler in before.items():
            signal.signal(number, handler)
        wakes.close()
        listener.join()
        hears.close()


def not_suspended(holds_bench: Callable[[], bool]) -> dict[int, Any]:
    """Let neither Ctrl-Z nor a terminal that wants no output (SIGTTOU) suspend what has a bench.

    The children of the process, and what its output is piped to, share the terminal's Ctrl-Z and
    are woken again. Returns the handlers before.
    """
    if sys.platform == "win32":
        return {}
    else:
        if signal.getsignal(signal.SIGTSTP) is not signal.SIG_DFL:
            return {}

        def suspend(number: int, _frame: FrameType | None) -> None:
            if holds_bench():
                os.killpg(os.getpgrp(), signal.SIGCONT)
                return
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)  # suspended here, until somebody says `fg`
            signal.signal(number, suspend)

        return {
            signal.SIGTSTP: signal.signal(signal.SIGTSTP, suspend),
            signal.SIGTTOU: signal.signal(signal.SIGTTOU, signal.SIG_IGN),
        }


def _listen(hears: socket.socket, run: Run, say: Callable[[str], None]) -> None:
    told = 0
    while number := hears.recv(1):
        if number[0] == SUSPEND and run.holds_bench:
            with suppress(Exception):
                say(NOT_SUSPENDED)
        if number[0] not in (CONSOLE_CLOSED, *stop_signals()):
            continue
        run.stop.request()
        told += 1
        again = ", and making the rig safe once more" if told > 1 and run.holds_bench else ""
        name = signal.Signals(number[0]).name if number[0] else "the console closes"
        with suppress(Exception):  # how a sentence fails must not end the ear for the next signal
            say(f"{name}: stopping{again}")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within it Ctrl-C doesn't raise at an arbitrary place; it raises once the block is done.

    For the way to the safe state in a program of one's own, where Ctrl-C is KeyboardInterrupt. Does
    nothing outside the main thread, or where another handler than Python's own is installed.
    """
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: heard.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if heard:
        raise KeyboardInterrupt
