"""The instruments of the Bench page: a row each, and below it what is wrong and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QFont, QFontMetricsF, QPainter
from PyQt6.QtWidgets import QSizePolicy

from app.gui import icons
from app.gui.theme import BODY_PX, LABEL_PX, colour, elided, mono, sans
from app.gui.widgets.tables import LEFT, RIGHT, Painted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QPaintEvent, QResizeEvent

    from app.gui.theme import Theme

STATE_PX, NAME_PX, TEXT_PX, VALUE_PX = (
    36,
    136,
    296,
    132,
)  # where the columns begin; the last's width
DO_PX = 24  # how far a hint stands in
WRAP = int(Qt.TextFlag.TextWordWrap) | int(Qt.AlignmentFlag.AlignLeft)
GLYPHS = {"ok": "check", "wait": "wait", "attention": "warning", "fault": "fault", "idle": "wait"}


@dataclass(frozen=True)
class InstrumentRow:
    """One instrument: what its row says.

    `level` is `ok`, `idle`, `wait`, `attention` or `fault`; `remarks` are pairs of what isn't as it
    should be and what to do about it.
    """

    level: str
    state: str
    name: str
    driver: str
    resource: str
    identity: str = ""
    value: str = ""
    below_value: str = ""
    remarks: tuple[tuple[str, str], ...] = ()


class InstrumentRows(Painted):
    """One row an instrument: state in word and glyph, name and driver, address and identity."""

    ROW_PX = 62
    GAP_PX, AFTER_PX, FOOT_PX = 4, 8, 8

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.rows: list[InstrumentRow] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_rows(self, rows: Sequence[InstrumentRow]) -> None:
        """Replace the rows."""
        if list(rows) == self.rows:
            return
        self.rows = list(rows)
        said = (". ".join((r.name, r.state, *sum(r.remarks, ()))) for r in self.rows)
        self.setAccessibleDescription("; ".join(said))
        self._fit()
        self.update()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(600, self.minimumHeight())

    def _fit(self) -> None:
        self.setFixedHeight(round(sum(self._height(row) for row in self.rows)) + 1)

    def _text_px(self) -> float:
        return max(160.0, self.width() - TEXT_PX - 16)

    def _height(self, row: InstrumentRow) -> float:
        height = float(self.ROW_PX)
        for words, hint in row.remarks:
            height += self._wrapped(words, sans(BODY_PX, 600)) + self.GAP_PX
            height += (self._wrapped(hint, sans(LABEL_PX), DO_PX) + self.AFTER_PX) if hint else 0
        return height + (self.FOOT_PX if row.remarks else 0)

    def _wrapped(self, text: str, font: QFont, indent_px: float = 0) -> float:
        room = QRectF(0, 0, self._text_px() - indent_px, 4000)
        return QFontMetricsF(font).boundingRect(room, WRAP, text).height()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = self.begin()
        y = 0.0
        for row in self.rows:
            height = self._height(row)
            self._tint(painter, row, QRectF(0, y, self.width(), height))
            self.rule(painter, y)
            self._head(painter, row, y)
            self._remarks(painter, row, y + self.ROW_PX)
            y += height
        self.rule(painter, y)

    def _tint(self, painter: QPainter, row: InstrumentRow, where: QRectF) -> None:
        t = self.theme.tokens
        painter.fillRect(where, colour(t.fault_fill if row.level == "fault" else t.surface))

    def _head(self, painter: QPainter, row: InstrumentRow, y: float) -> None:
        t = self.theme.tokens
        ink = {"fault": "fault", "attention": "attention"}.get(row.level, "text2")
        box = QRectF(14, y + 13, 15, 15)
        icons.draw(painter, GLYPHS[row.level], box, str(getattr(t, ink)), t.surface)
        weight = 600 if row.level == "fault" else 400
        state = QRectF(STATE_PX, y + 10, NAME_PX - STATE_PX - 8, 20)
        self.words(painter, state, row.state, ink=ink, weight=weight)
        name = QRectF(NAME_PX, y + 10, TEXT_PX - NAME_PX - 8, 20)
        self.words(painter, name, row.name, weight=600)
        below = name.translated(0, 22)
        self.words(painter, below, row.driver, ink="text2", pixels=LABEL_PX)
        width = self.width() - TEXT_PX - VALUE_PX - 16
        who = "fault" if row.level == "fault" else "text2"
        for line, text, token in ((10, row.resource, "text1"), (32, row.identity, who)):
            self._mono(painter, QRectF(TEXT_PX, y + line, width, 20), text, token)
        right = QRectF(self.width() - VALUE_PX - 14, y + 10, VALUE_PX, 20)
        self._mono(painter, right, row.value, "text1", BODY_PX, RIGHT)
        self.words(
            painter, right.translated(0, 22), row.below_value, ink="text2", pixels=LABEL_PX,
            align=RIGHT,
        )  # fmt: skip

    def _mono(
        self,
        painter: QPainter,
        where: QRectF,
        text: str,
        ink: str,
        pixels: int = LABEL_PX,
        align: Qt.AlignmentFlag = LEFT,
    ) -> None:
        painter.setFont(mono(pixels))
        painter.setPen(colour(str(getattr(self.theme.tokens, ink))))
        painter.drawText(where, align, elided(text, painter.font(), int(where.width())))

    def _remarks(self, painter: QPainter, row: InstrumentRow, y: float) -> None:
        painter.setPen(colour(self.theme.tokens.text1))
        for words, hint in row.remarks:
            y = self._paragraph(painter, words, sans(BODY_PX, 600), 0, y) + self.GAP_PX
            if hint:
                do = QRectF(TEXT_PX, y, DO_PX, 14)
                self.words(painter, do, "do", ink="text2", pixels=LABEL_PX)
                painter.setPen(colour(self.theme.tokens.text1))
                y = self._paragraph(painter, hint, sans(LABEL_PX), DO_PX, y) + self.AFTER_PX

    def _paragraph(
        self, painter: QPainter, text: str, font: QFont, indent_px: float, y: float
    ) -> float:
        """Wrapped text; returns where it ends."""
        height = self._wrapped(text, font, indent_px)
        painter.setFont(font)
        where = QRectF(TEXT_PX + indent_px, y, self._text_px() - indent_px, height)
        painter.drawText(where, WRAP, text)
        return y + height
