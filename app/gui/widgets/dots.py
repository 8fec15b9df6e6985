"""A table of columns with every single score as a dot on one logarithmic axis; rows open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal

from app.gui.theme import LABEL_PX, colour, pen
from app.gui.widgets.columns import ColumnRow, ColumnTable
from app.gui.widgets.tables import CENTRE
from app.gui.words import tick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent

    from app.gui.theme import Theme

FORESEEN, MEASURED, SOFTWARE = "foreseen", "measured", "software"
NARROW_PX = 620
"""Below it the axis goes: names and figures first."""
APART_PX = 44
FINE = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)


@dataclass(frozen=True)
class Dot:
    """One score: foreseen (open, in the twin's colour, `low` to `high` a bar), measured, software.

    Not above zero: it has no place on the axis.
    """

    value: float
    kind: str = FORESEEN
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class DotRow(ColumnRow):
    """A row with its scores; `opens`: what `chosen` tells of it, empty where nothing is behind."""

    dots: tuple[Dot, ...] = ()
    opens: str = ""


class DotTable(ColumnTable):
    """Names, scores on an axis, figures, words; `chosen(opens)` when a row is pressed.

    ↑ and ↓ choose a row, Return opens it.
    """

    chosen = pyqtSignal(str)

    def __init__(
        self, theme: Theme, heads: Sequence[str], *, name: str = "",
        shares: tuple[float, float], axis: float,
    ) -> None:  # fmt: skip
        super().__init__(theme, heads, name=name, shares=shares)
        self._wide = shares, axis
        self.axis_share = axis
        self.at = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _scored(self) -> list[DotRow]:
        return [row for row in self.rows if isinstance(row, DotRow)]

    def ends(self) -> tuple[float, float]:
        """Logarithms of the axis's ends."""
        every = [v for row in self._scored() for dot in row.dots
                 for v in (dot.value, dot.low, dot.high) if v is not None and v > 0]  # fmt: skip
        if not every:
            return -3.0, 0.0
        low, high = float(np.log10(min(every))), float(np.log10(max(every)))
        room = 0.08 + 0.05 * (high - low)
        return low - room, max(high + room, low + 0.4)

    def _row_at(self, y: float) -> int:
        height = self.row_px(max(1, len(self._fitting())))
        index = int((y - self.HEAD_PX) // height) if y >= self.HEAD_PX else -1
        return index if index < len(self._fitting()) else -1

    def _open(self, index: int) -> None:
        shown = self._fitting()
        if 0 <= index < len(shown):
            row = shown[index]
            if isinstance(row, DotRow) and row.opens:
                self.chosen.emit(row.opens)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None:
            self.at = self._row_at(event.position().y())
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        if event is not None:
            self._open(self._row_at(event.position().y()))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
        if step and self.rows:
            self.at = min(max(self.at + step, 0), len(self._fitting()) - 1)
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self.at)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        (name, word), axis = self._wide
        wide = self.width() >= NARROW_PX
        self.axis_share = axis if wide else 0.0
        self.shares = (name if wide else name - axis + 0.04, word)
        super().paintEvent(event)
        painter = self.begin()
        shown = self._fitting()
        height = self.row_px(len(shown))
        if 0 <= self.at < len(shown) and self.hasFocus():
            painter.setPen(pen(self.theme.tokens.ink))
            y = self.HEAD_PX + self.at * height
            painter.drawRect(QRectF(0.5, y + 0.5, self.width() - 1, height - 2))
        if wide and any(row.dots for row in self._scored()):
            self._paint_axis(painter, shown, height)

    def _paint_axis(self, painter: QPainter, shown: Sequence[ColumnRow], height: float) -> None:
        low, high = self.ends()
        right = self.width() * self.shares[0] - 18
        left = self.width() * (self.shares[0] - self.axis_share) + 8

        def at(value: float) -> float:
            return left + (right - left) * (float(np.log10(value)) - low) / (high - low)

        end, before = self.HEAD_PX + height * len(shown), -100.0
        for mark in _marks(low, high):
            if at(mark) - before < APART_PX:
                continue
            before = at(mark)
            where = QRectF(before - 30, 0, 60, 22)
            self.words(painter, where, tick(mark), ink="text2", align=CENTRE, pixels=LABEL_PX)
            painter.setPen(pen(self.theme.tokens.grid, 1))
            painter.drawLine(QPointF(before, 26), QPointF(before, end))
        for index, row in enumerate(shown):
            y = self.HEAD_PX + (index + 0.5) * height
            for dot in row.dots if isinstance(row, DotRow) else ():
                self._paint_dot(painter, dot, at, y)

    def _paint_dot(self, painter: QPainter, dot: Dot, at: object, y: float) -> None:
        assert callable(at)
        t = self.theme.tokens
        if not (np.isfinite(dot.value) and dot.value > 0):
            return
        x = at(dot.value)
        if dot.kind == SOFTWARE:
            painter.setPen(pen(t.text2, 2))
            painter.drawLine(QPointF(x, y - 6), QPointF(x, y + 6))
            return
        if dot.low and dot.high and dot.low > 0:
            painter.setPen(pen(t.twin, 1))
            painter.drawLine(QPointF(at(dot.low), y), QPointF(at(dot.high), y))
        if dot.kind == MEASURED:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour(t.measured))
        else:
            painter.setPen(pen(t.twin, 1.5))
            painter.setBrush(colour(t.surface))
        painter.drawEllipse(QPointF(x, y), 3.5, 3.5)


def _marks(low: float, high: float) -> list[float]:
    """Round numbers between two logarithms, the fewer of a decade the more decades there are."""
    span = high - low
    steps = (1.0, 3.0) if span > 1.3 else (1.0, 2.0, 5.0) if span > 0.8 else FINE
    decades = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    return [s * 10.0**d for d in decades for s in steps if low <= np.log10(s * 10.0**d) <= high]
