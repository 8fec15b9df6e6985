"""The seven plots of the Record page, drawn from a `LiveRecording` once a frame."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtWidgets import QGridLayout, QWidget

from app.gui.live_record import MOST_REPEATS, band, slope, spread, window_share
from app.gui.widgets.basic import Segments
from app.gui.widgets.legend import Key
from app.gui.widgets.panel import Panel, joined
from app.gui.words import count, prefix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.gui.live_record import LiveRecording
    from app.gui.theme import Theme
    from models.sequence import DriveWindow

FOLLOW_S = 1.5
"""How long a sequence stays in view while the run hops between interleaved ones."""
MOST_PAIRS = 4000


class RecordPlots(QWidget):
    """Field, response with its repeats, spread; distribution, drift, step pairs."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.channel = 0
        self.pinned: int | None = None
        self.shown = 0
        self._since_s = -FOLLOW_S
        self._levels = (-1, -1)
        self._panels()
        self._curves()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(10)
        for row, panels in enumerate(
            (
                (self.field, self.distribution),
                (self.response, self.drift),
                (self.spread, self.pairs),
            )
        ):
            for column, panel in enumerate(panels):
                grid.addWidget(panel, row, column)
        grid.setColumnStretch(0, 74)
        grid.setColumnStretch(1, 26)
        for row, stretch in enumerate((21, 52, 27)):
            grid.setRowStretch(row, stretch)

    def _panels(self) -> None:
        theme = self.theme
        self.field = Panel(theme, "Field", "mT")
        self.response = Panel(theme, "Response")
        self.spread = Panel(theme, "Spread", x_label="Step")
        self.distribution = Panel(theme, "Distribution", x_label="Field, mT")
        self.drift = Panel(theme, "Drift", x_label="Repeat")
        self.pairs = Panel(theme, "Step pairs", "next against now", x_label="Drive")
        self.panels = (
            self.field, self.response, self.spread, self.distribution, self.drift, self.pairs,
        )  # fmt: skip
        self.channels = Segments(theme, (), "Channel")
        self.channels.chosen.connect(self._choose_channel)
        self.channels.hide()
        self.response.head.addWidget(self.channels)
        self.spread.plot.setXLink(self.field.plot)
        self.response.plot.setXLink(self.field.plot)
        for panel in (self.field, self.response):
            panel.without_values("bottom")
            panel.plot.getAxis("bottom").setHeight(4)
        self.distribution.without_values("left")
        self.response.empty("repeats appear here while they are recorded")
        self.spread.empty("from the second repeat on")
        self.drift.empty("level of each repeat")
        self.distribution.plot.getAxis("left").setWidth(6)

    def _curves(self) -> None:
        self.field_line = self.field.curve("field", 1.5, steps=True, antialias=False)
        self.repeat_lines = self.response.curve("repeat", 1, repeats=True)
        self.band = self.response.band("measured")
        self.mean_line = self.response.curve("measured", 2)
        self.running_line = self.response.curve("text1", 1.4)
        self.head = self.response.dots("text1")
        self.spread_line = self.spread.curve("measured", 1.5)
        self.spread_mean = self.spread.level()
        self.cursors = [p.cursor() for p in (self.field, self.response, self.spread)]
        self.bars = self.distribution.bars("field")
        self.drift_band = self.drift.band("measured")
        self.drift_line = self.drift.curve("text2", 1)
        self.drift_dots = self.drift.dots("measured", 6)
        self.pair_dots = self.pairs.dots("field", 4, 160)

    def _choose_channel(self, channel: int) -> None:
        self.channel = channel
        self._levels = (-1, -1)

    def set_channels(self, channels: tuple[str, ...]) -> None:
        """Offer the channels; the toggle is there where there is a choice."""
        self.channels.offer([(name, k) for k, name in enumerate(channels)])
        self.channels.setVisible(len(channels) > 1)
        self.channels.setFixedWidth(34 * max(1, len(channels)))
        self.channel = min(self.channel, max(0, len(channels) - 1))

    def preview(
        self, drives: list[NDArray[np.float64]], window: DriveWindow, shown: int = 0
    ) -> None:
        """Field of one sequence, and where all of them go, before anything runs."""
        self._show_field(window.field_T(drives[shown]))
        together = np.concatenate(drives)
        self._show_distribution(window.field_T(together), window.low_T, window.high_T)
        self.distribution.unit.setText(f"{100 * window_share(together):.0f} % of the window")
        now = np.concatenate([d[:-1] for d in drives])[:MOST_PAIRS]
        after = np.concatenate([d[1:] for d in drives])[:MOST_PAIRS]
        self.pair_dots.setData(x=now, y=after)

    def clear_response(self) -> None:
        """Nothing recorded yet."""
        self.pinned, self.shown, self._since_s, self._levels = None, 0, -FOLLOW_S, (-1, -1)
        for line in (self.repeat_lines, self.mean_line, self.running_line, self.spread_line):
            line.setData([], [])
        self.band.clear()
        self.drift_band.clear()
        for item in (self.head, self.drift_dots, self.drift_line):
            item.setData(x=[], y=[])
        for line in (*self.cursors, self.spread_mean):
            line.hide()

    def _show_field(self, field_T: NDArray[np.float64]) -> None:
        self.field_line.setData(np.arange(field_T.size + 1), 1e3 * field_T)
        self.field.plot.setXRange(0, field_T.size, padding=0)

    def _show_distribution(self, field_T: NDArray[np.float64], low_T: float, high_T: float) -> None:
        counts, edges = np.histogram(1e3 * field_T, bins=18, range=(1e3 * low_T, 1e3 * high_T))
        width = float(edges[1] - edges[0])
        self.bars.setOpts(x=edges[:-1] + width / 2, height=counts, width=0.86 * width)

    def draw(self, live: LiveRecording, *, running: bool) -> None:
        """Draw the recording as it stands."""
        if live.plan is None:
            return
        self._follow(live, running)
        if self.shown in live.fields:
            self._show_field(live.fields[self.shown])
        traces = live.traces(self.shown, self.channel)
        factor, unit = self._scale(live, traces)
        here = running and live.sequence == self.shown and live.step >= 0
        self._draw_response(traces * factor, unit, live, here)
        self._draw_running(live, factor, here)
        if self._levels != (live.done, self.channel):
            self._levels = (live.done, self.channel)
            self._draw_drift(live, factor, unit)
        for panel in (self.spread, self.drift):
            panel.show_run(live.plan.run_id)

    def _follow(self, live: LiveRecording, running: bool) -> None:
        """Show the running sequence; hop at most every `FOLLOW_S`: interleaved runs are fast."""
        if self.pinned is not None:
            self.shown = self.pinned
        elif (
            running and time.monotonic() - self._since_s > FOLLOW_S and live.sequence != self.shown
        ):
            self.shown, self._since_s = live.sequence, time.monotonic()

    def _scale(self, live: LiveRecording, traces: NDArray[np.float64]) -> tuple[float, str]:
        unit = live.plan.units[self.channel] if live.plan else ""
        known = traces if traces.size else live.running[:, self.channel : self.channel + 1]
        finite = np.abs(known[np.isfinite(known)]) if known.size else np.empty(0)
        return prefix(float(finite.max()) if finite.size else 0.0, unit)

    def _draw_response(
        self, traces: NDArray[np.float64], unit: str, live: LiveRecording, here: bool
    ) -> None:
        self.response.filled()
        name = live.plan.channels[self.channel] if live.plan else ""
        self.response.title.setText(f"Response {name}")
        self.response.unit.setText(unit)
        newest = "newest " if len(traces) == MOST_REPEATS else ""
        keys = [Key("repeats", "repeat", newest + count(len(traces), "repeat"))]
        if len(traces):
            x = np.arange(traces.shape[1]) + 0.5
            self.repeat_lines.setData(*joined(x, traces))
            self.mean_line.setData(x, traces.mean(axis=0))
            keys.append(Key("line", "measured", "mean"))
        else:
            for line in (self.repeat_lines, self.mean_line):
                line.setData([], [])
        if len(traces) > 1:
            self.band.show(x, *band(traces))
            std = spread(traces)
            self.spread.filled()
            self.spread_line.setData(x, std)
            self.spread_mean.setValue(float(std.mean()))
            self.spread_mean.show()
            self.spread.unit.setText(f"{unit} · mean {std.mean():.3g}")
            keys.append(Key("band", "measured", "90 % band"))
        else:
            self.band.clear()
            self.spread_line.setData([], [])
            self.spread_mean.hide()
        if here:
            keys.append(Key("line", "text1", f"repeat {live.repeat + 1}, running"))
        self.response.legend.show_keys(keys)

    def _draw_running(self, live: LiveRecording, factor: float, here: bool) -> None:
        if here:
            trace = live.running[:, self.channel] * factor
            x = np.arange(trace.size) + 0.5
            good = np.isfinite(trace)
            self.running_line.setData(x[good], trace[good])
            last = trace[live.step] if live.step < trace.size else np.nan
            self.head.setData(x=[live.step + 0.5], y=[last]) if np.isfinite(last) else None
        else:
            self.running_line.setData([], [])
            self.head.setData(x=[], y=[])
        for cursor in self.cursors:
            cursor.setVisible(here)
            cursor.setValue(live.step + 0.5)

    def _draw_drift(self, live: LiveRecording, factor: float, unit: str) -> None:
        position, level = live.drift(self.channel)
        level = level * factor
        if len(position):
            self.drift.filled()
        self.drift_dots.setData(x=position, y=level)
        self.drift.plot.setXRange(0.5, max(2, live.total) + 0.5, padding=0)
        fitted = slope(position, level)
        if fitted is None:
            self.drift_line.setData([], [])
            self.drift_band.clear()
            self.drift.unit.setText(unit)
            return
        rise, error, start = fitted
        ends = position[[0, -1]]
        self.drift_line.setData(ends, start + rise * ends)
        low, high = np.percentile(level, (5, 95))
        whole = np.array([0.5, live.total + 0.5])
        self.drift_band.show(whole, np.full(2, low), np.full(2, high))
        change = f"{rise:+.2g} ± {error:.1g} {unit} a repeat"
        self.drift.unit.setText(change.replace("-", "−"))
