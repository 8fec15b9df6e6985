"""From the command line to the first frame: options, hooks, theme, window, the way out."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from PyQt6.QtCore import QEventLoop, Qt, QTimer
from PyQt6.QtWidgets import QApplication

from app.config import load_settings, settings_path
from app.crash_trace import keep_trace
from app.gui.background import courier
from app.gui.furnishing import VIRTUAL, furnish_later, read
from app.gui.hooks import Hooks
from app.gui.identity import take_id, wear_icon
from app.gui.settings_keeper import SettingsKeeper
from app.gui.theme import MODES, Theme
from app.gui.window import Window
from models.errors import InputError, TwinrigError
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PyQt6.QtGui import QSessionManager

    from app.gui.served_rig import ServedRig
    from instruments.bench_spec import BenchSpec

T = TypeVar("T")
SESSION_END_MS = 30_000  # no system waits longer for a program at log-off
SOON_S = 3.0  # a share of some hundred ms a call answers within it
JOB_ENDS_S = 60.0  # a ramp-down of the slowest coil and its status on disk
COLLECTED_FROM_MS = 3000  # after the start: garbage (`app.gui.main` says why not before)
SCREEN_LOST = (
    "the window's screen is gone (its X server or ssh -X connection ended): what ran was stopped "
    "as by Stop; start the window anew, its page offers to go on"
)
SWITCH_S = 0.001
"""The interpreter's switch interval: a worker that computes may hold up a frame by 1 ms, not 5."""


