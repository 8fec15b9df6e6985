"""The open list of a drop-down: names, and beside each what it is, where names don't tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtWidgets import QStyledItemDelegate

from app.gui.theme import LABEL_PX, colour, elided, sans

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PyQt6.QtCore import QModelIndex
    from PyQt6.QtGui import QFont, QPainter
    from PyQt6.QtWidgets import QStyleOptionViewItem

    from app.gui.theme import Theme

ABOUT_ROLE = Qt.ItemDataRole.UserRole + 2
ROW_PX, GAP_PX, EDGE_PX = 24, 16, 8
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class ListPainter(QStyledItemDelegate):
    """Draws an item's `ABOUT_ROLE`, small and grey, in a column behind all names."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self._names_px = theme, 0

    def measure(self, names: Iterable[str], font: QFont) -> None:
        """The names that have something beside them: it stands behind the widest."""
        metrics = QFontMetrics(font)
        self._names_px = max(map(metrics.horizontalAdvance, names), default=0) + GAP_PX

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        super().paint(painter, option, index)
        said = str(index.data(ABOUT_ROLE) or "")
        if painter is None or not said:
            return
        room = QRectF(option.rect).adjusted(EDGE_PX + self._names_px, 0, -EDGE_PX, 0)
        painter.save()
        painter.setFont(sans(LABEL_PX))
        painter.setPen(colour(self._theme.tokens.text2))
        painter.drawText(room, LEFT, elided(said, painter.font(), int(room.width())))
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        size = super().sizeHint(option, index).expandedTo(QSize(0, ROW_PX))
        said = str(index.data(ABOUT_ROLE) or "")
        if said:
            wide = QFontMetrics(sans(LABEL_PX)).horizontalAdvance(said)
            size.setWidth(2 * EDGE_PX + self._names_px + wide)
        return size
