"""Small painted tables: what they share, and scores beside baselines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QEvent, QPointF, QRectF, Qt
from PyQt6.QtGui import QFontMetrics, QHelpEvent, QPainter
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.glossary import with_meaning
from app.gui.theme import BODY_PX, LABEL_PX, colour, elided, pen, sans
from app.gui.words import score, tick

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTRE = Qt.AlignmentFlag.AlignCenter
NARROW_PX = 460
LEAST_ROW_PX, LEAST_VALUE_PX = 15, 68


class Painted(QWidget):
    """Base of the painted tables: head row, body rows of one height, words in columns."""

    ROW_PX, HEAD_PX = 34, 26

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.tips: list[str] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(60)
        theme.changed.connect(self.update)

    def tip_at(self, y: float) -> str:
        """The row at a height in words, where nothing is cut."""
        row = int((y - self.HEAD_PX) // self.row_px(len(self.tips)))
        return self.tips[row] if 0 <= row < len(self.tips) else ""

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self.tips:
            QToolTip.showText(event.globalPos(), self.tip_at(event.pos().y()), self)
            return True
        return super().event(event)

    def begin(self) -> QPainter:
        """A painter with antialiasing."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        return painter

    def words(
        self,
        painter: QPainter,
        where: QRectF,
        text: str,
        *,
        ink: str = "text1",
        align: Qt.AlignmentFlag = LEFT,
        pixels: int = BODY_PX,
        weight: int = 400,
    ) -> None:
        """Text in a cell, elided to its width."""
        painter.setFont(sans(pixels, weight))
        painter.setPen(colour(str(getattr(self.theme.tokens, ink))))
        painter.drawText(where, align, elided(text, painter.font(), int(where.width())))

    def figure(self, painter: QPainter, where: QRectF, text: str, ink: str, weight: int) -> None:
        """A figure at its cell's right, never cut: `0.0…` would be another number.

        Without room it is smaller, and then …; a word among figures may lose its end.
        """
        room = int(where.width())

        def whole(pixels: int) -> bool:
            return elided(text, sans(pixels, weight), room) == text

        pixels = BODY_PX if whole(BODY_PX) else LABEL_PX
        cut = pixels == LABEL_PX and not whole(LABEL_PX)
        said = "…" if cut and any(letter.isdigit() for letter in text) else text
        self.words(painter, where, said, ink=ink, align=RIGHT, pixels=pixels, weight=weight)

    def rule(self, painter: QPainter, y: float) -> None:
        """A hairline across."""
        painter.fillRect(QRectF(0, y, self.width(), 1), colour(self.theme.tokens.hairline))

    def row_px(self, rows: int) -> float:
        """Row height that fits the widget, at most `ROW_PX`."""
        return min(
            self.ROW_PX, max(float(LEAST_ROW_PX), (self.height() - self.HEAD_PX - 2) / max(1, rows))
        )


