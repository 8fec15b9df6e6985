"""A few choices side by side, one of them pressed."""

from __future__ import annotations

import math
from bisect import bisect
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetricsF, QPainter
from PyQt6.QtWidgets import QWidget

from app.gui.theme import BODY_PX, colour, sans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QMouseEvent, QPaintEvent

    from app.gui.theme import Theme

BESIDE_PX = 8  # of a word, at either side


class Segments(QWidget):
    """A few choices side by side, one of them pressed; `chosen` tells the new value.

    They are equally wide, unless a word would touch its edges so: then each has the same room
    around its word.
    """

    chosen = pyqtSignal(object)

    def __init__(self, theme: Theme, items: Sequence[tuple[str, Any]], name: str = "") -> None:
        super().__init__()
        self._theme = theme
        self._items: list[tuple[str, Any]] = []
        self.value: Any = None
        self.setAccessibleName(name)
        self.setFixedHeight(28)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.offer(items)

    def offer(self, items: Sequence[tuple[str, Any]]) -> None:
        """Replace the choices; the pressed one stays where it is still there."""
        self._items = list(items)
        values = [value for _, value in self._items]
        if self.value not in values:
            self.value = values[0] if values else None
        self.updateGeometry()
        self.update()

    def choose(self, value: Any) -> None:
        """Press the choice with this value."""
        if value != self.value and value in [v for _, v in self._items]:
            self.value = value
            self.update()
            self.chosen.emit(value)

    def sizeHint(self) -> QSize:
        return QSize(34 * max(1, len(self._items)), 28)

    @property
    def least_px(self) -> int:
        """The width in which each word, pressed, stands apart from its edges."""
        return math.ceil(sum(self._words_px()) + 2 * BESIDE_PX * len(self._items))

    def _words_px(self) -> list[float]:
        """How wide each word is once it is pressed."""
        metrics = QFontMetricsF(sans(BODY_PX, 600))
        return [metrics.horizontalAdvance(text) for text, _ in self._items]

    def edges(self) -> list[float]:
        """Where each choice begins, and where the last one ends, in pixels from the left."""
        words, number = self._words_px(), max(1, len(self._items))
        if max(words, default=0.0) + 2 * BESIDE_PX <= self.width() / number:
            words = [0.0] * len(words)
        around = (self.width() - sum(words)) / number
        return list(accumulate((word + around for word in words), initial=0.0))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and self._items:
            index = bisect(self.edges()[1:-1], event.position().x())
            self.choose(self._items[index][1])

    def keyPressEvent(self, event: Any) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(event.key(), 0)
        values = [v for _, v in self._items]
        if step and values:
            self.choose(values[(values.index(self.value) + step) % len(values)])
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t = self._theme.tokens
        painter.setPen(colour(t.ink if self.hasFocus() else t.border))
        painter.setBrush(colour(t.surface))
        painter.drawRoundedRect(QRectF(0.5, 0.5, self.width() - 1, self.height() - 1), 4, 4)
        for (text, value), (left, right) in zip(self._items, pairwise(self.edges()), strict=True):
            where = QRectF(left + 2, 2, right - left - 4, self.height() - 4)
            pressed = value == self.value
            if pressed:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour(t.selected))
                painter.drawRoundedRect(where, 3, 3)
            painter.setPen(colour(t.text1 if pressed else t.text2))
            painter.setFont(sans(BODY_PX, 600 if pressed else 400))
            painter.drawText(where, Qt.AlignmentFlag.AlignCenter, text)
