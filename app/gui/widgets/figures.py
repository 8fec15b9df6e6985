"""A painted table of figures: what was found, what the bench file says, what was found before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF
from PyQt6.QtWidgets import QSizePolicy

from app.gui import icons
from app.gui.theme import LABEL_PX
from app.gui.widgets.tables import RIGHT, Painted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme

HEADS = ("found", "bench", "last", "apart")
WIDTHS = (0.26, 0.25, 0.16, 0.16, 0.17)


@dataclass(frozen=True)
class FigureRow:
    """One figure with its unit; empty where the bench file or an earlier one doesn't say it."""

    name: str
    found: str
    bench: str = ""
    last: str = ""
    apart: str = ""
    level: str = "ok"


class FigureTable(Painted):
    """Rows of figures in columns; what is far has a glyph and is amber."""

    ROW_PX, HEAD_PX = 30, 26

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.rows: list[FigureRow] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_rows(self, rows: Sequence[FigureRow]) -> None:
        """Replace the rows."""
        self.rows = list(rows)
        self.setVisible(bool(self.rows))
        said = (" ".join((r.name, r.found, r.apart)).strip() for r in self.rows)
        self.setAccessibleDescription("; ".join(said))
        self.setFixedHeight(self.HEAD_PX + self.ROW_PX * len(self.rows) + 2)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = self.begin()
        edges = [self.width() * sum(WIDTHS[:k]) for k in range(len(WIDTHS) + 1)]
        for at, head in enumerate(HEADS, start=1):
            where = QRectF(edges[at], 0, edges[at + 1] - edges[at] - 6, 22)
            self.words(painter, where, head, ink="text2", align=RIGHT, pixels=LABEL_PX)
        self.rule(painter, 23)
        for index, row in enumerate(self.rows):
            y = self.HEAD_PX + index * self.ROW_PX
            far = row.level != "ok"
            if far:
                t = self.theme.tokens
                box = QRectF(0, y + self.ROW_PX / 2 - 7, 14, 14)
                icons.draw(painter, "warning", box, t.attention, t.surface)
            left = 18.0 if far else 0.0
            self.words(painter, QRectF(left, y, edges[1] - left, self.ROW_PX), row.name)
            for at, text in enumerate((row.found, row.bench, row.last, row.apart), start=1):
                where = QRectF(edges[at], y, edges[at + 1] - edges[at] - 6, self.ROW_PX)
                ink = "attention" if far and at == len(HEADS) else "text1" if at == 1 else "text2"
                self.words(
                    painter, where, text, ink=ink, align=RIGHT, weight=500 if at == 1 else 400
                )
