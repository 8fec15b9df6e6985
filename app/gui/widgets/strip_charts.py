"""Strip charts under each other on one time axis, the present value at the right end of each.

Decision: one widget paints all of them. Eight plot widgets cost a layout and a scene each; here a
frame is one pass over what `app.trace_store` has thinned to two points a pixel, however much there
is (`tests/benchmarks/test_monitor_frames.py`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QFontMetricsF, QPainter, QPixmap
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.alarms import GONE
from app.gui.theme import BODY_PX, LABEL_PX, TITLE_PX, colour, elided, mono, pen, sans
from app.gui.widgets.chart import line_of
from app.gui.widgets.chart_scale import NOW, ago, labelled
from app.gui.words import prefix, reading
from app.trace_store import columns, polyline
from app.words import MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme
    from app.gui.widgets.chart import Chart, Line, Mark
    from app.trace_store import TraceStore

    FloatArray = NDArray[np.float64]

LEFT_PX, VALUE_PX, HEAD_PX, FOOT_PX, GAP_PX = 54, 84, 22, 20, 4
SMOOTH = 1200  # points: more are drawn without antialiasing
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTRE = Qt.AlignmentFlag.AlignCenter


def bound_text(chart: Chart, line: Line, bound: float) -> str:
    """A bound of an alarm; off the scale of a chart whose unit follows its values in its own."""
    factor, unit = line.factor, line.unit
    if chart.factor is None and not line.low <= bound * factor <= line.high:
        factor, unit = prefix(abs(bound), chart.unit)
    return f"{reading(bound * factor)} {unit}"


class StripCharts(QWidget):
    """All charts of a monitor; `show_frame` takes what is to be seen, painting does the rest."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.charts: list[Chart] = []
        self.values: list[float] = []
        self.marks: list[Mark] = []
        self.points = 0  # of the last frame: bounded by the pixels, whatever the store holds
        self._lines: list[Line] = []
        self._ranges: dict[str, tuple[float, float]] = {}
        self._from_s, self._until_s, self._end = 0.0, 1.0, NOW
        self._still = QPixmap()
        self._still_of: tuple[object, ...] = ()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Strip charts")
        theme.changed.connect(self.update)

    def show_charts(self, charts: Sequence[Chart]) -> None:
        """Which charts, from above."""
        self.charts = list(charts)
        self._lines = []

    def show_frame(
        self,
        store: TraceStore,
        from_s: float,
        until_s: float,
        values: Sequence[float],
        marks: Sequence[Mark] = (),
        end: str = NOW,
    ) -> None:
        """Draw a stretch of time.

        Parameters
        ----------
        store
            The traces.
        from_s, until_s
            What is seen, in the store's time.
        values
            Value of each chart at the end, in SI; NaN: there is none.
        marks
            Those outside are left out.
        end
            What the end of the time axis is called.
        """
        self._from_s, self._until_s, self._end = from_s, until_s, end
        self.values = list(values)
        self.marks = [mark for mark in marks if from_s <= mark.time_s <= until_s]
        pixels = max(16, int((self.width() - LEFT_PX - VALUE_PX) * self.devicePixelRatioF()))
        view = columns(store.view(from_s, until_s), from_s, until_s, pixels)
        self._lines = [
            line_of(
                chart, *polyline(view, chart.trace),
                polyline(view, chart.beside) if chart.beside >= 0 else None, self._ranges,
            )
            for chart in self.charts
        ]  # fmt: skip
        self.points = sum(line.times_s.size for line in self._lines)
        self.update()

    def describe(self) -> None:
        """Say the present values to a screen reader; now and then, not each frame."""
        words = [
            f"{c.name} {self._value_text(line, value)} {line.unit}"
            for c, line, value in zip(self.charts, self._lines, self.values, strict=False)
        ]
        self.setAccessibleDescription("; ".join(words))

    # painting

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        if not self._lines:
            painter.fillRect(self.rect(), colour(self.theme.tokens.surface))
            return
        painter.drawPixmap(0, 0, self._standing())
        places = self._places()
        for number, (chart, line) in enumerate(zip(self.charts, self._lines, strict=True)):
            if line.behind is not None:
                self._trace(painter, "text3", *line.behind, line, places[number])
            self._trace(painter, chart.token, line.times_s, line.values, line, places[number])
            self._value(painter, chart, line, places[number], number)
        self._marks(painter, places)

    def _places(self) -> list[QRectF]:
        """Where the plot of each chart is."""
        height = (self.height() - FOOT_PX) / len(self._lines)
        width = self.width() - LEFT_PX - VALUE_PX
        return [
            QRectF(LEFT_PX, number * height + HEAD_PX, width, height - HEAD_PX - GAP_PX)
            for number in range(len(self._lines))
        ]

    def _standing(self) -> QPixmap:
        """Heads, grids and ticks: the same for many frames, and more than half of a frame's time.

        Kept as a picture until anything of it changes.
        """
        ratio = self.devicePixelRatioF()
        span_s = round(self._until_s - self._from_s, 6)
        ranges = tuple((line.low, line.high, line.unit) for line in self._lines)
        of = (self.size(), ratio, self.theme.tokens, tuple(self.charts), ranges, span_s, self._end)
        if of == self._still_of:
            return self._still
        self._still, self._still_of = QPixmap(self.size() * ratio), of
        self._still.setDevicePixelRatio(ratio)
        self._still.fill(colour(self.theme.tokens.surface))
        painter = QPainter(self._still)
        for chart, line, plot in zip(self.charts, self._lines, self._places(), strict=True):
            self._head(painter, chart, line, plot.top() - HEAD_PX)
            self._grid(painter, line, plot)
            self._bounds(painter, chart, line, plot)
        self._times(painter, self.width() - LEFT_PX - VALUE_PX)
        painter.end()
        return self._still

    def _ink(self, chart: Chart) -> str:
        t = self.theme.tokens
        return t.fault if chart.out else str(getattr(t, chart.token))

    def _head(self, painter: QPainter, chart: Chart, line: Line, top: float) -> None:
        t = self.theme.tokens
        painter.setFont(sans(BODY_PX, 600))
        painter.setPen(colour(t.text1))
        name = elided(chart.name, painter.font(), self.width() // 2)
        painter.drawText(QRectF(0, top, self.width() / 2, HEAD_PX), LEFT, name)
        x = QFontMetricsF(painter.font()).horizontalAdvance(name) + 10
        painter.setFont(sans(LABEL_PX))
        painter.setPen(colour(t.text2))
        painter.drawText(QRectF(x, top, 80, HEAD_PX), LEFT, line.unit)
        words, ink = "", t.text2
        if chart.out == GONE:
            words, ink = "! no value", t.fault
        elif chart.out:
            bound = chart.low if chart.out == "below" else chart.high
            words, ink = f"! {chart.out} {bound_text(chart, line, bound)}", t.fault
        elif math.isfinite(chart.limit) and chart.limit * line.factor <= line.high:
            words = f"limit {reading(chart.limit * line.factor, 3)} {line.unit}"
        if chart.beside >= 0 and not words:
            words = chart.beside_name
            wide = QFontMetricsF(sans(LABEL_PX)).horizontalAdvance(words)
            x = self.width() - VALUE_PX - wide - 8
            painter.setPen(pen(t.text3, 1.5))
            painter.drawLine(QPointF(x - 18, top + HEAD_PX / 2), QPointF(x, top + HEAD_PX / 2))
        painter.setFont(sans(LABEL_PX, 600 if chart.out else 400))
        painter.setPen(colour(ink))
        where = QRectF(self.width() / 2, top, self.width() / 2 - VALUE_PX, HEAD_PX)
        painter.drawText(where, RIGHT, words)

    def _grid(self, painter: QPainter, line: Line, plot: QRectF) -> None:
        t = self.theme.tokens
        painter.setFont(sans(LABEL_PX))
        room, metrics = LEFT_PX - 6, QFontMetricsF(painter.font())
        most = max(1, int(plot.height() / 16))
        marks = labelled(
            line.low, line.high, most, lambda text: metrics.horizontalAdvance(text) <= room
        )
        for mark, text in marks:
            y = self._y(mark, line, plot)
            painter.setPen(colour(t.grid))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(colour(t.text2))
            painter.drawText(QRectF(0, y - 8, room, 16), RIGHT, text)
        painter.setPen(colour(t.axis))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.drawLine(plot.topLeft(), plot.bottomLeft())

    def _bounds(self, painter: QPainter, chart: Chart, line: Line, plot: QRectF) -> None:
        """The limit and an alarm's band, grey until they are reached."""
        t = self.theme.tokens
        for bound, side in (
            (chart.limit, "limit"), (-chart.limit, "limit"), (chart.low, "below"),
            (chart.high, "above"),
        ):  # fmt: skip
            value = bound * line.factor
            if not line.low <= value <= line.high:
                continue
            ink = t.fault if chart.out == side else t.text3
            painter.setPen(pen(ink, 1, dashed=side != "limit"))
            y = self._y(value, line, plot)
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))

    def _trace(
        self, painter: QPainter, token: str, times_s: FloatArray, values: FloatArray,
        line: Line, plot: QRectF,
    ) -> None:  # fmt: skip
        if times_s.size < 2:
            return
        x = plot.left() + (times_s - self._from_s) * (
            plot.width() / max(self._until_s - self._from_s, 1e-9)
        )
        y = plot.bottom() - (values - line.low) * (plot.height() / (line.high - line.low))
        few = x.size <= SMOOTH
        painter.save()
        painter.setClipRect(plot.adjusted(0, -2, 0, 2))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, few)
        painter.setPen(
            pen(str(getattr(self.theme.tokens, token)))
        )  # wider is dear: lines.SEGMENTED
        if np.isfinite(y).all():
            painter.drawPolyline(pg.functions.arrayToQPolygonF(x, y))
        else:
            painter.drawPath(pg.functions.arrayToQPath(x, y, connect="finite"))
        painter.restore()

    def _value(
        self, painter: QPainter, chart: Chart, line: Line, plot: QRectF, number: int
    ) -> None:
        value = self.values[number] if number < len(self.values) else math.nan
        missing = math.isnan(value)
        painter.setFont(mono(TITLE_PX))
        painter.setPen(colour(self.theme.tokens.attention if missing else self._ink(chart)))
        y = plot.center().y() if missing else self._y(value * line.factor, line, plot)
        y = min(max(y, plot.top() + 8), plot.bottom() - 8)
        where = QRectF(plot.right() + 8, y - 10, VALUE_PX - 8, 20)
        painter.drawText(where, LEFT, self._value_text(line, value))

    @staticmethod
    def _value_text(line: Line, value: float) -> str:
        return MISSING if math.isnan(value) else reading(value * line.factor)

    def _marks(self, painter: QPainter, places: list[QRectF]) -> None:
        t = self.theme.tokens
        painter.setFont(sans(LABEL_PX))
        span = max(self._until_s - self._from_s, 1e-9)
        left_px, width = places[0].left(), places[0].width()
        for mark in self.marks:
            x = left_px + (mark.time_s - self._from_s) / span * width
            for plot in places:
                painter.setPen(colour(t.text2))
                painter.drawLine(QPointF(x, plot.top() - 4), QPointF(x, plot.bottom()))
            text = elided(mark.text, painter.font(), 120)
            wide = QFontMetricsF(painter.font()).horizontalAdvance(text) + 8
            left = min(x + 3, left_px + width - wide)
            painter.fillRect(QRectF(left, HEAD_PX - 4, wide, 14), colour(t.surface, 220))
            painter.drawText(QRectF(left + 2, HEAD_PX - 4, wide, 14), LEFT, text)

    def _times(self, painter: QPainter, width: float) -> None:
        painter.setFont(sans(LABEL_PX))
        painter.setPen(colour(self.theme.tokens.text2))
        span, y = self._until_s - self._from_s, self.height() - FOOT_PX
        for part in range(6):
            x = LEFT_PX + width * part / 5
            where = QRectF(x - 40, y, 80, FOOT_PX)
            painter.drawText(where, CENTRE, ago(span * (1 - part / 5)) if part < 5 else self._end)

    @staticmethod
    def _y(value: float, line: Line, plot: QRectF) -> float:
        return plot.bottom() - (value - line.low) * plot.height() / (line.high - line.low)
