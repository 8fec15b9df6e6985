"""The instruments of the Bench page: a row each, and below it what is wrong and what to do."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFont, QFontMetricsF, QPainter
from PyQt6.QtWidgets import QPushButton, QSizePolicy

from app.gui import icons
from app.gui.theme import BODY_PX, LABEL_PX, colour, elided, mono, sans
from app.gui.widgets.tab_order import chain
from app.gui.widgets.tables import LEFT, RIGHT, Painted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent

    from app.gui.theme import Theme

# where the columns begin; the width of the last two (buttons: at least)
STATE_PX, NAME_PX, TEXT_PX, VALUE_PX, BUTTONS_PX = 36, 138, 272, 104, 156
DO_PX = 24  # how far a hint stands in
WRAP = int(Qt.TextFlag.TextWordWrap) | int(Qt.AlignmentFlag.AlignLeft)
GLYPHS = {"ok": "check", "wait": "wait", "attention": "warning", "fault": "fault", "idle": "wait"}


@dataclass(frozen=True)
class InstrumentRow:
    """One instrument: what its row says.

    `level` is `ok`, `idle`, `wait`, `attention` or `fault`; `remarks` are pairs of what isn't as it
    should be and what to do about it; `actions` the words of its buttons; `took` how long its last
    answer took.
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
    actions: tuple[str, ...] = ()
    took: str = ""


class InstrumentRows(Painted):
    """One row an instrument: state in word and glyph, name and driver, address and identity.

    Signals: `chosen(name)` of a row that was pressed or reached by Up and Down; `pressed(name,
    words)` of one of its buttons.
    """

    chosen = pyqtSignal(str)
    pressed = pyqtSignal(str, str)
    ROW_PX = 62
    GAP_PX, AFTER_PX, FOOT_PX = 4, 8, 8

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.rows: list[InstrumentRow] = []
        self._buttons_px = BUTTONS_PX  # at least, so that columns stand still
        self.current = ""  # the name of the row that is chosen
        self.buttons: dict[tuple[str, str], QPushButton] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Instruments of the bench")

    def show_rows(self, rows: Sequence[InstrumentRow]) -> None:
        """Replace the rows."""
        if list(rows) == self.rows:
            return
        self.rows = list(rows)
        self.tips = ["\n".join(filter(None, (r.name, r.resource, r.identity))) for r in self.rows]
        self._make_buttons()
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
        y = 0.0
        self._buttons_px = max([BUTTONS_PX, *(self._wide(row) for row in self.rows)])
        for row in self.rows:
            x = self.width() - 8
            for words in reversed(row.actions):
                button = self.buttons[row.name, words]
                wide = button.sizeHint().width()
                x -= wide
                button.setGeometry(x, round(y + 17), wide, 28)
                x -= 8
            y += self._height(row)
        self.setFixedHeight(round(y) + 1)

    def _wide(self, row: InstrumentRow) -> int:
        """What the buttons of a row take: Reconnect is wider than Test."""
        widths = [self.buttons[row.name, words].sizeHint().width() + 8 for words in row.actions]
        return sum(widths)

    def _make_buttons(self) -> None:
        """A button for each action of each row; those that are there stay, with their focus."""
        wanted = [(row.name, words) for row in self.rows for words in row.actions]
        for gone in [key for key in self.buttons if key not in wanted]:
            button = self.buttons.pop(gone)
            button.hide()
            button.deleteLater()
        for name, words in wanted:
            if (name, words) not in self.buttons:
                button = QPushButton(words, self)
                button.setAccessibleName(f"{words} {name}")
                button.clicked.connect(lambda _=False, n=name, w=words: self.pressed.emit(n, w))
                button.show()
                self.buttons[name, words] = button
        self.order_tabs()

    def order_tabs(self) -> None:
        """Let Tab go from the rows to their buttons, from the first row's on."""
        chain([self, *(self.buttons[row.name, do] for row in self.rows for do in row.actions)])

    def choose(self, name: str) -> None:
        """Choose a row, and tell."""
        if name != self.current and any(row.name == name for row in self.rows):
            self.current = name
            self.update()
            self.chosen.emit(name)

    def _at(self, y: float) -> int:
        """Which row is at a height; −1: none."""
        ends = list(itertools.accumulate(self._height(row) for row in self.rows))
        return next((k for k, end in enumerate(ends) if y < end), -1)

    def tip_at(self, y: float) -> str:
        """Address and identity of a row whole: a narrow window cuts them."""
        at = self._at(y)
        return self.tips[at] if at >= 0 else ""

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        at = -1 if event is None else self._at(event.position().y())
        if at >= 0:
            self.choose(self.rows[at].name)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        names = [row.name for row in self.rows]
        if not step or not names:
            super().keyPressEvent(event)
            return
        at = names.index(self.current) + step if self.current in names else 0
        self.choose(names[min(max(0, at), len(names) - 1)])

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
        if self.hasFocus() and not self.current:
            painter.setPen(colour(self.theme.tokens.ink))
            painter.drawRect(QRectF(0.5, 0.5, self.width() - 1, self.height() - 1))

    def _tint(self, painter: QPainter, row: InstrumentRow, where: QRectF) -> None:
        t = self.theme.tokens
        painter.fillRect(where, colour(t.fault_fill if row.level == "fault" else t.surface))
        if row.name == self.current:
            bar = QRectF(0, where.top() + 1, 3, where.height() - 1)
            painter.fillRect(bar, colour(t.ink if self.hasFocus() else t.text3))

    def _head(self, painter: QPainter, row: InstrumentRow, y: float) -> None:
        t = self.theme.tokens
        ink = {"fault": "fault", "attention": "attention"}.get(row.level, "text2")
        box = QRectF(14, y + 13, 15, 15)
        icons.draw(painter, GLYPHS[row.level], box, str(getattr(t, ink)), t.surface)
        weight = 600 if row.level == "fault" else 400
        state = QRectF(STATE_PX, y + 10, NAME_PX - STATE_PX - 8, 20)
        self.words(painter, state, row.state, ink=ink, weight=weight)
        self.words(painter, state.translated(0, 22), row.took, ink="text2", pixels=LABEL_PX)
        name = QRectF(NAME_PX, y + 10, TEXT_PX - NAME_PX - 8, 20)
        self.words(painter, name, row.name, weight=600)
        below = name.translated(0, 22)
        self.words(painter, below, row.driver, ink="text2", pixels=LABEL_PX)
        after = self._buttons_px + 12 if row.actions else 14
        width = self.width() - TEXT_PX - VALUE_PX - after - 2
        who = "fault" if row.level == "fault" else "text2"
        for line, text, token in ((10, row.resource, "text1"), (32, row.identity, who)):
            self._mono(painter, QRectF(TEXT_PX, y + line, width, 20), text, token)
        right = QRectF(self.width() - VALUE_PX - after, y + 10, VALUE_PX, 20)
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
