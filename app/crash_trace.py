"""What the window's threads were doing when its process crashed, kept for its next start.

A crash below Python (in Qt, in a driver's library) runs no hook and no `finally`; all that is left
of it is an exit code, and one that comes once in some hundred windows can't be looked into.
Python's `faulthandler` writes every thread's stack into a file of this process, made at the start
and removed at the end; what stands in one whose process is gone was a crash. On Windows it also
writes of exceptions that are handled: they go with the file.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from app.config import settings_path
from app.words import day
from instruments.processes import process_start

if TYPE_CHECKING:
    from pathlib import Path

LAST = "last.txt"
MOST_CHARACTERS = 200_000  # of the last crash in a report


def folder() -> Path:
    """Where the traces lie: beside the window's settings."""
    return settings_path().parent / "crashes"


def keep_trace() -> None:
    """Have a crash of this process written down; without a disk that takes it, none is."""
    file = folder() / f"{os.getpid()}.txt"
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("w", encoding="utf-8")
        faulthandler.enable(stream)
        atexit.register(_end, file, stream)


def _end(file: Path, stream: TextIO) -> None:
    """The process ends as it should: there is nothing to tell."""
    faulthandler.disable()
    stream.close()
    with suppress(OSError):
        file.unlink()


def crashes_told() -> str:
    """A sentence about the crashes since it was last asked, the newest kept as `LAST`; or none."""
    crashed: list[tuple[float, Path]] = []
    with suppress(OSError):
        for file in folder().glob("*.txt"):
            if file.stem.isdigit() and process_start(int(file.stem)) is None:
                written = file.stat()
                if written.st_size:
                    crashed.append((written.st_mtime, file))
                else:  # killed, or the computer went off
                    file.unlink()
    when = ""
    for time_s, file in sorted(crashed):
        with suppress(OSError):
            os.replace(file, file.with_name(LAST))
            then = datetime.fromtimestamp(time_s)
            when = f"{day(then)} {then.year}, {then:%H:%M}"
    if not when:
        return ""
    return (
        f"An earlier window crashed on {when}: see on the Bench page that its magnet is at zero. "
        "What it was doing goes into a report: Settings, “Report a problem”"
    )


def last_crash() -> str:
    """The trace of the last crash that was told, empty where there was none."""
    with suppress(OSError):
        return (folder() / LAST).read_text("utf-8", "replace")[:MOST_CHARACTERS]
    return ""
