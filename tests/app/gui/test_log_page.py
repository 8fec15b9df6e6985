"""The Log page: what was said, by level and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtWidgets import QApplication

if TYPE_CHECKING:
    from app.gui.window import Window


def test_the_log_is_chosen_by_level_searched_and_copied(make_window: Any) -> None:
    window: Window = make_window(connected=False, page="log")
    for text, level in (("written", "info"), ("late reply", "warning"), ("no disk", "error")):
        window.toast(text, level)
    window.open_page("log")
    page: Any = window.page()
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


def test_what_is_said_while_the_log_is_in_view_stands_in_it(make_window: Any, qtbot: Any) -> None:
    window: Window = make_window(connected=False, page="log")
    page: Any = window.page()
    window.log.append("info: now")
    qtbot.waitUntil(lambda: page.text.toPlainText() == "info: now", timeout=60_000)
    for number in range(300):
        window.log.append(f"info: {number}")
    qtbot.waitUntil(lambda: page.text.toPlainText().endswith("299"), timeout=60_000)
    bar = page.text.verticalScrollBar()
    bar.setValue(0)  # somebody reads further up
    window.log.append("info: more")
    with qtbot.waitSignal(page._look.timeout, timeout=60_000):
        pass
    assert bar.value() == 0
    assert not page.text.toPlainText().endswith("more")
    bar.setValue(bar.maximum())  # at the end again
    qtbot.waitUntil(lambda: page.text.toPlainText().endswith("more"), timeout=60_000)
