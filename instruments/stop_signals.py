"""The signals to stop: Ctrl-C and its like, and which thread of the program hears them."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
NUMBERS = tuple(int(getattr(signal, name)) for name in NAMES if hasattr(signal, name))
"""Of those that the system has."""


@contextmanager
def heard_elsewhere() -> Iterator[None]:
    """Within it another thread takes the signals to stop, such as the one of `app.stopping`.

    The system hands a signal to a process's main thread where that doesn't block it, and else to
    some other one. Amid a call to a share that hangs, which only a kill ends, a thread takes none:
    Ctrl-C was not heard until the share was back.
    """
    if sys.platform == "win32":  # a console event comes in a thread of its own
        yield
    else:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
