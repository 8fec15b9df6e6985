"""What a run on the Twin page warned of, which stays beside its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel

from app.gui.widgets.basic import set_role
from app.words import some_of

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_LINES = 3


class WarningLines(QLabel):
    """A line for each warning, the first few of many; the rest in the tool tip. Hidden without."""

    def __init__(self) -> None:
        super().__init__()
        set_role(self, "attention")
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.hide()

    def show_lines(self, lines: Sequence[str]) -> None:
        """Show what a run has warned of so far."""
        self.setText("\n".join(some_of(list(lines), MOST_LINES)))
        self.setToolTip("\n".join(lines[MOST_LINES:]))
        self.setVisible(bool(lines))
