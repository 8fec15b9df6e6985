"""A map in a panel: one row a channel, one column a step, from its ground to a colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QObject, QPointF, Qt, pyqtSignal

from app.gui.words import short
from app.map_levels import levels_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.gui.widgets.panel import Panel

    FloatArray = NDArray[np.float64]

MOST_TICKS = 8


class Heat(QObject):
    """The map of a panel, hidden until it is drawn; a click chooses a channel."""

    picked = pyqtSignal(int)

    def __init__(self, panel: Panel, token: str) -> None:
        super().__init__(panel)
        self._panel = panel
        self.image = panel.image(token)
        self.choice = panel.level("text1")
        panel.view.scene().sigMouseClicked.connect(self._clicked)
        self._channels = 0

    @property
    def shown(self) -> bool:
        """Whether the panel shows it."""
        return bool(self.image.isVisible())

    def draw(
        self, mean: FloatArray, channel: int | None, levels: tuple[float, float] | None = None
    ) -> str:
        """Show `(T, C)`, NaN where nothing was measured yet, a line at the channel.

        Returns what the colours are, in words; where all is NaN nothing is shown, and they are
        empty.
        """
        if not np.isfinite(mean).any():
            return ""
        low, high = levels or levels_of(mean)
        channels = mean.shape[1]
        self.image.setImage(mean.T, autoLevels=False, levels=(low, high))
        self.choice.setVisible(channel is not None)
        if channel is not None:
            self.choice.setValue(channel + 0.5)
        if self._channels != channels:
            self._channels = channels
            self._panel.plot.setYRange(0, channels, padding=0)
            every = max(1, -(-channels // MOST_TICKS))
            ticks = [(k + 0.5, str(k + 1)) for k in range(0, channels, every)]
            self._panel.plot.getAxis("left").setTicks([ticks])
        self.image.show()
        return f"empty {short(low)}, full {short(high)}"  # its ground is dark in a dark window

    def hide(self) -> None:
        """Give the panel back to its curves."""
        if self._channels:
            self._channels = 0
            self.image.clear()
            self.image.hide()
            self.choice.hide()
            self._panel.plot.getAxis("left").setTicks(None)
            self._panel.plot.enableAutoRange(axis="y")

    def _clicked(self, event: Any) -> None:
        if self.shown and event.button() == Qt.MouseButton.LeftButton:
            at: QPointF = self._panel.plot.vb.mapSceneToView(event.scenePos())
            if 0 <= at.y() < self._channels:
                self.picked.emit(int(at.y()))
