"""What stands below the list: figures and lineage of one artefact, or two side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from PyQt6.QtCore import QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QTextOption

from app.gui.theme import LABEL_PX, colour, sans
from app.gui.widgets.tables import Painted
from app.gui.words import count, tool_tip
from app.library.index import ancestors, compared, descendants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QMouseEvent, QPainter, QPaintEvent

    from app.gui.theme import Theme
    from app.library.index import Entry

Row = TypeVar("Row")
DETAIL_PX = 216
MORE = "… and more, in the tool tip"
MORE_ROWS = ("…", "more in the tool tip", "")
WRAPPED = QTextOption(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
WRAPPED.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)  # a path has no words


def fitting(rows: Sequence[Row], most: int, more: Row) -> list[Row]:
    """As many as have room; where some have none, `more` in the last one's place."""
    return list(rows) if len(rows) <= most else [*rows[: most - 1], more]


class Detail(Painted):
    """Rows of name and value in two columns, the chain of artefacts; or two values a name.

    `opened` by a double click, as the list's rows are: its first click may have brought this under
    the mouse.
    """

    opened = pyqtSignal()
    ROW_PX, HEAD_PX = 20, 26

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.head: tuple[str, str] = ("", "")
        self.rows: list[tuple[str, str, str]] = []
        self.chain: list[str] = []
        self.damage = ""
        self.setFixedHeight(DETAIL_PX)
        self.setAccessibleName("Chosen artefact")
        self.hide()

    def show_one(self, entry: Entry, entries: Sequence[Entry]) -> None:
        """Figures of one artefact and its lineage."""
        self.head = (entry.facts.title, "")
        self.rows = [(name, value, "") for name, value in entry.facts.rows]
        self.damage = entry.problem
        if entry.problem:
            self.rows = [("Damage", entry.problem, ""), *self.rows]
        up, down = ancestors(entry, entries), descendants([entry], entries)
        held = sum(one.inside == entry.id for one in entries)
        self.chain = [
            *(f"from {one.id}" for one in up),
            *(f"from {name}, not in this library" for name in entry.missing),
            *([f"inside {entry.inside}"] if entry.inside else []),
            *([f"holds {count(held, 'artefact')} of its own"] if held else []),
            *(f"into {one.id}" for one in down),
        ] or ["from nothing here, into nothing"]
        self._told()

    def show_two(self, first: Entry, second: Entry) -> None:
        """Figures of two artefacts; what differs is strong."""
        self.head = (first.artefact.label, second.artefact.label)  # copies have one id
        self.rows = compared(first, second)
        self.chain, self.damage = [], ""
        self._told()

    def _told(self) -> None:
        said = "; ".join(" ".join(part for part in row if part) for row in self.rows)
        self.setAccessibleDescription(f"{said}; {'; '.join(self.chain)}")
        rows = ["  ".join(part for part in row if part) for row in self.rows]
        self.setToolTip(tool_tip("\n".join([*rows, *self.chain])))
        self.show()
        self.update()

    # Qt

    def mouseDoubleClickEvent(self, _event: QMouseEvent | None) -> None:
        self.opened.emit()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = self.begin()
        self.rule(painter, 0)
        if self.head[1]:
            self._paint_two(painter)
        else:
            self._paint_one(painter)

    def _paint_one(self, painter: QPainter) -> None:
        width = self.width()
        chain_px = min(260.0, width * 0.3)
        half = (width - chain_px - 24) / 2
        self.words(painter, QRectF(0, 4, width - chain_px - 24, 22), self.head[0], weight=600)
        lines = int((self.height() - 32) // self.ROW_PX)
        if len(self.rows) <= lines:
            half *= 2  # one column has the room of both
        if self.damage:
            where = QRectF(0, 30, width - chain_px - 24, self.height() - 32)
            self._paint_damage(painter, where)
        rows = [] if self.damage else fitting(self.rows, 2 * lines, MORE_ROWS)
        for index, (name, value, _) in enumerate(rows):
            x, y = half * (index // lines), 30 + (index % lines) * self.ROW_PX
            self._pair(painter, x, y, half - 16, name, value)
        left = width - chain_px
        self.words(painter, QRectF(left, 4, chain_px, 22), "Lineage", weight=600)
        for index, words in enumerate(fitting(self.chain, lines, MORE)):
            where = QRectF(left, 30 + index * self.ROW_PX, chain_px, self.ROW_PX)
            self.words(painter, where, words, ink="text2", pixels=LABEL_PX)

    def _paint_damage(self, painter: QPainter, where: QRectF) -> None:
        """All of what is wrong, in place of figures, which a damaged one has not."""
        painter.setFont(sans(LABEL_PX))
        painter.setPen(colour(self.theme.tokens.fault))
        painter.drawText(where, self.damage, WRAPPED)

    def _pair(
        self, painter: QPainter, x: float, y: float, width: float, name: str, value: str
    ) -> None:
        name_px = min(200.0, width * 0.42)
        where = QRectF(x, y, name_px - 8, self.ROW_PX)
        self.words(painter, where, name, ink="text2", pixels=LABEL_PX)
        where = QRectF(x + name_px, y, width - name_px, self.ROW_PX)
        self.words(painter, where, value, pixels=LABEL_PX)

    def _paint_two(self, painter: QPainter) -> None:
        width = self.width()
        name_px, value_px = width * 0.22, width * 0.38
        for k, text in enumerate(self.head):
            where = QRectF(name_px + k * value_px, 4, value_px - 12, 22)
            self.words(painter, where, text, weight=600, pixels=LABEL_PX)
        lines = int((self.height() - 32) // self.ROW_PX)
        ordered = sorted(self.rows, key=lambda row: row[1] == row[2])  # what differs first
        for index, (name, one, other) in enumerate(fitting(ordered, lines, MORE_ROWS)):
            y = 30 + index * self.ROW_PX
            strong = one != other
            where = QRectF(0, y, name_px - 8, self.ROW_PX)
            self.words(painter, where, name, ink="text2", pixels=LABEL_PX)
            for k, text in enumerate((one, other)):
                where = QRectF(name_px + k * value_px, y, value_px - 12, self.ROW_PX)
                self.words(
                    painter, where, text, ink="text1" if strong else "text2", pixels=LABEL_PX,
                    weight=600 if strong else 400,
                )  # fmt: skip
