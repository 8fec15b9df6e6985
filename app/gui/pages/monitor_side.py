"""The side of the Monitor page: response against field, fading; its spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.gui.theme import pen
from app.gui.widgets.basic import Choice
from app.gui.widgets.legend import Key
from app.gui.widgets.panel import Panel
from app.gui.words import joined_words, prefix
from app.spectrum import amplitude_density

if TYPE_CHECKING:
    from app.gui.live_monitor import LiveMonitor, Trace
    from app.gui.theme import Theme

AGES, POINTS, FFT_POINTS = 6, 2400, 8192
MANY = 16  # channels: from here on the spectrum view shows them side by side
OLDEST_ALPHA, NEWEST_ALPHA = 20, 130
SIDE_PX = 292


class MonitorSide(QWidget):
    """Loop and spectrum of one trace, chosen above the loop."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedWidth(SIDE_PX)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.loop = Panel(theme, "Loop", "", x_label="Field, mT")
        self.response = Choice(theme, (), "Response of loop and spectrum")
        self.response.setFixedWidth(76)  # beside it the unit and both keys are whole
        self.response.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.loop.head.addWidget(self.response)
        self.loop.legend.show_keys([])
        self.past = [self.loop.curve("repeat", 1, antialias=True) for _ in range(AGES - 1)]
        self.now = self.loop.curve("measured", 2)
        self.head = self.loop.dots("measured")
        self.spectrum = Panel(theme, "Spectrum", "", x_label="Frequency, Hz", log_y=True)
        self.density = self.spectrum.curve("measured", 1.2, antialias=True)
        column.addWidget(self.loop, 1)
        column.addWidget(self.spectrum, 1)
        theme.changed.connect(self._fade)
        self._fade()
        for panel, words in ((self.loop, "no field yet"), (self.spectrum, "needs 32 readings")):
            panel.empty(words)

    def offer(self, live: LiveMonitor) -> None:
        """The traces that can be a response; the first read-out is chosen."""
        items = [(t.name, n) for n, t in enumerate(live.traces) if t.token == "measured"]
        self.response.offer(items or [(t.name, n) for n, t in enumerate(live.traces)])

    def _fade(self) -> None:
        """The older, the paler; the theme's own grey."""
        t = self._theme.tokens
        for age, curve in enumerate(self.past):
            share = age / max(1, len(self.past) - 1)
            alpha = round(OLDEST_ALPHA + share * (NEWEST_ALPHA - OLDEST_ALPHA))
            curve.setPen(pen(t.repeat, 1, alpha=alpha))

    def draw(
        self, live: LiveMonitor, from_s: float, until_s: float, part: int | None = None
    ) -> None:
        """Draw what was read between two times; `part`: 0 the loop, 1 the spectrum, None both."""
        chosen = self.response.currentData()
        if chosen is None:
            return
        trace = live.traces[chosen]
        view = live.store.exact(FFT_POINTS)
        inside = (view.times_s >= from_s) & (view.times_s <= until_s)
        field_T, values = view.low[0, inside], view.low[chosen, inside]
        if part in (None, 0):
            self._draw_loop(field_T[-POINTS:], values[-POINTS:], trace)
            self.loop.settle()
        if part in (None, 1):
            self._draw_spectrum(live, trace, view.times_s[inside], values)
            self.spectrum.settle()

    def _draw_loop(self, field_T: Any, values: Any, trace: Trace) -> None:
        """The latest part in colour, the older the paler."""
        good = np.isfinite(field_T) & np.isfinite(values)
        field_T, values = 1e3 * field_T[good], values[good]
        if values.size < 2:
            self.loop.empty(f"no {trace.name} over a field yet")
            for curve in (*self.past, self.now, self.head):
                curve.setData([], [])
            return
        self.loop.filled()
        factor, unit = prefix(float(np.abs(values).max()), trace.unit)
        values = values * factor
        cuts = np.linspace(0, values.size, AGES + 1).astype(int)
        for age, curve in enumerate([*self.past, self.now]):
            here = slice(max(0, cuts[age] - 1), cuts[age + 1])  # joined to the part before
            curve.setData(field_T[here], values[here])
        self.head.setData(field_T[-1:], values[-1:])
        self.loop.unit.setText(unit)
        self.loop.legend.show_keys(
            [Key("line", "measured", "now"), Key("repeats", "repeat", "before")]
        )

    def _draw_spectrum(self, live: LiveMonitor, trace: Trace, times_s: Any, values: Any) -> None:
        if len(live.channels) >= MANY:
            self._draw_many(live, trace)
            return
        frequency, density = amplitude_density(times_s, values)
        if not frequency.size or np.nanmin(values) == np.nanmax(values):  # rounding has a spectrum
            self.spectrum.empty("needs 32 readings that differ")
            self.spectrum.unit.setText("")
            self.density.setData([], [])
            return
        self.spectrum.filled()
        factor, unit = prefix(float(density.max()), trace.unit)
        self.density.setData(frequency, np.maximum(density * factor, 1e-9))
        peak = float(frequency[np.argmax(density)])
        self.spectrum.unit.setText(f"{trace.name}, {unit or 1}/√Hz · peak {peak:.3g} Hz")

    def _draw_many(self, live: LiveMonitor, trace: Trace) -> None:
        """Every read-out channel's latest value, side by side."""
        good = np.isfinite(live.spectrum)
        if not good.any():
            self.spectrum.empty("no reading now")
            return
        self.spectrum.filled()
        factor, unit = prefix(float(np.abs(live.spectrum[good]).max()), trace.unit)
        self.spectrum.plot.setLogMode(False, False)
        self.spectrum.x_label.setText("Channel")
        self.density.setData(np.arange(good.size)[good], live.spectrum[good] * factor)
        self.spectrum.unit.setText(joined_words(f"{len(live.channels)} channels now", unit))

    def show_run(self, run_id: str) -> None:
        """The monitor's id, painted in both plots."""
        self.loop.show_run(run_id)
        self.spectrum.show_run(run_id)
