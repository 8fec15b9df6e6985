"""The instrument strip: one cell a value, the interlock pill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QFontMetrics, QPainter
from PyQt6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.gui import icons
from app.gui.theme import BODY_PX, LABEL_PX, VALUE_PX, colour, elided, mono, sans
from app.gui.words import reading
from app.words import MISSING

if TYPE_CHECKING:
    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
CELL_PX = 112  # narrower a value would touch the next one


class StripCell(QWidget):
    """Name small and grey, value large in ink, a 2-px range track with a set-point tick.

    A missing reading is "—" with an amber name, never a stale number.
    """

    def __init__(self, theme: Theme, name: str, unit: str) -> None:
        super().__init__()
        self._theme = theme
        self.name, self.unit = name, unit
        self.value: float | None = None
        self.factor = 1.0
        self.low, self.high = 0.0, 0.0
        self.tick: float | None = None
        self.setFixedHeight(71)
        self.setMinimumWidth(CELL_PX)
        self.setMaximumWidth(160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)

    def sizeHint(self) -> QSize:
        return QSize(160, 71)

    def show_value(self, value: float | None, tick: float | None = None) -> None:
        """Show a value in SI units (None: missing) and where it should be."""
        self.value, self.tick = value, tick
        self.setAccessibleDescription(f"{self.text} {self.unit}")
        self.update()

    def set_range(self, low: float, high: float) -> None:
        """The ends of the track, in SI units."""
        self.low, self.high = low, high

    @property
    def text(self) -> str:
        """The value as it is written."""
        return MISSING if self.value is None else reading(self.value * self.factor)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        t, width = self._theme.tokens, self.width() - 22
        painter.setFont(sans(LABEL_PX, 500 if self.value is None else 400))
        painter.setPen(colour(t.attention if self.value is None else t.text2))
        name = elided(self.name, painter.font(), width)
        painter.drawText(QRectF(0, 10, width, 16), LEFT, name)
        font = mono(VALUE_PX)
        painter.setFont(font)
        painter.setPen(colour(t.text1))
        painter.drawText(QRectF(0, 27, width, 30), LEFT, self.text)
        end = QFontMetrics(font).horizontalAdvance(self.text) + 7
        painter.setFont(sans(BODY_PX))
        painter.setPen(colour(t.text2))
        painter.drawText(QRectF(end, 29, width - end + 10, 28), LEFT, self.unit)
        painter.fillRect(QRectF(self.width() - 14, 16, 1, 40), colour(t.hairline))
        if self.value is not None and self.high > self.low:
            self._track(painter, width)

    def _track(self, painter: QPainter, width: int) -> None:
        t = self._theme.tokens
        painter.fillRect(QRectF(0, 60, width, 2), colour(t.track))
        if self.tick is not None:
            painter.fillRect(QRectF(self._at(self.tick, width), 58, 1, 6), colour(t.text2))
        painter.fillRect(
            QRectF(self._at(self.value or 0.0, width) - 1.5, 58.5, 3, 5), colour(t.ink)
        )

    def _at(self, value: float, width: int) -> float:
        share = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, share)) * (width - 2) + 1


@dataclass(frozen=True)
class Interlock:
    """What the pill says: level `ok`, `wait`, `attention` or `fault`, words and the reason."""

    level: str
    words: str
    reason: str


class Pill(QWidget):
    """The interlock pill: neutral words when all is well, amber or red with the reason when not."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.state = Interlock("wait", "Connecting", "")
        self.setFixedSize(216, 40)

    def show_state(self, state: Interlock) -> None:
        """Show another state; the whole reason is in the tool tip."""
        if state != self.state:
            self.state = state
            self.setToolTip(state.reason)
            self.setAccessibleName(f"{state.words}: {state.reason}")
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t = self._theme.tokens
        edge, fill, ink, name = {
            "attention": (t.attention_edge, t.attention_fill, t.attention, "warning"),
            "fault": (t.fault_edge, t.fault_fill, t.fault, "fault"),
            "wait": (t.border, t.window, t.text2, "wait"),
        }.get(self.state.level, (t.border, t.window, t.text1, "check"))
        painter.setPen(colour(edge))
        painter.setBrush(colour(fill))
        painter.drawRoundedRect(QRectF(0.5, 0.5, self.width() - 1, self.height() - 1), 19.5, 19.5)
        icons.draw(painter, name, QRectF(14, 12, 16, 16), ink, fill)
        width = self.width() - 52
        painter.setPen(colour(t.text1 if self.state.level in {"ok", "wait"} else ink))
        painter.setFont(sans(BODY_PX, 500))
        text = elided(self.state.words, painter.font(), width)
        painter.drawText(QRectF(38, 4, width, 18), LEFT, text)
        painter.setPen(colour(t.text2 if self.state.level in {"ok", "wait"} else ink))
        painter.setFont(sans(LABEL_PX))
        text = elided(self.state.reason, painter.font(), width)
        painter.drawText(QRectF(38, 21, width, 14), LEFT, text)


class StopButton(QAbstractButton):
    """Red, always enabled, always in the same place."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setText("Stop")
        self.setAccessibleName("Stop")
        self.setFixedSize(112, 40)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip("Stop what runs, field to zero, output off (Ctrl+.)")

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t = self._theme.tokens
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(t.stop).darker(125 if self.isDown() else 100))
        painter.drawRoundedRect(QRectF(0, 0, self.width(), self.height()), 4, 4)
        white = colour("#FFFFFF")
        painter.fillRect(QRectF(14, 14.5, 11, 11), white)
        painter.setPen(white)
        painter.setFont(sans(15, 600))
        painter.drawText(QRectF(33, 0, 46, 40), LEFT, "Stop")
        painter.setFont(sans(LABEL_PX))
        painter.drawText(QRectF(78, 0, 34, 40), LEFT, "Ctrl .")
        if self.hasFocus():
            painter.setPen(white)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(2.5, 2.5, self.width() - 5, self.height() - 5), 3, 3)
