"""p and Enter on a terminal: pause the run after its repeat, or go on.

Decision: whole lines, which every terminal gives without being put into another mode that a killed
program would leave behind. On Windows, whose consoles can't be waited for together with anything
else, each key is looked for instead, and Enter does no harm.

A run in the background must not be stopped by the system for reading its terminal (SIGTTIN) while a
magnet is energised: it isn't read there, and the signal is ignored.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from instruments.clock import Pause

KEY = "p"
LOOK_S = 0.2
HINT = "p and Enter: pause after this repeat, and go on again"
ASKED = "pausing after this repeat; p and Enter: go on"
TAKEN_BACK = "going on"


@contextmanager
def pause_keys(pause: Pause, say: Callable[[str], None]) -> Iterator[None]:
    """Within it p and Enter on the terminal toggle a pause; nothing where there is no terminal.

    To be used in the main thread.
    """
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        yield
        return
    hears, wakes = socket.socketpair()
    listen = _listen_console if sys.platform == "win32" else _listen_terminal

    def pressed(keys: str) -> None:
        if KEY in keys.lower():
            asked = pause.toggle()
            with suppress(Exception):  # how a sentence fails must not end the ear
                say(ASKED if asked else TAKEN_BACK)

    thread = threading.Thread(target=listen, args=(hears, pressed), name="keys", daemon=True)
    with _read_anyway():
        say(HINT)
        thread.start()
        try:
            yield
        finally:
            wakes.close()
            thread.join()
            hears.close()


@contextmanager
def _read_anyway() -> Iterator[None]:
    """Reading a terminal from the background fails instead of stopping the process."""
    number = getattr(signal, "SIGTTIN", None)
    if number is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


if sys.platform == "win32":

    def _listen_console(hears: socket.socket, pressed: Callable[[str], None]) -> None:
        import msvcrt

        hears.settimeout(LOOK_S)
        while True:
            with suppress(TimeoutError):
                hears.recv(1)
                return  # the other end is closed: the run is over
            while msvcrt.kbhit():
                pressed(msvcrt.getwch())

    _listen_terminal = _listen_console
else:

    def _listen_terminal(hears: socket.socket, pressed: Callable[[str], None]) -> None:
        terminal = sys.stdin.fileno()
        while True:
            ready, _, _ = select.select([hears, terminal], [], [])
            if hears in ready:
                return
            try:
                if os.tcgetpgrp(terminal) != os.getpgrp():  # the line is another program's
                    time.sleep(LOOK_S)
                    continue
                line = os.read(terminal, 1024)
            except OSError:  # the terminal went: its SIGHUP stops the run
                return
            if not line:  # Ctrl-D: no more keys are wanted
                return
            pressed(line.decode(errors="replace"))

    _listen_console = _listen_terminal
