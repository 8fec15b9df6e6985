"""A task that never ends keeps nobody waiting, whatever signals come meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from instruments.clock import Stop
from instruments.parallel import bounded

STORM = """
import random, signal, threading, time
from instruments import parallel
from instruments.clock import Stop
from models.errors import TwinrigError

parallel.LOOK_S = 0.002
heard = []

def strike(*_):
    heard.append(1)
    signal.setitimer(signal.ITIMER_REAL, 0.002 + random.uniform(-6e-5, 1.6e-4))

signal.signal(signal.SIGALRM, strike)
began_s, waits = time.monotonic(), 0
strike()
for _ in range(20):
    try:
        parallel.bounded(threading.Event().wait, stop=Stop(), longest_s=0.1)
    except TwinrigError as error:
        assert "within 0.1 s" in str(error), error
        waits += 1
signal.setitimer(signal.ITIMER_REAL, 0)
assert waits == 20 and len(heard) > 200, (waits, len(heard))
print(round(time.monotonic() - began_s, 2))
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer")
def test_a_signal_at_the_end_of_a_wait_does_not_make_it_endless() -> None:
    """`queue.SimpleQueue.get` took the time left, below zero by then, for "no limit"."""
    done = subprocess.run(
        [sys.executable, "-c", STORM], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 10.0


class Link:
    def __init__(self) -> None:
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


class Interrupted(Stop):
    """Ctrl-C comes while the task is waited for: once `opened` is set, or at the first look."""

    def __init__(self, opened: threading.Event) -> None:
        super().__init__()
        self._opened = opened

    @property
    def requested(self) -> bool:
        self._opened.wait(5)
        raise KeyboardInterrupt


@pytest.mark.parametrize("too_late", [False, True])
def test_what_was_opened_when_ctrl_c_came_is_closed(too_late: bool) -> None:
    """Its lock kept the instrument from everybody until the program ended."""
    link, opened, go = Link(), threading.Event(), threading.Event()

    def task() -> Link:
        if too_late:
            go.wait(5)
        opened.set()
        return link

    looked = threading.Event()
    looked.set()
    with pytest.raises(KeyboardInterrupt):
        bounded(task, stop=Interrupted(looked if too_late else opened), longest_s=5.0)
    go.set()
    assert link.closed.wait(5)
