"""Which thread of the program hears Ctrl-C and its like."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


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
        numbers = [getattr(signal, name) for name in NAMES]
        before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
