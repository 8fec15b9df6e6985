"""The axis of a plot."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph as pg
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QFontMetrics

from app.gui.theme import LABEL_PX, sans
from app.gui.widgets.chart_scale import log_ticks
from app.gui.words import minus, short

APART_PX = {"left": 15, "bottom": 45}  # of two numbers, at least
NAMES_APART_PX = 4
NUMBER_PX = {"left": 13, "bottom": 18}  # of one, of two digits below, with the gap to the next
FITTING = 6  # signs of a number beside a vertical axis
PLAIN = 2.9  # |log₁₀| of numbers below it is written out: 300, not 3·10²
SMALL = 0.01


class Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis whose end labels are not dropped and whose numbers stay small and grey.

    A negative number has a minus sign, as everywhere in the window, no hyphen. Beside a vertical
    axis small ones that would be cut are written short, `1.5e−4`.

    A logarithmic one has as many numbers as don't touch; pyqtgraph's writes each ninth.

    Attributes
    ----------
    places
        Names of the places 0, 1, … where it has names and no numbers. As many as have room stand
        there, evenly chosen, unless other ticks are set.
    """

    places: tuple[str, ...] = ()

    def boundingRect(self) -> QRectF:
        wide = super().boundingRect()
        return QRectF(wide.adjusted(-24, -10, 24, 10))

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, Any]]:
        if not self.places:
            found: list[tuple[float, Any]] = super().tickValues(low, high, size)
            return found
        advance = QFontMetrics(sans(LABEL_PX)).horizontalAdvance
        widest = max(map(advance, self.places)) + NAMES_APART_PX
        every = max(1, math.ceil(widest * abs(high - low) / max(size, 1.0)))
        return [(every, range(0, len(self.places), every))]

    def tickStrings(self, values: Any, scale: float, spacing: float | None) -> list[str]:
        if self.places:
            return [self.places[round(value)] for value in values]
        found = super().tickStrings(values, scale, spacing)
        cut = self.orientation == "left" and any(len(words) > FITTING for words in found)
        if cut and max(abs(value * scale) for value in values) < SMALL:
            found = [_short(value * scale) for value in values]
        return [minus(words) for words in found]

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        """Numbers of a plot of a few pixels don't touch: pyqtgraph has four in 45 px."""
        found: list[tuple[float, float]] = super().tickSpacing(low, high, size)
        least = NUMBER_PX[self.orientation] * abs(high - low) / max(size, 1.0)
        if not found or found[0][0] >= least:
            return found
        spacing = found[0][0]
        while spacing < least:
            spacing *= 2
        return [(spacing, 0.0)]

    def logTickValues(self, low: float, high: float, size: float, _: Any) -> Any:
        return [(None, log_ticks(low, high, int(size / APART_PX[self.orientation])))]

    def logTickStrings(self, values: Any, scale: float, spacing: float | None) -> list[str]:
        near = len(values) and min(values) > -PLAIN and max(values) < PLAIN
        if near or (len(values) and max(values) - min(values) < 1):
            return [short(scale * 10**value) for value in values]
        words: list[str] = super().logTickStrings(values, scale, spacing)
        return words


def _short(value: float) -> str:
    """`1.5e-4`, without zeros that say nothing; at most three digits."""
    digits, _, power = f"{value:.2e}".partition("e")
    digits = digits.rstrip("0").rstrip(".")
    return f"{digits}e{int(power)}" if float(digits) else "0"
