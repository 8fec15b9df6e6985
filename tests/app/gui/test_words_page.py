"""What the words mean: on a page of its own, and in the tool tips of tables."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QLabel

from app.glossary import GROUPS
from app.gui.widgets.error_table import ErrorRow, ErrorTable
from app.gui.widgets.tables import ScoreRow, ScoreTable


def test_the_page_tells_every_word_and_copies_them(window, qtbot) -> None:
    window.open_page("words")
    page = window.page()
    shown = {one.text() for one in page.findChildren(QLabel)}
    for _, words in GROUPS:
        assert {word.name for word in words} | {word.meaning for word in words} <= shown
    qtbot.mouseClick(page.form.primary, Qt.MouseButton.LeftButton)
    copied = QApplication.clipboard().text()
    assert all(f"{w.name}: {w.meaning}" in copied for _, words in GROUPS for w in words)


def test_rows_of_tables_tell_what_their_word_means(window) -> None:
    errors = ErrorTable(window.theme)
    errors.show_rows([ErrorRow("CRPS", 0.52, 0.5, 1.02, 0.9, 1.1, "at floor")])
    first = errors.HEAD_PX + 1.0
    assert "Continuous ranked" in errors.tip_at(first)
    assert "Continuous" not in errors.accessibleDescription()
    scores = ScoreTable(window.theme, "NMSE")
    scores.show_rows([ScoreRow("AR-18", 0.0048), ScoreRow("Seed 3", 0.02)])
    assert "Linear regression" in scores.tip_at(first)
    assert scores.tip_at(first + scores.row_px(2)) == "Seed 3 0.020"
