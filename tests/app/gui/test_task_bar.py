"""What is told of a window that is behind others: how far its run is, and how it ended."""

from __future__ import annotations

from typing import Any

import pytest
from PyQt6.QtCore import QCoreApplication, QEvent
from PyQt6.QtWidgets import QApplication

from app.gui.window import Window

IDLE = "Twinrig, virtual nanoring array"


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Windows that asked for attention while another one was in front."""
    asked: list[object] = []
    monkeypatch.setattr(QApplication, "alert", asked.append)
    monkeypatch.setattr(Window, "isActiveWindow", lambda _: False)
    return asked


def test_the_title_tells_how_far_a_run_is_and_how_it_ended_until_somebody_looks(
    window: Window, called: list[object], press_record: Any
) -> None:
    assert window.windowTitle() == IDLE
    seen = []
    window.windowTitleChanged.connect(seen.append)
    press_record(window, sequences=2, repeats=2, steps=10)
    assert seen[-1] == window.windowTitle() == f"Recording, done · {IDLE}"
    shares = [int(title.partition(" %")[0]) for title in seen[:-1]]
    assert shares == sorted(shares)
    assert len(shares) > 3
    assert called == [window]
    QCoreApplication.sendEvent(window, QEvent(QEvent.Type.WindowActivate))
    assert window.windowTitle() == IDLE


def test_a_window_in_front_asks_for_nothing(
    window: Window, called: list[object], press_record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Window, "isActiveWindow", lambda _: True)
    press_record(window, sequences=1, repeats=1, steps=5)
    assert window.windowTitle() == IDLE
    assert called == []


def test_a_fault_and_a_run_that_is_held_ask_for_attention_once(
    window: Window, called: list[object]
) -> None:
    window.toast("the coil is warm", "warning")
    assert called == []
    window.toast("the coil is hot", "error")
    assert called == [window]
    for _ in range(3):
        window.task_bar.hold()
    assert called == [window, window]
    assert window.windowTitle() == f"held · {IDLE}"
    window.task_bar.progress(0.434)
    assert window.windowTitle() == f"43 % · {IDLE}"
