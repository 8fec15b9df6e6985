"""A secondary button of two lines: what a press does, and what it costs or means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QAbstractButton, QSizePolicy

from app.gui.theme import BODY_PX, LABEL_PX, colour, elided, sans

if TYPE_CHECKING:
    from PyQt6.QtGui import QMouseEvent, QPaintEvent

    from app.gui.theme import Theme

HEIGHT_PX = 44
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class OfferButton(QAbstractButton):
    """Surface and border, the second line smaller and grey, or in the colour of `role`."""

    LEAST_PX, WEIGHT = 120, 500
    role = ""

    def __init__(self, theme: Theme, text: str = "", note: str = "") -> None:
        super().__init__()
        self._theme = theme
        self.note = note
        self.setFixedHeight(HEIGHT_PX)
        self.setMinimumWidth(self.LEAST_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.say(text, note)

    def say(self, text: str, note: str) -> None:
        """Show other words."""
        self.note = note
        self.setText(text)
        self.setAccessibleName(f"{text}, {note}" if note else text)
        self.setToolTip(note)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """A double click is one press: the second would press what lies there on the next page."""
        if event is not None:
            event.accept()

    def sizeHint(self) -> QSize:
        return QSize(240, HEIGHT_PX)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t, on = self._theme.tokens, self.isEnabled()
        box = QRectF(0.5, 0.5, self.width() - 1, self.height() - 1)
        painter.setPen(colour(t.ink if self.hasFocus() and on else t.border if on else t.hairline))
        pressed = on and (self.underMouse() or self.isDown())
        painter.setBrush(colour(t.selected if pressed else t.surface))
        painter.drawRoundedRect(box, 4, 4)
        width = self.width() - 24
        painter.setFont(sans(BODY_PX, self.WEIGHT))
        painter.setPen(colour(t.text1 if on else t.text3))
        text = elided(self.text(), painter.font(), width)
        painter.drawText(QRectF(12, 5, width, 18), LEFT, text)
        painter.setFont(sans(LABEL_PX))
        quiet = {"fault": t.fault, "attention": t.attention}.get(self.role, t.text2)
        painter.setPen(colour(quiet if on or self.role else t.text3))
        painter.drawText(QRectF(12, 23, width, 16), LEFT, elided(self.note, painter.font(), width))
