"""A painted table of words in columns: its rows fill as results come, each ends with a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QFontMetrics

from app.gui import icons
from app.gui.theme import BODY_PX, LABEL_PX, colour, sans
from app.gui.widgets.tables import RIGHT, Painted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme

NAME_SHARE, WORD_SHARE = 0.27, 0.25
LEAST_ROW_PX = 15
FIGURE_PX = 50  # of a column, so that four digits of a strong row fit, small
LEAST_NAME = 0.15  # of the width
NAME_PX = 80  # where names have less, columns that are empty so far give them their room
EMPTY = ("", "—")
OVER_PX = 14  # that a long figure may reach to the left of its column, over an empty one


@dataclass(frozen=True)
class ColumnRow:
    """One row: a name, a cell for each column, a word; `fraction` draws how far a running one is.

    `level` `attention` or `fault` gives the word its glyph and colour.
    """

    name: str
    cells: tuple[str, ...]
    word: str = ""
    level: str = "ok"
    strong: bool = False
    fraction: float | None = None


class ColumnTable(Painted):
    """Names at the left, columns of figures, words at the right."""

    ROW_PX, HEAD_PX = 28, 26
    axis_share = 0.0  # of the width, between names and figures: room for what a subclass draws

    def __init__(
        self, theme: Theme, heads: Sequence[str], *, name: str = "", word: str = "",
        shares: tuple[float, float] = (NAME_SHARE, WORD_SHARE), spared: str = "",
    ) -> None:  # fmt: skip
        """`spared`: the column that is in the tool tips alone where names have little room."""
        super().__init__(theme)
        self.spared = spared
        self.heads, self.name, self.word = tuple(heads), name, word
        self.shares = shares
        self.rows: list[ColumnRow] = []

    def show_rows(self, rows: Sequence[ColumnRow], heads: Sequence[str] | None = None) -> None:
        """Replace the rows, and the heads where they are given."""
        self.rows = list(rows)
        self.heads = tuple(heads) if heads is not None else self.heads
        self.tips = []
        for row in self.rows:
            cells = (f"{h} {c}" for h, c in zip(self.heads, row.cells, strict=False) if c)
            self.tips.append(" ".join(part for part in (row.name, *cells, row.word) if part))
        self.setAccessibleDescription("; ".join(self.tips))
        self.update()

    def tip_at(self, y: float) -> str:
        shown = len(self._fitting())
        at = int((y - self.HEAD_PX) // self.row_px(shown))
        if not 0 <= at < shown:
            return ""
        hidden = at == shown - 1 < len(self.tips) - 1  # those that have no room
        return "\n".join(self.tips[at:]) if hidden else self.tips[at]

    def _fitting(self) -> list[ColumnRow]:
        """The rows that have room, and how many have not."""
        room = max(1, int((self.height() - self.HEAD_PX - 2) / LEAST_ROW_PX))
        if len(self.rows) <= room:
            return self.rows
        left = len(self.rows) - room + 1
        return [*self.rows[: room - 1], ColumnRow(f"and {left} more", ())]

    def columns(self, width: int) -> list[int]:
        """The columns that are drawn: where names have little room, those that tell something."""
        every = list(range(len(self.heads)))
        if self.axis_share or self._names_px(width, len(every)) >= NAME_PX:
            return every
        cells = [[row.cells[at] for row in self.rows if at < len(row.cells)] for at in every]
        told = [at for at in every if any(cell not in EMPTY for cell in cells[at])] or every
        if self._names_px(width, len(told)) >= self.shares[0] * width:
            return told  # figures leave the names their share
        return [at for at in told if self.heads[at] != self.spared] or told

    def _names_px(self, width: int, columns: int) -> float:
        """Room for names; they give way to figures where there is little."""
        if self.axis_share:
            return width * self.shares[0]
        room = width * (1 - self.shares[1]) - FIGURE_PX * max(1, columns)
        return max(LEAST_NAME * width, min(self.shares[0] * width, room))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = self.begin()
        width = self.width()
        columns = self.columns(width)
        left, right = self._names_px(width, len(columns)), width * (1 - self.shares[1])
        cell = (right - left) / max(1, len(columns))
        small = {"ink": "text2", "pixels": LABEL_PX}
        name_px = left - width * self.axis_share
        self.words(painter, QRectF(0, 0, name_px, 22), self.name, **small)  # type: ignore[arg-type]
        for at, column in enumerate(columns):
            where, head = QRectF(left + at * cell, 0, cell - 6, 22), self.heads[column]
            self.words(painter, where, head, align=RIGHT, **small)  # type: ignore[arg-type]
        end = QRectF(right + 10, 0, width - right - 10, 22)
        self.words(painter, end, self.word, **small)  # type: ignore[arg-type]
        self.rule(painter, 23)
        shown = self._fitting()
        height = self.row_px(len(shown))
        t = self.theme.tokens
        for index, row in enumerate(shown):
            y = self.HEAD_PX + index * height
            if row.fraction is not None:
                done = min(1.0, max(0.0, row.fraction)) * width
                painter.fillRect(QRectF(0, y + height - 3, width, 2), colour(t.track))
                painter.fillRect(QRectF(0, y + height - 3, done, 2), colour(t.ink))
            weight = 600 if row.strong else 400
            cells = [row.cells[column] for column in columns if column < len(row.cells)]
            first = QFontMetrics(sans(BODY_PX, weight)).horizontalAdvance("".join(cells[:1]))
            more = 0.0 if self.axis_share else cell - 6 - first
            wide = name_px - 6 + more if row.cells or row.word else width
            self.words(painter, QRectF(0, y, wide, height), row.name, weight=weight)
            for at, text in enumerate(cells):
                over = max(OVER_PX, -more) if at == 0 else OVER_PX * (not cells[at - 1])
                where = QRectF(left + at * cell - over, y, cell - 6 + over, height)
                ink = "text1" if row.strong else "text2"
                self.figure(painter, where, text, ink, weight)
            where, ink = QRectF(right + 10, y, width - right - 10, height), "text2"
            if row.level != "ok":
                ink = row.level
                glyph = "fault" if row.level == "fault" else "warning"
                box = QRectF(where.left(), where.center().y() - 7, 14, 14)
                icons.draw(painter, glyph, box, str(getattr(t, ink)), t.surface)
                where = where.adjusted(18, 0, 0, 0)
            self.words(painter, where, row.word, ink=ink, weight=weight)
