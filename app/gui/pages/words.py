"""What the words mean: the glossary, from the table that tool tips and reports tell, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QGridLayout, QWidget

from app.glossary import GROUPS
from app.gui.pages.page import Page
from app.gui.widgets.basic import label, scroll_area

if TYPE_CHECKING:
    from app.gui.pages.shell import Shell

WORD_PX, MEANING_PX = 200, 640


class WordsPage(Page):
    """Words and their meanings, in the order in which a day meets them."""

    key, name = "words", "What the words mean"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Words", "what figures and verdicts are called")
        self.form.section("In short")
        for note in (
            "A twin is as good as the device's repeats can tell when each of its errors is at "
            "its floor and its coverage is a perfect twin's.",
            "A network is worth its device when it beats the same one untrained, and what plain "
            "software gets without a device.",
            "In tables the pointer over a row tells what its word means.",
        ):
            self.form.widget(label(note, "note", wrap=True))
        self.form.primary.say("Copy all words", "as text")
        self.copy_button.hide()
        self.say("What the words mean", "figures, fits, networks and what they must beat")
        sheet = QWidget()
        sheet.setObjectName("sheet")
        grid = QGridLayout(sheet)
        grid.setContentsMargins(0, 0, 16, 16)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(0, WORD_PX)
        for title, words in GROUPS:
            at = grid.rowCount()
            grid.setRowMinimumHeight(at, 16 if at > 1 else 8)
            grid.addWidget(label(title, "section"), at + 1, 0, 1, 2)
            for word in words:
                row = grid.rowCount()
                grid.addWidget(label(word.name, wrap=True), row, 0, Qt.AlignmentFlag.AlignTop)
                told = label(word.meaning, wrap=True)
                told.setMaximumWidth(MEANING_PX)
                grid.addWidget(told, row, 1, Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(grid.rowCount(), 1)
        area = scroll_area(sheet)
        area.setAccessibleName("Words and their meanings")
        self.body.addWidget(area, 1)

    def press(self) -> None:
        told = [
            "\n".join((title, *(f"{word.name}: {word.meaning}" for word in words)))
            for title, words in GROUPS
        ]
        self.copy_text("\n\n".join(told))
        self.form.primary.say("Copied", f"{sum(len(words) for _, words in GROUPS)} words")
