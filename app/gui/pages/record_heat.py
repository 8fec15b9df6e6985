"""The heat map of a recording with many channels: mean response by channel and step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal

from app.gui.widgets.heat import Heat
from app.gui.widgets.panel import Panel
from app.gui.words import joined_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.gui.theme import Theme


class HeatPanel(Panel):
    """One row a channel, one column a step; a click chooses."""

    picked = pyqtSignal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Response")
        self.plot.showGrid(x=False, y=False)
        self.heat = Heat(self, "measured")
        self.heat.picked.connect(self.picked.emit)
        self.view.setAccessibleName("Response of all channels by step")

    def draw(self, mean: NDArray[np.float64], channel: int, unit: str) -> None:
        """Show `(T, C)` in `unit`, NaN where nothing was measured yet."""
        if words := self.heat.draw(mean, channel):
            self.filled()
            channels = f"{mean.shape[1]} channels by step"
            self.unit.setText(joined_words(unit, channels, words, by=" · "))
