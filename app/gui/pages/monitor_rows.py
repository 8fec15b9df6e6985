"""Rows of the Monitor page's form: a tick box a trace, a track an alarm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF

from app.alarms import GONE
from app.gui.theme import BODY_PX, LABEL_PX, colour, pen, sans
from app.gui.widgets.basic import Tick
from app.gui.widgets.tables import LEFT, RIGHT, Painted
from app.gui.words import prefix, reading, written_unit

if TYPE_CHECKING:
    from PyQt6.QtGui import QPainter, QPaintEvent

    from app.alarms import Alarm, Raised
    from app.gui.live_monitor import Trace
    from app.gui.theme import Theme


def said_of(one: Raised, trace: Trace) -> str:
    """An alarm in words: where the value is and which bound that passes, gone, or over."""
    factor, unit = unit_of(trace, one.value, one.alarm.low, one.alarm.high)
    if one.side == GONE:
        return f"Alarm: {trace.name} gives no value, it is not watched now"
    value = f"{trace.name} {reading(one.value * factor)} {unit}"
    if not one.side:
        return f"Alarm over: {value}"
    bound = one.alarm.low if one.side == "below" else one.alarm.high
    return f"Alarm: {value}, {one.side} {reading(bound * factor)} {unit}"


def unit_of(trace: Trace, *values: float) -> tuple[float, str]:
    """Factor and unit in which some values of a trace are shown."""
    if trace.factor is not None:
        return trace.factor, trace.shown_unit
    return prefix(max((abs(v) for v in values if math.isfinite(v)), default=0.0), trace.unit)


def band_words(alarm: Alarm, trace: Trace) -> str:
    """Where no alarm is raised: `20 to 26 K`, `below 4.4 mT`."""
    factor, unit = unit_of(trace, alarm.low, alarm.high)
    if math.isinf(alarm.low):
        return f"below {reading(alarm.high * factor, 3)} {unit}"
    if math.isinf(alarm.high):
        return f"above {reading(alarm.low * factor, 3)} {unit}"
    return f"{reading(alarm.low * factor, 3)} to {reading(alarm.high * factor, 3)} {unit}"


class TraceTick(Tick):
    """A tick box with the trace's colour before its name and its unit at the right."""

    def __init__(self, theme: Theme, trace: Trace) -> None:
        super().__init__(theme, trace.name)
        self._unit, self._token = trace.shown_unit or written_unit(trace.unit), trace.token

    def paint_words(self, painter: QPainter) -> None:
        t = self._theme.tokens
        painter.setPen(pen(str(getattr(t, self._token)), 2))
        painter.drawLine(24, 11, 38, 11)
        painter.setPen(colour(t.text1 if self.isChecked() else t.text2))
        painter.setFont(sans(BODY_PX))
        painter.drawText(QRectF(46, 1, self.width() - 96, 20), LEFT, self.text())
        painter.setPen(colour(t.text2))
        painter.setFont(sans(LABEL_PX))
        painter.drawText(QRectF(self.width() - 52, 1, 48, 20), RIGHT, self._unit)


class AlarmRow(Painted):
    """One alarm: its channel, its band in words, and where the value is on a track."""

    def __init__(self, theme: Theme, alarm: Alarm, trace: Trace) -> None:
        super().__init__(theme)
        self.alarm, self._trace = alarm, trace
        self.value, self.side = math.nan, ""
        self.setMinimumHeight(34)
        self.setMaximumHeight(34)
        self.setAccessibleName(f"Alarm of {alarm.channel}, {self.words_of_band()}")

    def show_value(self, value: float, side: str) -> None:
        """Where the value is, and by which bound it is out; empty: it isn't."""
        if (value, side) != (self.value, self.side):
            self.value, self.side = value, side
            self.update()

    def words_of_band(self) -> str:
        """`20 to 26 K`, `below 4.4 mT`."""
        return band_words(self.alarm, self._trace)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter, t, width = self.begin(), self.theme.tokens, self.width()
        ink = "fault" if self.side else "text1"
        name = f"! {self.alarm.channel}" if self.side else self.alarm.channel
        weight = 600 if self.side else 400
        self.words(painter, QRectF(0, 0, width * 0.5, 20), name, ink=ink, weight=weight)
        words = QRectF(width * 0.5, 0, width * 0.5, 20)
        text = "no value" if self.side == GONE else self.words_of_band()
        self.words(painter, words, text, ink=ink if self.side else "text2", align=RIGHT)
        low, high = self._track()
        painter.fillRect(QRectF(0, 25, width, 2), colour(t.track))
        inner = [self._at(b, low, high) for b in (self.alarm.low, self.alarm.high)]
        painter.fillRect(QRectF(inner[0], 24, inner[1] - inner[0], 4), colour(t.text3))
        if not math.isnan(self.value):
            x = self._at(self.value, low, high)
            painter.fillRect(QRectF(x - 1.5, 21, 3, 10), colour(t.fault if self.side else t.ink))

    def _track(self) -> tuple[float, float]:
        ends = [b for b in (self.alarm.low, self.alarm.high) if math.isfinite(b)]
        ends += [0.0] if len(ends) == 1 else []
        low, high = min(ends), max(ends)
        margin = 0.12 * (high - low or abs(high) or 1.0)
        return low - margin, high + margin

    def _at(self, value: float, low: float, high: float) -> float:
        share = (value - low) / (high - low)
        return min(1.0, max(0.0, share)) * (self.width() - 2) + 1
