"""Ctrl-C, SIGTERM, SIGHUP and Windows' Ctrl-Break as requests to stop.

Context: a Python signal handler runs between two instructions of the main thread, perhaps while
that thread holds the lock that a request to stop, or a write to the terminal, needs. Decision: the
handler counts and nothing else; the system's wake-up pipe carries the signal's number to a thread
that is there already, and that one requests and speaks. Consequence: no exception arises at a
place that can't bear one, and a wait of the main thread ends at once.
"""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from app.connect import Run

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # those that the system has


@contextmanager
def stop_on_signals(run: Run, say: Callable[[str], None]) -> Iterator[None]:
    """Within it the stop signals ask `run` to stop instead of ending the process.

    A second one makes the rig safe once more where the run holds one, and otherwise raises
    KeyboardInterrupt. To be used in the main thread.
    """

    def count(_number: int, _frame: FrameType | None) -> None:
        run.asked += 1
        if run.asked > 1 and not run.holds_bench:
            raise KeyboardInterrupt

    hears, wakes = socket.socketpair()
    wakes.setblocking(False)
    listener = threading.Thread(target=_listen, args=(hears, run, say), daemon=True)
    listener.start()
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, count) for number in numbers}
    pipe = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(pipe)
        for number, handler in before.items():
            signal.signal(number, handler)
        wakes.close()
        listener.join()
        hears.close()


def _listen(hears: socket.socket, run: Run, say: Callable[[str], None]) -> None:
    told = 0
    while number := hears.recv(1):
        if number[0] not in {getattr(signal, name, None) for name in SIGNALS}:
            continue
        run.stop.request()
        told += 1
        again = ", and making the rig safe once more" if told > 1 and run.holds_bench else ""
        say(f"{signal.Signals(number[0]).name}: stopping{again}")
