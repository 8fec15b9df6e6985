"""The wire log as it is seen: the last messages, newest lowest."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QFontMetricsF, QKeyEvent

from app.gui.theme import colour, elided, mono
from app.gui.widgets.tables import LEFT, RIGHT, Painted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QPaintEvent, QWheelEvent

    from app.gui.theme import Theme
    from app.wire_tail import Message

LINE_PX, MOST_SHOWN = 18, 2000
NARROW_PX = 440  # in a window of 1024: what was said has the room, not when and how fast
ARROWS = {"out": "→", "in": "←"}


class WireView(Painted):
    """The last messages, newest lowest; the wheel and the page keys look further back."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.messages: list[Message] = []
        self.back = 0  # lines between the newest and the lowest that is shown
        self.setMinimumHeight(3 * LINE_PX + 8)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Wire log")

    def show_messages(self, messages: Sequence[Message]) -> None:
        """Replace them; who looks back goes on looking at the same line."""
        if self.back and self.messages and messages:
            newer = sum(one.number > self.messages[-1].number for one in messages)
            self.back += newer
        self.messages = list(messages)
        self._look(self.back)
        last = [f"{m.name} {ARROWS[m.direction]} {m.text}" for m in self.messages[-3:]]
        self.setAccessibleDescription("; ".join(last))

    @property
    def lines(self) -> int:
        """How many there is room for."""
        return max(1, (self.height() - 8) // LINE_PX)

    def _look(self, back: int) -> None:
        self.back = min(max(0, back), max(0, len(self.messages) - self.lines))
        self.update()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None:
            self._look(self.back + (3 if event.angleDelta().y() > 0 else -3))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        steps = {
            Qt.Key.Key_PageUp: self.lines, Qt.Key.Key_PageDown: -self.lines, Qt.Key.Key_Up: 1,
            Qt.Key.Key_Down: -1, Qt.Key.Key_Home: MOST_SHOWN, Qt.Key.Key_End: -MOST_SHOWN,
        }  # fmt: skip
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self._look(self.back + step)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter, t = self.begin(), self.theme.tokens
        painter.setPen(colour(t.ink if self.hasFocus() else t.hairline))
        painter.setBrush(colour(t.window))
        painter.drawRoundedRect(QRectF(0.5, 0.5, self.width() - 1, self.height() - 1), 4, 4)
        end = len(self.messages) - self.back
        painter.setFont(mono())
        wide = QFontMetricsF(painter.font()).horizontalAdvance("0")
        narrow = self.width() < NARROW_PX
        for number, one in enumerate(self.messages[max(0, end - self.lines) : end]):
            y = 4 + number * LINE_PX
            clock = time.strftime("%H:%M:%S", time.localtime(one.host_s))
            stamp = f"{clock}.{int(one.host_s % 1 * 1000):03d}"
            x = 10.0
            whose = ((one.name, 11), (ARROWS[one.direction], 3))
            for text, chars in whose if narrow else ((stamp, 14), *whose):
                painter.setPen(colour(t.text2))
                shown = elided(text, painter.font(), int((chars - 1) * wide))
                painter.drawText(QRectF(x, y, chars * wide, LINE_PX), LEFT, shown)
                x += chars * wide
            room = self.width() - x - (10 if narrow else 70)
            painter.setPen(colour(t.text1))
            shown = elided(one.text, painter.font(), int(room))
            painter.drawText(QRectF(x, y, room, LINE_PX), LEFT, shown)
            if one.round_s is not None and not narrow:
                painter.setPen(colour(t.text2))
                where = QRectF(self.width() - 70, y, 60, LINE_PX)
                painter.drawText(where, RIGHT, milliseconds(one.round_s))


def milliseconds(seconds: float) -> str:
    """A round trip as it is told."""
    return f"{1e3 * seconds:.2f} ms" if seconds < 0.1 else f"{1e3 * seconds:.0f} ms"
