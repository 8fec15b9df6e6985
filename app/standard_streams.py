"""Standard streams that are there, however the program was started.

Context: a service, a cron job or a shell (`2>&-`) may start a program with a stream closed. Python
has None in its place then, and the first word to say was an AttributeError: `twinrig safe` with
standard error closed left the magnet as it was. And the next link to an instrument would be given
the stream's number, into which a library writes its warnings.
Decision: before anything else is opened the null device takes each closed stream's place.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))  # by number: the lowest free is taken


def open_closed_streams() -> None:
    """Open the null device as each standard stream that the program was started without."""
    for name, mode in STREAMS:
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)  # a child (the watchdog) has it, too
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="replace"))


def forget(stream: TextIO) -> None:
    """Nobody takes it any more: what is left in the buffer must not fail once more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def forget_unwritten() -> None:
    """What a reader or terminal that has gone didn't take must not fail once more as Python ends.

    The exit code would be Python's own, 120. Whoever wrote it has met the fault before.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            forget(stream)
