"""The window says that one before it crashed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from app import crash_trace
from app.gui import main
from app.gui.window import Window

if TYPE_CHECKING:
    from pathlib import Path

    from PyQt6.QtWidgets import QWidget


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINRIG_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("TWINRIG_LIBRARY", str(tmp_path / "library"))


def test_an_earlier_window_that_crashed_is_told_at_the_start(qapp: QWidget) -> None:
    crash_trace.folder().mkdir(parents=True)
    (crash_trace.folder() / "4194305.txt").write_text("Fatal Python error: Segmentation fault")
    log: list[str] = []

    def look() -> None:
        for window in QApplication.topLevelWidgets():
            if isinstance(window, Window) and any("crashed" in words for words in window.log):
                timer.stop()
                log.extend(window.log)
                window.close()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(20)
    assert main([]) == 0
    assert sum("An earlier window crashed on" in words for words in log) == 1
