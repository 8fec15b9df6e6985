"""A task that never ends keeps nobody waiting, whatever signals come meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

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
