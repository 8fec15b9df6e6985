"""The queue in the Record page's form: its recordings, by mouse and by keyboard in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QModelIndex, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from app.gui.theme import BODY_PX, LABEL_PX, colour, elided, sans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QKeyEvent

    from app.gui.record_queue import Queued
    from app.gui.theme import Theme

TALL_PX, LOW_PX = 40, 24
MOST_TALL, MOST_LOW = 4, 2
ENTRY = Qt.ItemDataRole.UserRole


class _Row(QStyledItemDelegate):
    """Handle, name and time; what it is below them where there is room."""

    def __init__(self, theme: Theme, view: QueueList) -> None:
        super().__init__(view)
        self._theme, self._view = theme, view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(100, LOW_PX if self._view.low else TALL_PX)

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        one = index.data(ENTRY)
        if painter is None or one is None:
            return
        t, box = self._theme.tokens, QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(colour(t.selected))
            painter.drawRoundedRect(box, 4, 4)
        painter.setBrush(colour(t.text3))
        for column in range(2):
            for dot in range(3):
                painter.drawEllipse(
                    QRectF(3 + 5 * column, box.center().y() - 6 + 5 * dot, 2.4, 2.4)
                )
        self._words(painter, box.adjusted(20, 0, -4, 0), one)
        painter.restore()

    def _words(self, painter: QPainter, box: QRectF, one: Queued) -> None:
        t, low = self._theme.tokens, self._view.low
        top = box if low else QRectF(box.x(), box.y() + 3, box.width(), 18)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(sans(BODY_PX))
        painter.setPen(colour(t.attention if one.skipped else t.text2))
        painter.drawText(top, right, one.time)
        width = box.width() - painter.fontMetrics().horizontalAdvance(one.time) - 8
        painter.setPen(colour(t.text1))
        painter.drawText(top, left, elided(one.design.name, painter.font(), int(width)))
        if not low:
            painter.setFont(sans(LABEL_PX))
            painter.setPen(colour(t.attention if one.skipped else t.text2))
            words = elided(one.skipped or one.design.note, painter.font(), int(box.width()))
            below = QRectF(box.x(), box.y() + 21, box.width(), 15)
            painter.drawText(below, left, words)


class QueueList(QListWidget):
    """Rows that can be dragged; Alt+Up and Alt+Down move the chosen one, Delete takes it out.

    Signals: `moved(index, to)`, `removed(index)`: the list shows what it is given afterwards.
    """

    moved = pyqtSignal(int, int)
    removed = pyqtSignal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.low = False
        self.setObjectName("queue")
        self.setAccessibleName("Queue of recordings")
        self.setToolTip("Drag, or Alt+Up and Alt+Down: another order · Delete: take it out")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_Row(theme, self))
        self.viewport().setAutoFillBackground(False)  # type: ignore[union-attr]
        self.setStyleSheet("QListWidget#queue { background: transparent; }")
        model = self.model()
        if model is not None:
            model.rowsMoved.connect(self._dragged)
        theme.changed.connect(self.viewport().update)  # type: ignore[union-attr]

    def show_queue(self, waiting: Sequence[Queued]) -> None:
        """Show these; the chosen row stays chosen by its place."""
        chosen = self.currentRow()
        self.clear()
        for one in waiting:
            item = QListWidgetItem()
            item.setData(ENTRY, one)
            words = f"{one.design.name}, {one.design.note}, {one.skipped or one.time}"
            item.setData(Qt.ItemDataRole.AccessibleTextRole, words)
            item.setToolTip(one.skipped)
            self.addItem(item)
        if waiting:
            self.setCurrentRow(max(0, min(chosen, len(waiting) - 1)))
        self.fit()

    def set_low(self, low: bool) -> None:
        """One line a row where there is little height."""
        if low != self.low:
            self.low = low
            self.scheduleDelayedItemsLayout()
            self.fit()

    def fit(self) -> None:
        """Be as high as the rows that are shown; more are reached by the arrow keys."""
        pixels, most = (LOW_PX, MOST_LOW) if self.low else (TALL_PX, MOST_TALL)
        self.setFixedHeight(pixels * min(most, self.count()))
        self.setVisible(self.count() > 0)

    def _dragged(
        self, _from: QModelIndex, first: int, _last: int, _to: QModelIndex, row: int
    ) -> None:
        self.moved.emit(first, row - 1 if row > first else row)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None or self.currentRow() < 0:
            super().keyPressEvent(event)
            return
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if step and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.moved.emit(self.currentRow(), self.currentRow() + step)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit(self.currentRow())
        else:
            super().keyPressEvent(event)
