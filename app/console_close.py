"""Windows: closing the console, log-off and shutdown, as requests that the system waits for.

Windows ends the process as soon as the handler of such an event returns, or after about 5 s
(HandlerRoutine, learn.microsoft.com/windows/console/handlerroutine): so the handler asks the
program to stop and returns when it has. Log-off and shutdown come this way only to programs
without a window of their own; a window hears of them by Qt's `commitDataRequest`. What takes
longer than Windows waits is left to the watchdog (`instruments.watchdog`).

Written by the manual and type-checked (`mypy --platform win32`); it was never run on Windows.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

if sys.platform == "win32":
    import ctypes
    import threading
    from ctypes import wintypes

    CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT = 2, 5, 6
    LONGEST_S = 60.0  # Windows ends the process long before

    @contextmanager
    def on_console_close(ask: Callable[[], None]) -> Iterator[None]:
        """Within it these events call `ask` and wait for the end of the block.

        Raises
        ------
        OSError
            Windows refuses the handler.
        """
        over = threading.Event()

        def handler(event: int) -> int:
            if event not in (CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT):
                return 0  # Ctrl-C and Ctrl-Break are signals: Python has a handler for them
            ask()
            over.wait(LONGEST_S)
            return 1

        function = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)(handler)
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        if not kernel32.SetConsoleCtrlHandler(function, True):
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            yield
        finally:
            over.set()
            kernel32.SetConsoleCtrlHandler(function, False)

else:

    @contextmanager
    def on_console_close(ask: Callable[[], None]) -> Iterator[None]:
        """Do nothing: elsewhere a console that closes sends SIGHUP."""
        yield
