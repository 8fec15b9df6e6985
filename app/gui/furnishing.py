"""What the window is furnished with behind its first frame: a bench and a library.

Both are read beside the window: a share that does not answer leaves one that can be closed.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.crash_trace import crashes_told
from app.gui.background import Latest
from models.errors import TwinrigError

if TYPE_CHECKING:
    import argparse

    from app.gui.window import Window
    from app.session import Session
    from instruments.bench_spec import BenchSpec

    Furniture = tuple[Session, str, str]  # its bench file, and why another could not be opened

VIRTUAL = "virtual"


def read(bench: str | Path) -> BenchSpec:
    """The bench of a file; what it takes to read one is imported behind the first frame."""
    from instruments.bench_file import read_bench

    return read_bench(bench)


def furnish_later(window: Window, options: argparse.Namespace, given: BenchSpec | None) -> None:
    """Behind the first frame: read what it is furnished with, beside the window."""
    reader = Latest(window)
    reader.done.connect(partial(_furnish, window))
    last = VIRTUAL if options.screenshot else window.settings.bench  # pictures energise no real rig
    folder = options.library
    if options.screenshot and folder is None:
        folder = str(Path(options.screenshot) / "library")  # nor fill anybody's own library
    reader.ask(partial(_found, options.bench or last, given, folder))
    if not options.smoke and not options.screenshot:
        crashes = Latest(window)
        crashes.done.connect(partial(_tell_crashes, window))
        crashes.ask(crashes_told)


def _tell_crashes(window: Window, words: str | None, _: Exception | None) -> None:
    if words:
        window.toast(words, "error")


def _found(asked: str, given: BenchSpec | None, folder: str | None) -> Furniture:
    """The bench asked for, with a library; what is wrong with one that can't be opened."""
    from app.library.library import Library, library_folder
    from app.session import Session
    from instruments.bench_file import BUILT_IN

    spec, wrong = given, ""
    if spec is None:
        try:
            spec = read(asked or VIRTUAL)
        except TwinrigError as error:
            spec, asked, wrong = read(VIRTUAL), "", str(error)
    file = asked if asked in ("", *BUILT_IN) else str(Path(asked).absolute())
    return Session(spec, Library(library_folder(folder))), file, wrong


def _furnish(window: Window, found: Furniture | None, error: Exception | None) -> None:
    """With the bench asked for, the last one, or the page that offers some."""
    if window.closing:
        return
    if found is None:
        raise error or AssertionError("one of the two is told")
    session, file, wrong = found
    if wrong:
        window.toast(f"The last bench can't be opened: {wrong}", "error")
    if file:  # one that can't be opened today, as on a share that is off, is tried the next time
        window.bench_file = file
        # behind the plots: a thread that loads drivers would hold them up
        window.complete.connect(lambda: _connect(window))
    window.furnish(session, "" if file else "welcome")
    if not file:
        window.top.waiting("No bench", "the virtual rig, or a file")


def _connect(window: Window) -> None:
    if not window.closing:
        window.link.connect_bench()
