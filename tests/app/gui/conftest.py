from __future__ import annotations

import os
import threading
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from typing import TYPE_CHECKING

import pytest
from PyQt6.QtWidgets import QApplication

from app.gui.theme import Theme
from app.gui.window import Window
from app.session import Library, Session
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAIT_MS = 120_000


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


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    made = Theme("light")
    made.apply(qapp)
    return made


@pytest.fixture
def make_window(qtbot, theme, tmp_path) -> Iterator[Callable[..., Window]]:
    """A window on the real virtual rig in this process; connected, closed at the end."""
    made: list[Window] = []

    def make(*, connected: bool = True) -> Window:
        window = Window(Session(read_bench("virtual"), Library(tmp_path / "library")), theme)
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