@dataclass(frozen=True)
class ScoreRow:
    """One score on the logarithmic axis: a network (with interval) or a baseline (a tick)."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    word: str = ""
    strong: bool = False
    token: str = ""
    shown: str = ""

    @property
    def text(self) -> str:
        """The score as it is shown: `shown`, or the value itself."""
        return self.shown or score(self.value)


class ScoreTable(Painted):
    """Scores beside their baselines on one logarithmic axis, in words at the right."""

    ROW_PX = 27

    def __init__(self, theme: Theme, head: str) -> None:
        super().__init__(theme)
        self.head = head
        self.rows: list[ScoreRow] = []

    def show_rows(self, rows: Sequence[ScoreRow]) -> None:
        """Replace the rows."""
        self.rows = list(rows)
        self.tips = [f"{r.name} {r.text} {r.word}".strip() for r in rows]
        self.setAccessibleDescription("; ".join(self.tips))
        self.update()

    def _fitting(self) -> list[ScoreRow]:
        """The rows that have room, and how many have not."""
        room = max(1, int((self.height() - self.HEAD_PX - 2) / LEAST_ROW_PX))
        if len(self.rows) <= room:
            return self.rows
        left = len(self.rows) - room + 1
        return [*self.rows[: room - 1], ScoreRow(f"and {left} more", np.nan, shown=" ")]

    def tip_at(self, y: float) -> str:
        shown = len(self._fitting())
        at = int((y - self.HEAD_PX) // self.row_px(shown))
        hidden = shown < len(self.rows) and at == shown - 1
        return "\n".join(self.tips[at:]) if hidden else with_meaning(super().tip_at(y))

    def _names_end(self) -> float:
        """Where the names' column ends: the longest one fits, a third of the width at most."""
        measure = QFontMetrics(sans(BODY_PX, 600)).horizontalAdvance
        head = QFontMetrics(sans(LABEL_PX)).horizontalAdvance(self.head) + 24
        longest = max([head, *(measure(row.name) for row in self.rows)])
        return min(max(longest + 16.0, 0.2 * self.width()), 0.34 * self.width())

    def _ends(self) -> tuple[float, float]:
        values = [v for r in self.rows for v in (r.value, r.low, r.high) if v is not None and v > 0]
        if not values:
            return -3.0, 0.0
        low, high = np.log10(min(values)), np.log10(max(values))
        return float(low - 0.15), float(max(high + 0.15, low + 1.0))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = self.begin()
        if self.width() < NARROW_PX:
            self._paint_narrow(painter)
            return
        low, high = self._ends()
        left, right = self._names_end(), self.width() * 0.64

        def at(value: float) -> float:
            share = (np.log10(max(value, 1e-12)) - low) / (high - low)
            return left + (right - left) * float(min(1.0, max(0.0, share)))

        name = QRectF(0, 0, left - 8, 22)
        self.words(painter, name, self.head, ink="text2", pixels=LABEL_PX)
        shown = self._fitting()
        height = self.row_px(len(shown))
        end = self.HEAD_PX + height * len(shown)
        before = -100.0
        for decade in np.arange(np.floor(low), np.ceil(high) + 1):
            for step in (1.0, 3.0):
                mark = step * 10.0**decade
                if not low <= np.log10(mark) <= high or at(mark) - before < 40:
                    continue
                before = at(mark)
                where = QRectF(at(mark) - 30, 0, 60, 22)
                self.words(painter, where, tick(mark), ink="text2", align=CENTRE, pixels=LABEL_PX)
                painter.setPen(pen(self.theme.tokens.grid, 1))
                painter.drawLine(QPointF(at(mark), 26), QPointF(at(mark), end))
        self.rule(painter, 23)
        for index, row in enumerate(shown):
            y = self.HEAD_PX + index * height
            ink = "text1" if row.token or row.strong else "text2"
            weight = 600 if row.strong else 400
            cell = QRectF(0, y, left - 8, height)
            self.words(painter, cell, row.name, ink=ink, weight=weight)
            cell = QRectF(right + 8, y, max(LEAST_VALUE_PX, self.width() * 0.11), height)
            self.figure(painter, cell, row.text, ink, weight)
            x = cell.right() + 14
            cell = QRectF(x, y, self.width() - x, height)
            self.words(painter, cell, row.word, ink=ink, weight=weight)
            self._mark(painter, row, at, y + height / 2)

    def _paint_narrow(self, painter: QPainter) -> None:
        """Without room for the axis: names, scores, words."""
        width = self.width()
        self.words(painter, QRectF(0, 0, width, 22), self.head, ink="text2", pixels=LABEL_PX)
        self.rule(painter, 23)
        shown = self._fitting()
        height = self.row_px(len(shown))
        for index, row in enumerate(shown):
            y = self.HEAD_PX + index * height
            ink, weight = ("text1", 600) if row.strong else ("text2", 400)
            name, value = (
                QRectF(0, y, width * 0.58, height),
                QRectF(width * 0.58, y, width * 0.19, height),
            )
            self.words(painter, name, row.name, ink=ink, weight=weight)
            self.figure(painter, value, row.text, ink, weight)
            word = QRectF(width * 0.79, y, width * 0.21, height)
            self.words(painter, word, row.word, ink=ink, weight=weight, align=RIGHT)

    def _mark(
        self, painter: QPainter, row: ScoreRow, place: Callable[[float], float], y: float
    ) -> None:
        t = self.theme.tokens
        if not np.isfinite(row.value):  # not scored yet
            return
        if not row.token:
            painter.setPen(pen(t.text2, 2))
            painter.drawLine(QPointF(place(row.value), y - 6), QPointF(place(row.value), y + 6))
            return
        name = str(getattr(t, row.token))
        painter.setPen(pen(name, 2))
        if row.low is not None and row.high is not None:
            painter.drawLine(QPointF(place(row.low), y), QPointF(place(row.high), y))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(name))
        painter.drawEllipse(QPointF(place(row.value), y), 4, 4)
