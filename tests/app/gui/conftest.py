from __future__ import annotations

import gc
import os
import threading
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from typing import TYPE_CHECKING, Any

import pytest
from lighter import WORD
from PyQt6 import sip
from PyQt6.QtCore import QCoreApplication, QEvent, QThread, QTimer
from PyQt6.QtWidgets import QApplication, QWidget

from app.config import Settings
from app.gui.stylesheet import stylesheet
from app.gui.theme import LIGHT, Theme, mono
from app.gui.window import Window
from app.library.library import Library
from app.session import Session
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from instruments.bench_spec import BenchSpec

WAIT_MS = 120_000


@pytest.fixture(scope="module", autouse=True)
def _lighter_children() -> Iterator[None]:
    """Fits and trainings that a window has run in a child take less (`lighter`)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WORD, "1")
        yield


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        left = [t for t in set(threading.enumerate()) - before if not t.daemon]
        if not left:
            return
        time.sleep(0.02)
    assert not left, left


def _goes_on(one: QTimer | QThread) -> bool:
    """A single shot ends by itself."""
    if isinstance(one, QTimer):
        return one.isActive() and not one.isSingleShot()
    return one.isRunning()


def _and_derived(*kinds: type) -> set[type]:
    """These classes and all that are derived from them."""
    return set(kinds).union(*(_and_derived(*kind.__subclasses__()) for kind in kinds))


def _running() -> dict[int, QTimer | QThread]:
    # by its type: isinstance asks an object of torch for its class, which warns
    kinds = _and_derived(QTimer, QThread)
    found = [o for o in gc.get_objects() if type(o) in kinds]
    return {id(o): o for o in found if not sip.isdeleted(o) and _goes_on(o)}


def _windows() -> set[QWidget]:
    return {w for w in QApplication.topLevelWidgets() if not w.isHidden()}


@pytest.fixture(autouse=True)
def nothing_of_qt_is_left(qapp: QApplication) -> Iterator[None]:
    """No timer runs on, no thread, no window stays on screen once a test has put things away."""
    timers, windows = set(_running()), _windows()
    yield
    deadline = time.monotonic() + 2.0  # pyqtgraph's entries keep a timer for 0.3 s
    while True:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()
        left = [o for key, o in _running().items() if key not in timers]
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.03)
    assert not left, [(o, o.parent(), getattr(o, "interval", int)()) for o in left]
    assert not _windows() - windows, _windows() - windows


@pytest.fixture
def qtbot(qtbot: QtBot) -> QtBot:
    """As pytest-qt's, but what a test shows lives until its end.

    That one keeps weak references: of a widget in a cycle of references nothing held it once its
    test had returned, and garbage that was collected amid its last painting took it away beneath
    that (SIGSEGV, one run of some twenty).
    """
    held, add = [], qtbot.addWidget

    def add_and_hold(widget: QWidget, **how: Any) -> None:
        held.append(widget)
        add(widget, **how)

    qtbot.addWidget = add_and_hold
    return qtbot


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    made = Theme("light")
    if qapp.styleSheet() != stylesheet(LIGHT, mono().family()):  # the first, or one that was left
        made.apply(qapp)
    return made


@pytest.fixture
def make_window(qtbot, theme, tmp_path) -> Iterator[Callable[..., Window]]:
    """A window on a virtual rig in this process; connected, closed at the end.

    It opens on `page`, as one that was closed there: no other one is made, nor its plots.
    """
    made: list[Window] = []

    def make(
        bench: BenchSpec | None = None, *, connected: bool = True, page: str = "record"
    ) -> Window:
        spec = bench or read_bench("virtual")
        library = Library(tmp_path / "library")
        window = Window(Session(spec, library), theme, Settings(page=page))
        made.append(window)
        window.show()
        if connected:
            window.link.connect_bench()
            qtbot.waitUntil(lambda: "channel.Y" in window.top.cells, timeout=WAIT_MS)
        return window

    yield make
    for window in made:
        if not window._closed:
            window.shut_down()
            qtbot.waitUntil(lambda w=window: w._closed, timeout=WAIT_MS)
        window.link.wait(10)
        if window.rig is not None:
            window.rig.close()
        window.deleteLater()
    QApplication.processEvents()


@pytest.fixture
def window(make_window) -> Window:
    return make_window()


@pytest.fixture
def press_record(qtbot) -> Callable[..., None]:
    """Record with these form values; returns once the first repeat is complete, or it is over."""

    def press(window: Window, *, until_over: bool = True, **values: int) -> None:
        window.open_page("record")
        page = window.pages["record"]
        page.set_form_values(values)
        page.press()
        assert window.job is not None
        qtbot.waitUntil(lambda: window.job is None or page.live.done > 0, timeout=WAIT_MS)
        if until_over:
            qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)

    return press


@pytest.fixture
def slow_library(monkeypatch):
    """From its call on the library finds nothing until the event that it returns is set."""

    def begin() -> threading.Event:
        found, find = threading.Event(), Library.find

        def slowly(library: Library, path: Path) -> object:
            found.wait(WAIT_MS / 1000)
            return find(library, path)

        monkeypatch.setattr(Library, "find", slowly)
        return found

    return begin


@pytest.fixture
def network_page(make_window, qtbot):
    """The Network page with a twin and every task to choose."""
    from network_samples import twin_of  # torch, which most of the window's tests do without

    from app.store import save_twin

    window = make_window(page="network")
    folder = window.session.library.folder / "twin-a"
    save_twin(folder, twin_of(window.session.bench))
    window.open_page("network")  # which looks at the library
    made = window.pages["network"]
    qtbot.waitUntil(lambda: made.twin.currentData() == folder, timeout=2 * WAIT_MS)
    qtbot.waitUntil(lambda: made.rows.task.count() > 5, timeout=2 * WAIT_MS)
    return made


@pytest.fixture
def two_devices_page(make_window, qtbot):
    """The Network page with a twin of each of two devices, and one without noise beside each."""
    from network_samples import twin_of
    from test_network_page import SMALL

    from app.store import save_twin
    from instruments.bench import Bench
    from instruments.bench_file import read_bench

    window = make_window(page="network")
    folder = window.session.library.folder
    with Bench.connect(read_bench("virtual-leaky-integrator")) as leaky:
        for name, bench in (("leaky", leaky), ("rings", window.session.bench)):
            save_twin(folder / f"plain-{name}", twin_of(bench, deterministic=True, seed=2))
            save_twin(folder / f"twin-{name}", twin_of(bench, seed=len(name)))
    window.open_page("network")  # which looks at the library
    made = window.pages["network"]
    qtbot.waitUntil(lambda: made.rows.twin.choose(folder / "twin-rings"), timeout=2 * WAIT_MS)
    qtbot.waitUntil(lambda: made.rows.task.count() > 5, timeout=2 * WAIT_MS)
    made.set_form_values({"options": SMALL, "iterations": 2, "layers": "2+1, 2", "seeds": 1})
    made.show_cost()
    made.rows.layer_twins.choose(1, folder / "twin-leaky")
    return made
