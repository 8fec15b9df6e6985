from __future__ import annotations

from PyQt6.QtWidgets import QWidget

from app.gui.widgets.toast import Toasts


def test_a_toast_is_as_high_as_its_words_and_grows_with_its_traceback(qtbot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1200, 800)
    window.show()
    toasts = Toasts(window)
    short = toasts.show("done", "error")
    assert short.height() < 90
    long = toasts.show("far too many words for one line of it " * 6, "error", "Traceback …")
    assert long.height() > short.height()
    before = long.height()
    long.show_details()
    assert long.height() >= before + 180
    for toast in (short, long):
        toast.dismiss()
