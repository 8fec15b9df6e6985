"""Every page: names for a screen reader, keys, room at 1280 x 720, at 200 % as well."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QLabel,
    QPlainTextEdit,
    QScrollArea,
    QWidget,
)

from app.gui.actions import PAGES
from app.gui.window import WITHIN

KEYS = [*(key for key, _ in PAGES), *WITHIN, "log", "settings"]


def named(widget: QWidget) -> bool:
    if widget.accessibleName().strip():
        return True
    if isinstance(widget, QAbstractButton) and widget.text().strip():
        return True
    parent = widget.parentWidget()
    labels = parent.window().findChildren(QLabel) if parent else []
    return any(label.buddy() is widget and label.text().strip() for label in labels)


def focusable(page: QWidget) -> list[QWidget]:
    found = []
    for widget in page.findChildren(QWidget):
        parent = widget.parentWidget()
        inner = isinstance(parent, QAbstractScrollArea) and parent.viewport() is widget
        popup = widget.window() is not page.window()  # the list of a combo box
        inner = inner or isinstance(widget, QScrollArea) or widget.focusProxy() is not None
        inner = inner or isinstance(parent, QAbstractSpinBox)
        inner = inner or isinstance(widget, QLabel)  # its text can be chosen, and is its name
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and not inner and not popup:
            found.append(widget)
    return [widget for widget in found if widget.isEnabled()]


@pytest.mark.parametrize("key", KEYS)
def test_whatever_can_have_the_focus_has_a_name(make_window, key: str) -> None:
    window = make_window(connected=False)
    window.open_page(key)
    bare = [
        (type(w).__name__, type(w.parentWidget()).__name__)
        for w in focusable(window.pages[key])
        if not named(w)
    ]
    assert not bare, bare


def test_tab_reaches_rail_form_and_stop(make_window, qtbot) -> None:
    window = make_window(connected=False)
    window.open_page("record")
    window.activateWindow()
    seen, widget = [], window.top.stop_button
    for _ in range(400):
        widget = widget.nextInFocusChain()
        if widget is window.top.stop_button:
            break
        seen.append(widget)
    page = window.pages["record"]
    assert window.rail.items["bench"] in seen
    assert page.form.primary in seen
    assert seen.index(window.rail.items["bench"]) < seen.index(page.form.primary)


def test_what_has_the_focus_in_rail_and_menu_has_a_frame_of_ink(make_window, qtbot) -> None:
    window = make_window(connected=False)
    window.open_page("record")
    window.activateWindow()
    ink = window.theme.tokens.ink.lower()
    items = window.rail.items
    for widget in (items["record"], items["twin"], window.top.menu_button):  # chosen, not, an icon

        def edge(widget: QWidget = widget) -> str:
            picture = widget.grab().toImage()
            return picture.pixelColor(picture.width() // 2, 0).name()

        window.top.stop_button.setFocus()
        assert edge() != ink
        widget.setFocus()
        qtbot.waitUntil(lambda edge=edge: edge() == ink)


def too_large(page: QWidget) -> list[str]:
    """Scroll areas of forms that scroll sideways, and pages that ask for more than there is."""
    room = page.size()
    least = page.minimumSizeHint()
    found = []
    if least.width() > room.width() or least.height() > room.height():
        found.append(f"asks for {least.width()} x {least.height()} of {room}")
    for area in page.findChildren(QAbstractScrollArea):
        bar = area.horizontalScrollBar()
        text = isinstance(area, QPlainTextEdit)  # lines of a log or a file are as long as they are
        if area.isVisible() and not text and bar is not None and bar.maximum() > 0:
            found.append(f"{type(area).__name__} scrolls sideways by {bar.maximum()}")
    return found


@pytest.mark.parametrize("key", KEYS)
def test_every_page_has_room_at_1280_by_720(make_window, qtbot, key: str) -> None:
    window = make_window(connected=False)
    window.resize(1280, 720)
    window.open_page(key)
    qtbot.wait(20)
    assert window.width() == 1280
    assert window.height() == 720
    assert not too_large(window.pages[key])


SCRIPT = """
    import sys
    from pathlib import Path
    from PyQt6.QtWidgets import QApplication
    from app.gui.leaving import leave
    from app.gui.theme import Theme
    from app.gui.window import Window
    from app.session import Library, Session
    from instruments.bench_file import read_bench

    app = QApplication([])
    theme = Theme("light")
    theme.apply(app)
    window = Window(Session(read_bench("virtual"), Library(Path(sys.argv[1]))), theme)
    window.resize(1280, 720)
    window.show()
    app.processEvents()
    picture = window.grab()
    print(picture.devicePixelRatio(), picture.width(), picture.height(), window.width())
    window.shut_down()
    app.processEvents()
    window.link.wait(5)
    leave(0)
"""


def test_at_200_percent_the_window_is_as_sharp_as_its_screen(tmp_path) -> None:
    script = tmp_path / "twice.py"
    script.write_text(textwrap.dedent(SCRIPT))
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "library")],
        env={
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "QT_SCALE_FACTOR": "2",
            "PYTHONPATH": os.getcwd(),
        },
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2.0", "2560", "1440", "1280"]
