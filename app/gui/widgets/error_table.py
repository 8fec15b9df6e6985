"""Errors over their floors as a small painted table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QFontMetrics, QPainter

from app.glossary import with_meaning
from app.gui import icons
from app.gui.theme import BODY_PX, LABEL_PX, colour, pen, sans
from app.gui.widgets.tables import CENTRE, RIGHT, Painted
from app.gui.words import score

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme

NO_AXIS_PX = 410
PLACES = {False: (0.245, 0.345, 0.45, 0.63, 0.755), True: (0.255, 0.395, 0.5, 0.535, 0.68)}
"""Of value, floor, axis, ratio and word, as shares of the width; without and with little room."""


@dataclass(frozen=True)
class ErrorRow:
    """One metric: value, floor, ratio with its interval, a word; coverage has no ratio."""

    name: str
    value: float
    floor: float
    ratio: float | None
    low: float | None
    high: float | None
    word: str
    level: str = "ok"


class ErrorTable(Painted):
    """Value, floor, ratio on a little axis with its interval, and a verdict in words."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.rows: list[ErrorRow] = []

    def show_rows(self, rows: Sequence[ErrorRow]) -> None:
        """Replace the rows."""
        self.rows = list(rows)
        self.tips = [
            f"{r.name} {score(r.value)}, floor {score(r.floor)}, {r.word}" for r in self.rows
        ]
        self.setAccessibleDescription("; ".join(self.tips))
        self.update()

    def tip_at(self, y: float) -> str:
        return with_meaning(super().tip_at(y))

    @property
    def ends(self) -> tuple[float, float]:
        """Of the little axis: around 1, and wider where a ratio or its interval is."""
        known = [row for row in self.rows if row.ratio is not None]
        low = min([0.7, *(row.low or row.ratio or 0.7 for row in known)])
        return max(0.0, low), max([2.2, *(min(r.high or r.ratio or 0, 6.0) for r in known)])

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = self.begin()
        width = self.width()
        narrow = width < NO_AXIS_PX  # names and words first, the little axis only with room
        value, floor, axis, ratio, word = (width * share for share in PLACES[narrow])
        span = ratio - axis - 8
        cell = width * (0.13 if narrow else 0.10)
        least, top = self.ends

        def at(x: float) -> float:
            return axis + 14 + (span - 28) * (min(max(x, least), top) - least) / (top - least)

        heads = ((value, "twin"), (floor, "floor"), (ratio, "ratio"))
        for x, text in heads:
            self.words(
                painter, QRectF(x, 0, cell, 22), text, ink="text2", align=RIGHT, pixels=LABEL_PX
            )
        self.words(painter, QRectF(word, 0, cell * 2, 22), "verdict", ink="text2", pixels=LABEL_PX)
        marks = () if narrow else (1, 2) if at(2) - at(1) > 20 else (1,)
        for mark in marks:
            where = QRectF(at(mark) - 20, 0, 40, 22)
            self.words(painter, where, f"{mark} ×", ink="text2", align=CENTRE, pixels=LABEL_PX)
        self.rule(painter, 23)
        height = self.row_px(len(self.rows))
        t = self.theme.tokens
        end = self.HEAD_PX + height * max(1, len(self.rows))
        for mark, ink in () if narrow else ((1, t.text3), (2, t.grid)):
            painter.setPen(pen(ink, 1))
            painter.drawLine(QPointF(at(mark), 26), QPointF(at(mark), end))
        for index, row in enumerate(self.rows):
            y = self.HEAD_PX + index * height
            taken = QFontMetrics(sans(BODY_PX, 500)).horizontalAdvance(score(row.value))
            room = QRectF(0, y, value + cell - taken - 6, height)
            self.words(painter, room, row.name)
            self.figure(painter, QRectF(value, y, cell, height), score(row.value), "text1", 500)
            self.figure(painter, QRectF(floor, y, cell, height), score(row.floor), "text2", 400)
            if row.ratio is not None:
                text = f"{row.ratio:.{2 if row.ratio < 10 else 1}f}"
                self.figure(painter, QRectF(ratio, y, cell, height), text, "text1", 500)
                if not narrow:
                    self._interval(painter, row, at, y + height / 2)
            self._verdict(painter, row, QRectF(word, y, width - word, height))

    def _interval(
        self, painter: QPainter, row: ErrorRow, place: Callable[[float], float], y: float
    ) -> None:
        twin = self.theme.tokens.twin
        painter.setPen(pen(twin, 2))
        if row.low is not None and row.high is not None:
            painter.drawLine(QPointF(place(row.low), y), QPointF(place(row.high), y))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(twin))
        painter.drawEllipse(QPointF(place(row.ratio or 0.0), y), 4, 4)

    def _verdict(self, painter: QPainter, row: ErrorRow, where: QRectF) -> None:
        t = self.theme.tokens
        shift = 0.0
        if row.level != "ok":
            box = QRectF(where.left(), where.center().y() - 7, 14, 14)
            icons.draw(painter, "warning", box, t.attention, t.surface)
            shift = 18.0
        ink = "text1" if row.level == "ok" else "attention"
        self.words(painter, where.adjusted(shift, 0, 0, 0), row.word, ink=ink)
