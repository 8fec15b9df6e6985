"""The status line: what runs, its progress and time left, and the run's id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QWidget

from app.gui.theme import LABEL_PX, colour, elided, mono, sans

if TYPE_CHECKING:
    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
BAR_AT_PX, BAR_PX, LEAST_BAR_PX = 488, 240, 60
SHARE_PX, LEFT_PX = 60, 120  # of the percentage with its gaps, and of the time left


class StatusLine(QWidget):
    """Left: what runs; middle: bar, percentage, time left; right: a note and the run's id."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.text, self.note, self.run_id, self.left = "Ready", "", "", ""
        self.fraction: float | None = None
        self.setObjectName("status")
        self.setFixedHeight(32)
        theme.changed.connect(self.update)

    def say(self, text: str, *, fraction: float | None = None, left: str = "") -> None:
        """What runs now, and how far it is."""
        self.text, self.fraction, self.left = text, fraction, left
        self.setAccessibleName(text)
        self.update()

    def say_right(self, note: str | None = None, run_id: str | None = None) -> None:
        """The note and the id at the right end; None leaves what is there."""
        self.note = self.note if note is None else note
        self.run_id = self.run_id if run_id is None else run_id
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t, width = self._theme.tokens, self.width()
        painter.fillRect(QRectF(0, 0, width, 32), colour(t.window))
        painter.fillRect(QRectF(0, 0, width, 1), colour(t.hairline))
        busy = self.fraction is not None
        painter.setFont(sans(LABEL_PX, 600 if busy else 400))
        painter.setPen(colour(t.text1 if busy else t.text2))
        painter.drawText(QRectF(16, 0, BAR_AT_PX - 32, 32), LEFT, self.text)
        painter.setFont(mono(LABEL_PX))
        painter.setPen(colour(t.text2))
        wide = painter.fontMetrics().horizontalAdvance(self.run_id)
        painter.drawText(QRectF(width - 16 - wide, 0, wide + 2, 32), LEFT, self.run_id)
        end = width - 16 - (wide + 24 if wide else 0)
        if busy:
            self._bar(painter, end)
        painter.setFont(sans(LABEL_PX))
        painter.setPen(colour(t.text2))
        room = QRectF(BAR_AT_PX + 420, 0, max(0, end - BAR_AT_PX - 420), 32)
        painter.drawText(room, RIGHT, elided(self.note, painter.font(), int(room.width())))

    def _bar(self, painter: QPainter, end: int) -> None:
        """The bar up to its share, percentage and time left; the bar gives way to what is right."""
        t, share = self._theme.tokens, min(1.0, max(0.0, self.fraction or 0.0))
        bar = max(LEAST_BAR_PX, min(BAR_PX, end - BAR_AT_PX - SHARE_PX - LEFT_PX))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(t.track))
        painter.drawRoundedRect(QRectF(BAR_AT_PX, 14, bar, 4), 2, 2)
        painter.setBrush(colour(t.ink))
        painter.drawRoundedRect(QRectF(BAR_AT_PX, 14, bar * share, 4), 2, 2)
        painter.setPen(colour(t.text1))
        painter.setFont(sans(LABEL_PX, 600))
        painter.drawText(QRectF(BAR_AT_PX + bar + 16, 0, 44, 32), LEFT, f"{100 * share:.0f} %")
        painter.setPen(colour(t.text2))
        painter.setFont(sans(LABEL_PX))
        room = QRectF(BAR_AT_PX + bar + SHARE_PX, 0, 0, 32)
        room.setRight(max(room.left(), end))
        painter.drawText(room, LEFT, elided(self.left, painter.font(), int(room.width())))
