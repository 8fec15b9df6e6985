"""The drift of a recording: the level of each repeat, its slope, and those that are marked bad."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QPointF, Qt, pyqtSignal

from app.gui.widgets.panel import Panel
from app.gui.words import joined_words, minus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.gui.live_record import LiveRecording
    from app.gui.theme import Theme

NARROW = 1e-3  # of the level: its numbers would differ in their fifth digit only
ONCE = "told from second repeats on"  # each is held against its own sequence
NEAR_PX = 12  # a click so near a dot means it


class DriftPanel(Panel):
    """A dot a repeat, a cross where it is marked bad; a click on one chooses it."""

    picked = pyqtSignal(int)  # its position in the run

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Drift", x_label="Repeat")
        self.empty("level of each repeat")
        self.plot.layout.setContentsMargins(0, 6, 22, 0)  # half of `10000` stands beyond the axis
        self.spread_band = self.band("measured")
        self.line = self.curve("text2", 1)
        self.good = self.dots("measured", 6)
        self.crosses = self.dots("text1", 9)
        self.crosses.setSymbol("x")
        self.view.scene().sigMouseClicked.connect(self._clicked)
        self.view.setToolTip("Click a dot to choose its repeat")

    def clear(self) -> None:
        """Nothing recorded yet."""
        self.empty("level of each repeat")
        self.show_run("")
        self.unit.setText("")
        self.spread_band.clear()
        for item in (self.good, self.crosses, self.line):
            item.setData(x=[], y=[])

    def draw(self, live: LiveRecording, channel: int, factor: float, unit: str) -> None:
        """Draw the levels so far; the line is through those that are not marked bad."""
        number, level = live.drift(channel)
        level = level * factor
        named = f"{unit} " if unit else ""
        origin, step = _short(level)
        level = (level - origin) / step
        scale = f"in 1e{math.log10(step):.0f} {named}from {origin:g}" if origin else ""
        bad = live.is_bad(number)
        if len(number):
            self.filled()
        self.good.setData(x=number[~bad], y=level[~bad])
        self.crosses.setData(x=number[bad], y=level[bad])
        self.plot.setXRange(0.5, max(2, live.total) + 0.5, padding=0)
        number, level = number[~bad], level[~bad]
        fitted = live.drift_line(channel)
        if fitted is None:
            self.line.setData([], [])
            self.spread_band.clear()
            once = ONCE if len(number) and not live.tells_drift else ""
            self.unit.setText(minus(joined_words(scale or unit, once, by=" · ")))
            return
        rise, error = (each * factor / step for each in fitted[:2])
        start = (fitted[2] * factor - origin) / step
        ends = number[[0, -1]]
        self.line.setData(ends, start + rise * ends)
        low, high = np.percentile(level, (5, 95))
        whole = np.array([0.5, live.total + 0.5])
        self.spread_band.show(whole, np.full(2, low), np.full(2, high))
        each = "a repeat" if origin or not unit else f"{unit}/repeat"
        change = f"{rise:+.2g} ± {error:.1g} {each}"
        self.unit.setText(minus(joined_words(scale, change, by=" · ")))  # the axis means it first

    def _clicked(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at, best, near = event.scenePos(), -1, float(NEAR_PX)
        for dots in (self.good, self.crosses):
            for x, y in zip(*dots.getData(), strict=True):
                apart = (self.plot.vb.mapViewToScene(QPointF(x, y)) - at).manhattanLength()
                best, near = (round(x) - 1, apart) if apart < near else (best, near)
        if best >= 0:
            self.picked.emit(best)


def _short(level: NDArray[np.float64]) -> tuple[float, float]:
    """Origin and unit of the axis in which its numbers stay short.

    0 and 1 where the levels differ by more than their fourth digit.
    """
    known = level[np.isfinite(level)]
    reach = float(np.ptp(known)) if known.size else 0.0
    if reach == 0.0 or reach > NARROW * abs(known.mean()):
        return 0.0, 1.0
    power = math.floor(math.log10(reach))
    return round(float(known.mean()), -power), 10.0**power
