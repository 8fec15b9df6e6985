"""The response of the sequence that is shown: its repeats, mean and band, the running repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.gui.live_record import band
from app.gui.widgets.legend import Key
from app.gui.widgets.lines import joined
from app.gui.widgets.panel import Panel
from app.gui.words import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.gui.live_record import LiveRecording
    from app.gui.theme import Theme

    FloatArray = NDArray[np.float64]


class ResponsePanel(Panel):
    """Translucent repeats, their mean and 90 % band; over them the running and a chosen one."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Response")
        self.repeat_lines = self.curve("repeat", 1, repeats=True)
        self.spread_band = self.band("measured")
        self.mean_line = self.curve("measured", 2)
        self.chosen_line = self.curve("text1", 1.4, dashed=True)
        self.running_line = self.curve("text1", 1.4)
        self.newest = self.dots("text1")

    def clear(self) -> None:
        """Show nothing."""
        for line in (self.repeat_lines, self.mean_line, self.running_line, self.chosen_line):
            line.setData([], [])
        self.spread_band.clear()
        self.newest.setData(x=[], y=[])

    def draw_repeats(self, traces: FloatArray) -> None:
        """Draw the repeats `(R, T)`, in the panel's unit, with their mean and band."""
        x = np.arange(traces.shape[1]) + 0.5
        if len(traces):
            self.repeat_lines.setData(*joined(x, traces))
            self.mean_line.setData(x, traces.mean(axis=0))
        else:
            for line in (self.repeat_lines, self.mean_line):
                line.setData([], [])
        if len(traces) > 1:
            self.spread_band.show(x, *band(traces))
        else:
            self.spread_band.clear()

    def say(self, newest: str, repeats: int, band_words: str, running: str, chosen: str) -> None:
        """The legend, for so many repeats; `running`, `chosen`: "" where there is none."""
        self.filled()
        keys = [Key("repeats", "repeat", newest + count(repeats, "repeat"))]
        if repeats:
            keys.append(Key("line", "measured", "mean"))
        if repeats > 1:
            keys.append(Key("band", "measured", band_words))
        if running:
            keys.append(Key("line", "text1", running))
        if chosen:
            keys.append(Key("dash", "text1", chosen))
        self.legend.show_keys(keys)

    def draw_running(self, live: LiveRecording, channel: int, factor: float, *, here: bool) -> None:
        """Draw the running repeat as far as it is; `here`: it is of the sequence that is shown."""
        if not here:
            self.running_line.setData([], [])
            self.newest.setData(x=[], y=[])
            return
        trace = live.running[:, channel] * factor
        x = np.arange(trace.size) + 0.5
        good = np.isfinite(trace)
        self.running_line.setData(x[good], trace[good])
        last = trace[live.step] if live.step < trace.size else np.nan
        if np.isfinite(last):
            self.newest.setData(x=[live.step + 0.5], y=[last])

    def draw_chosen(self, live: LiveRecording, chosen: int, channel: int, factor: float) -> None:
        """Draw the repeat at position `chosen`, over the others; −1: none."""
        _, response = live.repeat_at(chosen) if chosen >= 0 else (-1, None)
        if response is None:
            self.chosen_line.setData([], [])
            return
        trace = response[:, channel] * factor
        self.chosen_line.setData(np.arange(trace.size) + 0.5, trace)
