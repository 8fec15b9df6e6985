"""What the window's own thread does on the disk: nothing, whatever a share takes to answer."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APP = str(Path(__file__).parents[3] / "app")
TESTS = str(Path(__file__).parents[2])
EVENTS = {"open", "os.listdir", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.scandir"}
LOOKS = ("stat", "lstat", "access")  # of `os`, which tell no audit hook
_watched: list[tuple[str, list[str]]] = []


@contextmanager
def disk_of_the_window(folder: Path) -> Iterator[list[str]]:
    """Each file or folder below `folder` that a page touches in this thread, and by which code.

    A test's own calls do not count: what a test calls, or lets run, begins with the window's code.
    """
    found: list[str] = []
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_heard)  # for good: it can't be taken back
    real = {name: getattr(os, name) for name in LOOKS}
    for name, look in real.items():
        setattr(os, name, _told(f"os.{name}", look))
    _watched.append((str(folder), found))
    try:
        yield found
    finally:
        _watched.pop()
        for name, look in real.items():
            setattr(os, name, look)


def _told(event: str, look: Callable[..., object]) -> Callable[..., object]:
    def told(path: object, *arguments: object, **named: object) -> object:
        _note(event, path)
        return look(path, *arguments, **named)

    return told


_hooked: list[bool] = []


def _heard(event: str, args: tuple[object, ...]) -> None:
    if event in EVENTS:
        _note(event, args[0])


def _note(event: str, path: object) -> None:
    if not _watched or threading.current_thread() is not threading.main_thread():
        return
    folder, found = _watched[-1]
    if not str(path).startswith(folder):
        return
    frame, code = sys._getframe(2), list[str]()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    while frame is not None and not frame.f_code.co_filename.startswith(TESTS):
        if frame.f_code.co_filename.startswith(APP):
            file = frame.f_code.co_filename.removeprefix(APP)
            code.append(f"{file}:{frame.f_lineno} in {frame.f_code.co_qualname}")
        frame = frame.f_back
    if code and code[-1].startswith("/gui/"):
        found.append(f"{event} {path} by {' < '.join(code)}")
