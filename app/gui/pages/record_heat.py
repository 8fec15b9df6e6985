"""The heat map of a recording with many channels: mean response by channel and step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QColor

from app.gui.widgets.panel import Panel
from app.gui.words import joined_words, short

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.gui.theme import Theme

COLOURS = 256
RANGE = (1.0, 99.0)  # percentiles shown from end to end: one bad step must not grey the rest
MOST_TICKS = 8


class HeatPanel(Panel):
    """One row a channel, one column a step, white to the measured colour; a click chooses."""

    picked = pyqtSignal(int)

    def __init__(self, theme: Theme) -> None:
        self.image = pg.ImageItem(axisOrder="row-major")
        super().__init__(theme, "Response")
        self.plot.showGrid(x=False, y=False)
        self.plot.addItem(self.image)
        self.choice = pg.InfiniteLine(angle=0, movable=False)
        self.plot.addItem(self.choice, ignoreBounds=True)
        self._own(self.choice, "text1", kind="limit")
        self.view.setAccessibleName("Response of all channels by step")
        self.view.scene().sigMouseClicked.connect(self._clicked)
        self._channels = 0

    def restyle(self) -> None:
        super().restyle()
        ends = [QColor(self.theme.tokens.surface), QColor(self.theme.tokens.measured)]
        low, high = (np.array(c.getRgb()[:3], dtype=float) for c in ends)
        share = np.linspace(0, 1, COLOURS)[:, None]
        self.image.setLookupTable((low + (high - low) * share).astype(np.uint8))

    def draw(
        self, mean: NDArray[np.float64], names: tuple[str, ...], channel: int, unit: str
    ) -> None:
        """Show `(T, C)` in `unit`, NaN where nothing was measured yet."""
        known = mean[np.isfinite(mean)]
        if not known.size:
            return
        self.filled()
        low, high = (float(v) for v in np.percentile(known, RANGE))
        self.image.setImage(mean.T, autoLevels=False, levels=(low, max(high, low + 1e-12)))
        colours = f"{len(names)} channels by step · white {short(low)}, full {short(high)}"
        self.unit.setText(joined_words(unit, colours, by=" · "))
        self.choice.setValue(channel + 0.5)
        if self._channels != len(names):
            self._channels = len(names)
            self.plot.setYRange(0, len(names), padding=0)
            every = max(1, -(-len(names) // MOST_TICKS))
            ticks = [(k + 0.5, str(k + 1)) for k in range(0, len(names), every)]
            self.plot.getAxis("left").setTicks([ticks])

    def _clicked(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            at: QPointF = self.plot.vb.mapSceneToView(event.scenePos())
            if 0 <= at.y() < self._channels:
                self.picked.emit(int(at.y()))
