"""A logarithmic panel for scores: a curve, baselines as lines labelled at their right end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtWidgets import QSizePolicy

from app.gui.theme import LABEL_PX, colour, mono, sans
from app.gui.widgets.chart_scale import log_ticks
from app.gui.widgets.panel import Panel
from app.gui.words import score, shown_name, tick

if TYPE_CHECKING:
    from PyQt6.QtGui import QResizeEvent

    from app.gui.theme import Theme

ROOM_PX, ROOM_SHARE, MOST_ROOM_PX, MOST_SHARE = 132, 0.34, 190, 0.45
"""Of the names at the right: at least, of the panel, at most; a share stays the curve's."""
MOST_LINES = 5
APART_PX, TICK_PX = 15, 20


class RightLabels(pg.AxisItem):  # type: ignore[misc]
    """The right margin: words beside the lines they belong to, pushed apart where they collide."""

    def __init__(self, theme: Theme) -> None:
        super().__init__("right")
        self._theme = theme
        self.words: list[tuple[float, str, str, str]] = []
        self.room_px = 0
        self.give_room(ROOM_PX)

    def give_room(self, pixels: int) -> None:
        """Make it so wide."""
        if pixels != self.room_px:
            self.room_px = pixels
            self.setWidth(pixels)

    def show_words(self, words: list[tuple[float, str, str, str]]) -> None:
        """Show `(logarithm of the score, name, value, token)` each; without a name it is large."""
        self.words = words
        every = (f"{name} {value}" for _, name, value, _ in sorted(words, reverse=True))
        self.setToolTip("\n".join(line.strip() for line in every))
        self.update()

    def paint(self, painter: Any, option: Any, widget: Any) -> None:
        view = self.linkedView()
        if view is None or not self.words:
            return
        low, high = view.viewRange()[1]
        height, t = self.size().height(), self._theme.tokens
        places = sorted(
            ((high - y) / max(high - low, 1e-12) * height, name, value, token)
            for y, name, value, token in self.words
            if low <= y <= high
        )
        places = nearest(places, int(height / APART_PX))
        rows = apart([at for at, *_ in places], APART_PX, height)
        for y, (_, name, value, token) in zip(rows, places, strict=True):
            painter.setFont(sans(LABEL_PX) if name else mono(15))
            painter.setPen(colour(str(getattr(t, token))))
            text = fitting(name, value, self.room_px - 10, QFontMetrics(painter.font()))
            painter.drawText(8, int(y) + (4 if name else 6), text)


def nearest(
    places: list[tuple[float, str, str, str]], most: int
) -> list[tuple[float, str, str, str]]:
    """As many as have room: the value (without a name), and those that lie nearest to it."""
    at = next((place[0] for place in places if not place[1]), 0.0)
    return sorted(sorted(places, key=lambda place: abs(place[0] - at))[: max(1, most)])


def apart(places: list[float], least: float, end: float) -> list[float]:
    """Sorted places moved so that they stand `least` apart, and where it goes before `end`."""
    rows: list[float] = []
    for at in places:
        rows.append(max(at, rows[-1] + least) if rows else at)
    for k in reversed(range(len(rows))):
        rows[k] = min(rows[k], end - least * (len(rows) - 1 - k))
    return rows


def fitting(name: str, value: str, room_px: int, metrics: QFontMetrics) -> str:
    """A name and its value in so much room: shorter words first, and the value is never cut."""
    short = name.replace(" (", ", ").replace(" noise)", "").replace(" network", "")
    for text in (f"{name} {value}".strip(), f"{short} {value}".strip()):
        if metrics.horizontalAdvance(text) <= room_px:
            return text
    left = room_px - metrics.horizontalAdvance(f" {value}")
    return f"{metrics.elidedText(short, Qt.TextElideMode.ElideRight, left)} {value}"


class ScorePanel(Panel):
    """Scores over something, on a logarithmic axis."""

    def __init__(self, theme: Theme, title: str, unit: str, x_label: str) -> None:
        super().__init__(theme, title, unit, x_label=x_label, log_y=True)
        self._widen_foot()
        self.labels = RightLabels(theme)
        self.plot.setAxisItems({"right": self.labels})
        self.plot.showAxis("right")
        self.labels.setZValue(1)
        self.lines = [self.level("text2") for _ in range(MOST_LINES)]
        self._strong: tuple[float, str, str] | None = None
        self._baselines: dict[str, float] = {}
        self._values: list[float] = []

    def _widen_foot(self) -> None:
        """The label stands under the plot, the run's id under the words at its right."""
        if self.run_id is None:
            return
        for at in range(3):
            self.foot.setStretch(at, 0)
        self.foot.setStretch(1, 1)
        self.x_label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.x_label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.run_id.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        wide = self.width()
        room = np.clip(ROOM_SHARE * wide, min(ROOM_PX, MOST_SHARE * wide), MOST_ROOM_PX)
        self.labels.give_room(int(room))
        if self.run_id is not None:
            # never shown or hidden here: Qt lays out at once then, amid its own laying out, and a
            # widget beside this one kept a size from before (the topology, none at all)
            self.run_id.setFixedWidth(self.room_for_run())
        super().resizeEvent(event)
        self.fit_range(self._values)

    def room_for_run(self) -> int:
        """None where the axis's name is not whole beside it; other panels of the page show it."""
        margins, room = self.foot.contentsMargins(), self.labels.room_px
        left = self.width() - margins.left() - margins.right() - room
        return room if self.x_label.sizeHint().width() <= left else 0

    def show_baselines(self, baselines: dict[str, float]) -> None:
        """Lines at these scores, named at their right end; the best few where there are many."""
        good = {name: value for name, value in baselines.items() if value > 0}
        self._baselines = dict(sorted(good.items(), key=lambda item: item[1])[:MOST_LINES])
        values = list(self._baselines.values())
        for index, line in enumerate(self.lines):
            line.setVisible(index < len(values))
            if index < len(values):
                line.setValue(np.log10(values[index]))
        self._label()

    def show_value(self, value: float | None, token: str) -> None:
        """The present score, large, in the trace's colour."""
        good = value is not None and np.isfinite(value) and value > 0
        self._strong = (float(value or 0), score(value), token) if good else None
        self._label()

    def fit_range(self, values: list[float]) -> None:
        """Show these values and the baselines."""
        self._values = [v for v in values if np.isfinite(v) and v > 0]
        every = [*self._values, *self._baselines.values()]
        if self._strong is not None:
            every.append(self._strong[0])
        if every:
            low, high = np.log10(min(every)), np.log10(max(every))
            room = 0.08 * max(high - low, 0.5)
            low, high = low - room, high + room
            self.plot.setYRange(low, high, padding=0)
            marks = log_ticks(low, high, max(2, self.view.height() // TICK_PX))
            self.plot.getAxis("left").setTicks([[(mark, tick(10**mark)) for mark in marks]])

    def _label(self) -> None:
        words = [
            (float(np.log10(v)), shown_name(name), score(v), "text2")
            for name, v in self._baselines.items()
        ]
        if self._strong is not None:
            words.append((float(np.log10(self._strong[0])), "", *self._strong[1:]))
        self.labels.show_words(words)
        self.fit_range(self._values)
