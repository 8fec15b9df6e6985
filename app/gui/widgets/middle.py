"""Rail and pages side by side; on a screen smaller than a page they scroll, and Stop stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QHBoxLayout, QScrollArea, QStackedWidget, QWidget

if TYPE_CHECKING:
    from app.gui.widgets.rail import Rail


class Pages(QStackedWidget):
    """Asks for the room of the page in view, not of the largest that was ever opened."""

    def minimumSizeHint(self) -> QSize:
        page = self.currentWidget()
        return super().minimumSizeHint() if page is None else page.minimumSizeHint()

    def turn_to(self, page: QWidget) -> None:
        """Show a page, and ask for its room."""
        self.setCurrentWidget(page)
        self.updateGeometry()


class _Row(QHBoxLayout):
    """What a scroll area gives its least height, not the one that wrapped words would like."""

    def hasHeightForWidth(self) -> bool:
        return False


class Middle(QScrollArea):
    """What stands between the window's strip and its status line."""

    def __init__(self, rail: Rail, pages: Pages) -> None:
        super().__init__()
        inner = QWidget()
        row = _Row(inner)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(rail)
        row.addWidget(pages, 1)
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Pages")
