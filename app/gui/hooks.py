"""What must exist before the first window: exception hooks, and a wake-up for signals.

PyQt6 aborts the process on an exception in a slot (exit 134, no `finally` runs) and does not see
SIGTERM inside `exec()`; both were measured. So exceptions become toasts, and signals reach the
event loop through a socket pair.
"""

from __future__ import annotations

import signal
import socket
import sys
import threading
import traceback
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QSocketNotifier, pyqtSignal
from PyQt6.sip import voidptr

if TYPE_CHECKING:
    from types import TracebackType


class Hooks(QObject):
    """`failed` carries a sentence and its traceback; `signalled` the number of a signal."""

    failed = pyqtSignal(str, str)
    signalled = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self._before = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._interpreter
        threading.excepthook = self._thread
        self._ears, self._mouth = socket.socketpair()
        for end in (self._ears, self._mouth):
            end.setblocking(False)
        self._notifier = QSocketNotifier(voidptr(self._ears.fileno()), QSocketNotifier.Type.Read)
        self._notifier.activated.connect(self._heard)
        self._fd_before = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        names = [n for n in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, n)]
        self._handlers = {n: signal.signal(getattr(signal, n), _nothing) for n in names}

    def close(self) -> None:
        """Put everything back as it was."""
        sys.excepthook, threading.excepthook = self._before
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._fd_before)
        for name, handler in self._handlers.items():
            signal.signal(getattr(signal, name), handler)
        self._ears.close()
        self._mouth.close()

    def _interpreter(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(text)
        self.failed.emit(f"{kind.__name__}: {error}", text)

    def _thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._interpreter(args.exc_type, args.exc_value, args.exc_traceback)

    def _heard(self) -> None:
        try:
            for number in self._ears.recv(64):
                self.signalled.emit(number)
        except BlockingIOError:
            return


def _nothing(number: int, frame: object) -> None:
    """The Python-level handler: the wake-up descriptor has already told the event loop."""
