"""The program's icon, and its entry in the system's menu."""

from __future__ import annotations

import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import platformdirs
import pytest
from conftest import WAIT_MS
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication, QIcon, QImage
from PyQt6.QtWidgets import QApplication

from app.artefacts import code_version
from app.gui.identity import take_id, wear_icon
from app.gui.theme import DARK
from app.menu_entry import DESKTOP_ID, icon_path, put_entry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def menu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "applications"
    monkeypatch.setattr(platformdirs, "user_applications_path", lambda: folder)
    return folder


def test_the_window_wears_the_icon(window) -> None:
    wear_icon(QApplication.instance())
    drawn = window.windowIcon().pixmap(64, 64).toImage()
    assert drawn.pixelColor(32, 4).name() == DARK.window.lower()
    shades = {drawn.pixelColor(x, 32).name() for x in range(64)}
    assert {DARK.measured.lower(), DARK.twin.lower()} <= shades


def test_windows_icon_is_the_same_drawing(qapp) -> None:
    data = icon_path("ico").read_bytes()
    *_, length, at = struct.unpack_from("<BBBBHHII", data, 6 + 16 * 4)
    kept = QImage.fromData(data[at : at + length], "PNG")
    drawn = QIcon(str(icon_path("svg"))).pixmap(64, 64).toImage()
    assert kept.size() == drawn.size()
    for at in range(0, 64, 3):
        assert kept.pixelColor(at, 32).rgba() == drawn.pixelColor(at, 32).rgba()


def test_an_id_is_taken_only_where_the_menu_has_it(menu: Path, qapp) -> None:
    before = QGuiApplication.desktopFileName()
    try:
        take_id(qapp)
        assert QGuiApplication.desktopFileName() == before
        put_entry()
        take_id(qapp)
        assert QGuiApplication.desktopFileName() == DESKTOP_ID
    finally:
        qapp.setDesktopFileName(before)


def test_settings_put_it_in_the_menu_and_take_it_out(window, menu: Path, qtbot) -> None:
    window.open_page("settings")
    page = window.page()
    qtbot.waitUntil(lambda: not page.menu.isHidden(), timeout=WAIT_MS)
    for words, is_there in (("Put", True), ("Take", False), ("Put", True)):
        assert page.menu.text().startswith(words)
        qtbot.mouseClick(page.menu, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda w=words: not page.menu.text().startswith(w), timeout=WAIT_MS)
        assert (menu / "twinrig.desktop").exists() == is_there


def test_a_disk_that_refuses_is_told_on_the_page(window, menu: Path, qtbot) -> None:
    menu.write_text("a file where the folder should be")
    window.open_page("settings")
    page = window.page()
    qtbot.waitUntil(lambda: not page.menu.isHidden(), timeout=WAIT_MS)
    qtbot.mouseClick(page.menu, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: any(str(menu) in toast.text for toast in window.toasts.shown), timeout=WAIT_MS
    )


def test_settings_tell_the_version(window, qtbot) -> None:
    window.open_page("settings")
    qtbot.waitUntil(lambda: window.page().version.text() == code_version(), timeout=WAIT_MS)


def test_a_start_imports_no_numpy_before_the_first_frame() -> None:
    """A list's items did, by way of what they tell: the first frame took half as long again."""
    words = "import sys, app.gui.start; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", words], check=True, timeout=60)