class _Plain(argparse.ArgumentParser):
    """What a start takes; what is wrong with it is told by the command line's own parser."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    """The window's options.

    Raises
    ------
    InputError
        A wrong one, with the nearest that is known.
    """
    words = sys.argv[1:] if argv is None else argv
    try:
        return _parser(_Plain).parse_args(words)
    except InputError:
        from app.cli.grammar import Parser  # imports numpy: not before the first frame

        return _parser(Parser).parse_args(words)


def _parser(kind: type[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    parser = kind("twinrig", description="Open the Twinrig window.", allow_abbrev=False)
    parser.add_argument("--bench", help="bench file, or 'virtual' (the default: the last one)")
    parser.add_argument(
        "--library", help="folder of artefacts (default: TWINRIG_LIBRARY, documents)"
    )
    parser.add_argument("--theme", choices=MODES, help="light, dark or system")
    parser.add_argument("--screenshot", metavar="DIR", help="run a short job, save each page, quit")
    parser.add_argument("--smoke", action="store_true", help="quit after the first usable frame")
    return parser


def run(argv: Sequence[str] | None, began_s: float) -> int:
    """Open the window, then each that another bench is opened in; returns the exit code.

    `began_s` on the performance counter is what `--smoke` counts from: before Qt was loaded.

    0: closed by the user; 1: the bench could not be made safe, or the screen was lost; 2: an option
    or the bench file is wrong, or the library is no folder; 3: ended by a signal.
    """
    rig: ServedRig | None = None
    options: argparse.Namespace | None
    try:
        options = _options(argv)
        _refuse_without_a_screen()
        if options.library and _soon(partial(file_at, options.library)):
            raise InputError(f"--library {options.library}: is a file; name a folder, or a new one")
        app = None
        while options is not None:
            named = options.bench not in (None, VIRTUAL)
            given = _soon(partial(read, options.bench)) if named else None
            app = app or _application()
            code, options, rig = _run(app, options, given, began_s, rig)
            began_s = time.perf_counter()
    except TwinrigError as error:
        sys.stderr.write(f"twinrig: {error}\n")
        code = error.exit_code
    if rig is not None:
        rig.close()
    courier().close()  # what falls now, the last window and the application, no thread touches
    return code


def _soon(task: Callable[[], T]) -> T | None:
    """What `task` finds out, or raises; None where a share doesn't answer within `SOON_S`.

    Decision: a wrong option ends the start by its exit code, but nobody waits for a window until
    a server is back. What was not known in time is told by the window, which asks again.
    """
    found: list[T] = []
    faults: list[Exception] = []

    def ask() -> None:
        try:
            found.append(task())
        except Exception as fault:
            faults.append(fault)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(SOON_S)
    if faults:
        raise faults[0]
    return found[0] if found else None


def _application() -> QApplication:
    """The one there is, or a new one, which lasts as long as it is held."""
    found = QApplication.instance()
    if isinstance(found, QApplication):
        app = found
    else:
        app = QApplication(["twinrig"])  # ends the process where Qt finds no screen: no crash
        keep_trace()
    app.setApplicationName("Twinrig")
    take_id(app)
    app.setQuitOnLastWindowClosed(False)
    return app


def _run(
    app: QApplication, options: argparse.Namespace, given: BenchSpec | None, began_s: float,
    rig: ServedRig | None,
) -> tuple[int, argparse.Namespace | None, ServedRig | None]:  # fmt: skip
    """Run one window to its end: exit code, options of the next one if any, the rig it serves."""
    settings, note = load_settings(settings_path())
    if options.theme:
        settings = replace(settings, theme=options.theme)
    switch_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    hooks = Hooks()
    theme = Theme(settings.theme)
    theme.apply(app)
    window = Window(None, theme, settings)
    if rig is not None:
        window.keep_rig(rig)
    ended_by: list[int] = []
    hooks.failed.connect(lambda text, trace: window.toast(text, "error", trace))

    def end(number: int = 0) -> None:
        ended_by.append(number)
        window.shut_down(forced=True)

    def system_ends(_: QSessionManager) -> None:
        session_ends(window, end)

    def system_changes() -> None:
        theme.follow(app)

    hooks.signalled.connect(end)
    app.commitDataRequest.connect(system_ends)
    if hints := app.styleHints():
        hints.colorSchemeChanged.connect(system_changes)
    window.gone.connect(app.quit)
    if note:
        window.toast(note, "warning")
    _script(window, options, began_s)
    window.framed.connect(lambda: furnish_later(window, options, given))
    window.complete.connect(partial(wear_icon, app))
    keeper = None if options.smoke or options.screenshot else SettingsKeeper(window)
    _show(window, whole=not options.screenshot)
    QTimer.singleShot(COLLECTED_FROM_MS, gc.enable)
    lost = app.exec() != 0
    end_safe(window)
    if window.furnished:
        window.link.wait(10.0)
    hooks.close()
    app.commitDataRequest.disconnect(system_ends)
    if hints:
        hints.colorSchemeChanged.disconnect(system_changes)
    sys.setswitchinterval(switch_s)
    if keeper is not None:
        said = keeper.keep()
        sys.stderr.write(f"{said}\n" if said else "")
    if lost:
        _tell(SCREEN_LOST)
    code = 1 if window.left_unsafe or lost else 3 if ended_by else 0
    following = None if code or window.next_bench is None else argparse.Namespace(
        **{**vars(options), "bench": str(window.next_bench), "theme": theme.mode}
    )  # fmt: skip
    window.deleteLater()
    return code, following, window.rig


def _refuse_without_a_screen() -> None:
    """Raise where Qt would abort the process, and advise to install the program anew."""
    named = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in named):
        raise TwinrigError(
            "there is no screen for the window: neither DISPLAY nor WAYLAND_DISPLAY is set; from "
            "another computer log in by `ssh -X`. All commands work without: twinrig --help"
        )


def _show(window: Window, whole: bool) -> None:
    """Show it; `whole`: no larger than the screen, where Stop would lie beside a small one."""
    screen = window.screen()
    if whole and screen is not None:
        size = window.size().boundedTo(screen.availableSize())
        if size != window.size():
            window.resize(size)
            window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)
    window.show()


def _script(window: Window, options: argparse.Namespace, began_s: float) -> None:
    """What a start for a purpose does once the window is usable."""
    if options.smoke:
        seconds: dict[str, float] = {}
        for name in ("framed", "usable", "complete"):
            moment = getattr(window, name)
            moment.connect(partial(_note, seconds, name, began_s))
        window.complete.connect(lambda: _tell_start(window, seconds))
    elif options.screenshot:
        from app.gui.screenshots import Tour

        tour = Tour(window, Path(options.screenshot))
        tour.setParent(window)  # which keeps it
        window.usable.connect(tour.start)


def session_ends(window: Window, end: Callable[[], None]) -> None:
    """Log-off or shutdown: stop, and hold the system up until the rig is safe.

    The system ends the program some seconds after this returns, or when it loses patience.
    """
    end()
    if window.isVisible():
        loop = QEventLoop()
        window.gone.connect(loop.quit)
        QTimer.singleShot(SESSION_END_MS, loop.quit)
        loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)


def end_safe(window: Window) -> None:
    """However the event loop ended (`quit` from anywhere): nothing is left energised."""
    if not window.furnished:
        return
    if window.job is not None:  # a fit needs no bench, and would go on without a window
        window.job.stop()
        window.job.wait(JOB_ENDS_S)
    try:
        window.session.close()
    except TwinrigError as error:
        _tell(str(error))
        window.session.drop()
        window.left_unsafe = True


def _tell(words: str) -> None:
    """Say it on the terminal, if there is one that isn't gone."""
    with suppress(Exception):
        sys.stderr.write(f"twinrig: {words}\n")


def _note(seconds: dict[str, float], name: str, began_s: float) -> None:
    seconds[name] = round(time.perf_counter() - began_s, 3)


def _tell_start(window: Window, seconds: dict[str, float]) -> None:
    """Seconds to the first frame that answers, to the first page in it, and to its plots."""
    said = {"event": "usable", "seconds": seconds.pop("usable"), **seconds}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    window.shut_down()
