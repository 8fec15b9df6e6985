"""What must exist before the first window: exception hooks, and a wake-up for signals.

PyQt6 aborts the process on an exception in a slot (exit 134, no `finally` runs) and does not see
SIGTERM inside `exec()`; both were measured. So exceptions become toasts, and signals reach the
event loop through a socket pair; so does Windows' closing of the console.

A hook must not fail itself, and a slot that fails at each frame must not fill the log of a night:
the same exception is told once in `AGAIN_S`.
"""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
import traceback
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QSocketNotifier, pyqtSignal
from PyQt6.sip import voidptr

from app.console_close import on_console_close
from app.stopping import CONSOLE_CLOSED, SUSPEND, not_suspended, stop_signals

if TYPE_CHECKING:
    from types import TracebackType


AGAIN_S = 10.0
MOST_KINDS = 100  # of exceptions remembered
NOT_SUSPENDED = (
    "twinrig: Ctrl-Z is not obeyed: a suspended window would leave its magnets at their current; "
    "close it, or start it with & to have the terminal free\n"
)


class Hooks(QObject):
    """`failed` carries a sentence and its traceback; `signalled` the number of a signal.

    The number is 0 where Windows closes the console. Ctrl-Z is told to the terminal alone.
    """

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
        self._handlers = {n: signal.signal(n, _nothing) for n in stop_signals()}
        self._handlers |= not_suspended(lambda: True)
        self._told_s: dict[str, float] = {}
        self._telling: set[int] = set()
        self._console = ExitStack()
        self._console.enter_context(on_console_close(self._console_closes))

    def close(self) -> None:
        """Put everything back as it was; a console that waits to close may close now."""
        sys.excepthook, threading.excepthook = self._before
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._fd_before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._ears.close()
        self._mouth.close()
        self._console.close()

    def _interpreter(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        here = threading.get_ident()
        if here in self._telling or not self._due(text):
            return
        self._telling.add(here)  # what fails while it is told would come here again, for ever
        try:
            with suppress(Exception):  # no terminal, or one that is gone
                sys.stderr.write(text)
            with suppress(Exception):
                self.failed.emit(f"{kind.__name__}: {error}", text)
        finally:
            self._telling.discard(here)

    def _due(self, text: str) -> bool:
        """Whether this traceback was not told in the last `AGAIN_S`."""
        now_s = time.monotonic()
        if now_s - self._told_s.get(text, -AGAIN_S) < AGAIN_S:
            return False
        if len(self._told_s) >= MOST_KINDS:
            self._told_s.clear()
        self._told_s[text] = now_s
        return True

    def _console_closes(self) -> None:
        """Called in a thread of Windows' own: tell the event loop as a signal would."""
        self._mouth.send(bytes([CONSOLE_CLOSED]))

    def _thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._interpreter(args.exc_type, args.exc_value, args.exc_traceback)

    def _heard(self) -> None:
        try:
            for number in self._ears.recv(64):
                if number == SUSPEND:
                    with suppress(Exception):
                        sys.stderr.write(NOT_SUSPENDED)
                else:
                    self.signalled.emit(number)
        except BlockingIOError:
            return


def _nothing(number: int, frame: object) -> None:
    """The Python-level handler: the wake-up descriptor has already told the event loop."""
