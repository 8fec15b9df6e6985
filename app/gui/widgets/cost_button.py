"""The secondary button of two lines: what a press does, and its cost under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QAbstractButton, QSizePolicy

from app.gui.theme import BODY_PX, LABEL_PX, colour, elided, sans

if TYPE_CHECKING:
    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class CostButton(QAbstractButton):
    """44 px high; `role` `fault` or `attention` colours the second line."""

    def __init__(self, theme: Theme, text: str = "", cost: str = "") -> None:
        super().__init__()
        self._theme = theme
        self.cost = self.role = ""
        self.setFixedHeight(44)
        self.setMinimumWidth(96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme.changed.connect(self.update)
        self.say(text, cost)

    def say(self, text: str, cost: str, *, role: str = "") -> None:
        """Show text and cost."""
        self.setText(text)
        self.cost, self.role = cost, role
        self.setAccessibleName(f"{text}, {cost}")
        self.setToolTip(cost if role else "")
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t, on = self._theme.tokens, self.isEnabled()
        edge = t.ink if self.hasFocus() and on else (t.border if on else t.hairline)
        painter.setPen(colour(edge))
        painter.setBrush(colour(t.selected if self.underMouse() and on else t.surface))
        painter.drawRoundedRect(QRectF(0.5, 0.5, self.width() - 1, 43), 4, 4)
        width = self.width() - 22
        painter.setFont(sans(BODY_PX, 600))
        painter.setPen(colour(t.text1 if on else t.text3))
        text = elided(self.text(), painter.font(), width)
        painter.drawText(QRectF(11, 5, width, 18), LEFT, text)
        painter.setFont(sans(LABEL_PX))
        quiet = {"fault": t.fault, "attention": t.attention}.get(self.role, t.text2)
        painter.setPen(colour(quiet if on or self.role else t.text3))
        painter.drawText(QRectF(11, 23, width, 16), LEFT, elided(self.cost, painter.font(), width))
