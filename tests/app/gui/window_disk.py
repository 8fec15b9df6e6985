"""What the window's own thread does on the disk: nothing, whatever a share takes to answer."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = str(Path(__file__).parents[3] / "app")
EVENTS = {"open", "os.listdir", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.scandir"}
_watched: list[tuple[str, list[str]]] = []


@contextmanager
def disk_of_the_window(folder: Path) -> Iterator[list[str]]:
    """Each file or folder below `folder` that a page touches in this thread, and by which code.

    A test's own calls do not count: the outermost code of the program is the window's.
    """
    found: list[str] = []
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_heard)  # for good: it can't be taken back
    _watched.append((str(folder), found))
    try:
        yield found
    finally:
        _watched.pop()


_hooked: list[bool] = []


def _heard(event: str, args: tuple[object, ...]) -> None:
    if not _watched or event not in EVENTS:
        return
    if threading.current_thread() is not threading.main_thread():
        return
    folder, found = _watched[-1]
    if not str(args[0]).startswith(folder):
        return
    frame, code = sys._getframe(1), []
    while frame is not None:
        if frame.f_code.co_filename.startswith(APP):
            code.append(f"{frame.f_code.co_filename.removeprefix(APP)}:{frame.f_lineno}")
        frame = frame.f_back
    if code and code[-1].startswith("/gui/"):
        found.append(f"{event} {args[0]} by {' < '.join(code)}")
