"""The Log page: what was said, by level and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtWidgets import QApplication

if TYPE_CHECKING:
    from app.gui.window import Window


def test_the_log_is_chosen_by_level_searched_and_copied(make_window: Any) -> None:
    window: Window = make_window(connected=False)
    for text, level in (("written", "info"), ("late reply", "warning"), ("no disk", "error")):
        window.toast(text, level)
    window.open_page("log")
    page: Any = window.pages["log"]
    text = page.text.toPlainText
    assert [word in text() for word in ("written", "late reply", "no disk")] == [True] * 3
    page.level.choose("warning")
    assert "written" not in text()
    assert "late reply" in text()
    page.level.choose("error")
    assert text() == "error: no disk"
    page.level.choose("")
    page.search.setText("LATE")
    assert text() == "warning: late reply"
    page.press()
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text() == "warning: late reply"
    page.search.setText("nowhere")
    assert text() == "Nothing like that was said."
