"""The shortcut sheet: every key, from the table of actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QGridLayout, QWidget

from app.gui.actions import shortcut_sheet
from app.gui.pages.page import Page
from app.gui.widgets.basic import label

if TYPE_CHECKING:
    from app.gui.pages.shell import Shell


class KeysPage(Page):
    """Keys in two columns; nothing here needs a mouse."""

    key, name = "keys", "Keyboard shortcuts"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Keyboard", "everything works without a mouse")
        self.form.section("In short")
        for words in (
            "Ctrl+. stops at every moment. Esc does, too, unless an entry, a list or a menu has "
            "the focus: a stray Esc must not end a long run. Asked whether to close, Esc says no.",
            "Tab goes through rail, form and plots in the order they are read; the menu key "
            "opens a plot's own menu.",
        ):
            self.form.widget(label(words, "note", wrap=True))
        self.form.primary.say("Copy the sheet", "as text")
        self.copy_button.hide()
        self.say("Keyboard shortcuts", "from the table of actions")
        self.sheet = QWidget()
        grid = QGridLayout(self.sheet)
        grid.setContentsMargins(0, 8, 0, 0)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(8)
        self.rows = shortcut_sheet()
        half = (len(self.rows) + 1) // 2
        for index, (key, words) in enumerate(self.rows):
            at, side = index % half, 2 * (index // half)
            grid.addWidget(label(key, "id"), at, side)
            grid.addWidget(label(words, wrap=True), at, side + 1)
        for side in (1, 3):
            grid.setColumnStretch(side, 1)
        self.body.addWidget(self.sheet)
        self.body.addStretch(1)

    def press(self) -> None:
        self.copy_text("\n".join(f"{key:<18} {words}" for key, words in self.rows))
        self.form.primary.say("Copied", f"{len(self.rows)} keys")
