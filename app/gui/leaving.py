"""The end of the window's process."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process with `code`, as `sys.exit` does but for the libraries' own teardown.

    Threads that matter are waited for, exit functions of Python run, streams are flushed.

    Context: small tasks beside the window (`app.gui.background`) may outlive it, inside NumPy, an
    import or Qt, and a library's teardown takes away what such a thread stands on. One window of
    some hundreds, stopped while a run verified its set-points, ended by SIGSEGV: a jump to address
    0 in a thread that was not the main one, long after magnet and file were as they must be.
    Decision: all threads end at one moment, with everything still in place.
    """
    # what `Py_Finalize` calls; there are no public names. Threads of pools are told to end, too
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # a pipe or terminal that is gone
            stream.flush()
    os._exit(code)
